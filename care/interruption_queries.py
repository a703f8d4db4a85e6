"""Interruptions of a supply, read: which concern somebody, and which hold in an area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from care.interruptions import OPEN
from care.listing import within
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, serves
from care.supply import SupplyState
from care.tables import Area, Interruption
from core.errors import NotFound

_NEWEST = Order(
    name="interruptions",
    key=Interruption.begins_at,
    ident=Interruption.id,
    newest_first=True,
)


def visible(sight: Sight) -> ColumnElement[bool]:
    """Those of the caller's areas, and those above them that hold there; none for visitors."""
    if not sight.by_area:
        return false()
    return serves(Interruption.area_id, sight.actor.scope) if sight.actor.scope.path else true()


async def find(session: AsyncSession, sight: Sight, interruption_id: str) -> Interruption:
    query = select(Interruption).where(Interruption.id == interruption_id, visible(sight))
    found = await session.scalar(query)
    if found is None:
        raise NotFound("interruption", interruption_id)
    return found


async def listed(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    area_id: str | None = None,
    state: SupplyState | None = None,
    open_only: bool = False,
) -> Page[Interruption]:
    """The latest to begin first."""
    query = select(Interruption).where(visible(sight))
    if area_id is not None:
        query = query.where(within(Interruption.area_id, area_id))
    if state is not None:
        query = query.where(Interruption.state == state.value)
    if open_only:
        query = query.where(Interruption.state.in_(OPEN))
    return await fetch_page(session, query, _NEWEST, page)


async def running(session: AsyncSession, sight: Sight) -> Sequence[tuple[Interruption, str]]:
    """Everything suspected or recorded that concerns the caller, with its area's name; suspected
    first, then by beginning."""
    rows = await session.execute(
        select(Interruption, Area.name)
        .join(Area, Area.id == Interruption.area_id)
        .where(visible(sight), Interruption.state.in_(OPEN))
        .order_by(Interruption.state.desc(), Interruption.begins_at, Interruption.id)
    )
    return [(row[0], row[1]) for row in rows]


async def holding(
    session: AsyncSession, area_id: str | None, now: datetime
) -> Sequence[Interruption]:
    """Recorded or suspected ones that have begun and hold in this area."""
    if area_id is None:
        return ()
    path = await session.scalar(select(Area.path).where(Area.id == area_id))
    rows = await session.scalars(
        select(Interruption)
        .where(
            Interruption.state.in_(OPEN),
            Interruption.area_id.in_((path or "").strip("/").split("/")),
            Interruption.begins_at <= now,
            or_(Interruption.until.is_(None), Interruption.until > now),
        )
        .order_by(Interruption.state, Interruption.begins_at)
    )
    return rows.all()
