"""Visits: recorded with the schemes' common body, numbered per elder without gap or double."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.model import Actor, VisitMode
from care.queries import Sight, one_seen, visible_visits
from care.tables import Elder, Visit
from care.visit_record import VisitRecord
from core.errors import InvalidInput
from core.ids import new_id

LONGEST_AGO = timedelta(days=90)
"""A paper record may be entered late; beyond this the date is a slip of the pen."""


async def record_visit(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    elder: Elder,
    visitor_id: str,
    mode: VisitMode,
    record: VisitRecord,
    incident_id: str | None = None,
    visited_at: datetime | None = None,
) -> Visit:
    """Store a visit as the elder's next (第 _ 次开展探访).

    The elder's row is locked while numbering, so that two visits recorded at once get two
    numbers. Who may record is decided in `alerting/handling/aftercare.py`. Raises `InvalidInput`
    for a `visited_at` in the future or more than 90 days ago.
    """
    at = visited_at or now
    if at > now:
        raise InvalidInput("visited_at", "lies in the future")
    if at < now - LONGEST_AGO:
        raise InvalidInput("visited_at", f"is more than {LONGEST_AGO.days} days ago")
    await session.execute(select(Elder.id).where(Elder.id == elder.id).with_for_update())
    last = await session.scalar(select(func.max(Visit.number)).where(Visit.elder_id == elder.id))
    visit = Visit(
        id=new_id("visit"),
        elder_id=elder.id,
        incident_id=incident_id,
        visitor_id=visitor_id,
        recorded_by=actor.id,
        mode=mode.value,
        number=(last or 0) + 1,
        record=record.stored(),
        visited_at=at,
        created_at=now,
    )
    session.add(visit)
    await session.flush()
    return visit


async def find_visit(session: AsyncSession, sight: Sight, visit_id: str) -> Visit:
    """A visit the caller may see; raises `NotFound` for any other."""
    return await one_seen(session, Visit, visit_id, visible_visits(sight))
