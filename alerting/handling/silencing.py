"""What people asked to be left alone with, and elders who are away: never for life safety."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Finding, Severity
from alerting.tables import Silence
from alerting.telling.roster import area_path
from care.model import ElderStatus
from care.tables import Elder


async def silenced_until(
    session: AsyncSession,
    finding: Finding,
    *,
    device_id: str | None,
    home_id: str | None,
    area_id: str | None,
    now: datetime,
) -> datetime | None:
    """Until when nobody is told of this; None: no silence covers it."""
    if finding.severity is Severity.LIFE_SAFETY:
        return None
    areas = [part for part in (await area_path(session, area_id)).split("/") if part]
    rows = await session.scalars(
        select(Silence.ends_at).where(
            Silence.ends_at > now,
            or_(Silence.kind.is_(None), Silence.kind == finding.kind),
            or_(Silence.device_id.is_(None), Silence.device_id == device_id),
            or_(Silence.home_id.is_(None), Silence.home_id == home_id),
            or_(Silence.area_id.is_(None), Silence.area_id.in_(areas)),
        )
    )
    return max(rows, default=None)


async def welfare_suspended(
    session: AsyncSession, finding: Finding, *, elder_id: str | None, home_id: str | None
) -> bool:
    """Is nobody home who could need care? Only welfare rules rest, and only while a status says so.

    A home with several residents rests only when all of them are away; a review date that has
    passed is the desk's to chase, not a reason to look away longer or sooner. Whoever asks for
    help is heard, wherever they were said to be.
    """
    if finding.facts.get("help"):
        return False
    if finding.severity is not Severity.WELFARE or (elder_id is None and home_id is None):
        return False
    whose = Elder.home_id == home_id if home_id is not None else Elder.id == elder_id
    statuses = (await session.scalars(select(Elder.status).where(whose))).all()
    return bool(statuses) and all(status != ElderStatus.HOME for status in statuses)
