"""What came in beside events: readings, messages nobody could read, devices nobody registered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.tables import QuarantineRow, ReadingRow
from care.listing import equal
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, in_scope
from care.tables import Device, Source, SourceChild

_QUARANTINE = Order(
    name="quarantine", key=QuarantineRow.received_at, ident=QuarantineRow.id, newest_first=True
)
_UNKNOWN = Order(
    name="unknown-devices",
    key=SourceChild.last_seen_at,
    ident=SourceChild.source_id + "/" + SourceChild.child_id,
    newest_first=True,
)
_READINGS = Order(name="readings", key=ReadingRow.at, ident=ReadingRow.register)


async def quarantined(
    session: AsyncSession, sight: Sight, page: PageRequest, *, source_id: str | None = None
) -> Page[QuarantineRow]:
    """Messages that could not be read, latest first; those of no source are shown to everybody."""
    statement = (
        select(QuarantineRow)
        .outerjoin(Source, Source.id == QuarantineRow.source_id)
        .where(in_scope(Source.area_id, sight.actor.scope))
    )
    return await fetch_page(session, equal(statement, source_id=source_id), _QUARANTINE, page)


async def unknown_devices(
    session: AsyncSession, sight: Sight, page: PageRequest, *, source_id: str | None = None
) -> Page[SourceChild]:
    """Children that a source spoke of and nobody registered, latest heard first."""
    known = and_(Device.source_id == SourceChild.source_id, Device.child_id == SourceChild.child_id)
    statement = (
        select(SourceChild)
        .join(Source, Source.id == SourceChild.source_id)
        .outerjoin(Device, known)
        .where(Device.id.is_(None), in_scope(Source.area_id, sight.actor.scope))
    )
    return await fetch_page(session, equal(statement, source_id=source_id), _UNKNOWN, page)


async def readings(
    session: AsyncSession,
    page: PageRequest,
    device_id: str,
    *,
    register: str | None = None,
    since: datetime | None = None,
) -> Page[ReadingRow]:
    """A device's readings, oldest first. The caller has looked the device up before."""
    statement = equal(
        select(ReadingRow).where(ReadingRow.device_id == device_id), register=register
    )
    if since is not None:
        statement = statement.where(ReadingRow.at >= since)
    return await fetch_page(session, statement, _READINGS, page)
