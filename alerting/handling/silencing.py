"""What people asked to be left alone with, and elders who are away: never for life safety."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import reason_of
from alerting.finding import Finding, Severity, Sign
from alerting.intake.whose import Whose
from alerting.tables import Silence
from alerting.telling.roster import area_path
from care.handing_down import welfare_rests


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
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> bool:
    """Is nobody home who could need care? Only welfare rules rest, and only while a status says so.

    The same decision as `Device.resting_since`. What ended is always told: an incident that runs
    since before the absence must not go on saying that the water stands still. Whoever asks for
    help is heard, wherever they were said to be; and who should be at home is looked for.
    """
    if finding.facts.get("help") or reason_of(finding.facts) == "expected_at_home":
        return False
    if finding.severity is not Severity.WELFARE or finding.sign is Sign.CLEARED:
        return False
    if whose.home_id is None:
        return False
    return await welfare_rests(session, whose.home_id, whose.role, whose.elder_id, now)
