"""A smoke detector that can no longer alarm leaves its home without: a hazard until remedied."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.finding import Finding, Sign
from alerting.intake.whose import Whose
from alerting.tables import Incident
from care import follow_ups
from care.tables import Device, Hazard

CODE = "no_smoke_detection"
LATCHED = "烟感报警后一直不恢复，再起火也不会报警：这户目前没有烟感保护"
CLEARED = "安居：烟感已报告恢复"
REPLACED = "安居：烟感已更换，安装测试通过"


async def note_latched(
    session: AsyncSession, whose: Whose, level: str, fault: Incident | None, now: datetime
) -> None:
    """The home of a latched smoke detector is without detection; noted once a fault."""
    if level != "smoke" or fault is None or whose.home_id is None or whose.device_id is None:
        return
    known = await session.scalar(
        select(Hazard.id)
        .where(
            Hazard.device_id == whose.device_id,
            Hazard.code == CODE,
            Hazard.remedied_at.is_(None) | (Hazard.incident_id == fault.id),
        )
        .limit(1)
    )
    if known is not None:
        return
    hazard = await follow_ups.add_hazard(
        session,
        now,
        home_id=whose.home_id,
        text=LATCHED,
        incident_id=fault.id,
        device_id=whose.device_id,
        code=CODE,
    )
    data = {"hazard_id": hazard.id, "text": hazard.text}
    timeline.append(session, fault.id, at=now, now=now, kind="hazard_found", data=data)
    timeline.touch(session, fault, now)


async def remedy_cleared(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> None:
    """The detector itself says that the smoke is gone: it can alarm again."""
    if finding.sign is not Sign.CLEARED or finding.kind != "smoke" or whose.device_id is None:
        return
    open_ones = select(Hazard).where(
        Hazard.device_id == whose.device_id, Hazard.code == CODE, Hazard.remedied_at.is_(None)
    )
    for hazard in (await session.scalars(open_ones)).all():
        await _remedy(session, hazard, CLEARED, now)


async def remedy_replaced(session: AsyncSession, now: datetime) -> int:
    """Hazards whose detector was replaced by one that passed its installation test.

    For a loop: whoever tests a device need not know of hazards. Returns how many there were.
    """
    successor = select(Device.id).where(
        Device.replaces_id == Hazard.device_id, Device.active, Device.in_service_at.is_not(None)
    )
    found = await session.scalars(
        select(Hazard)
        .where(Hazard.code == CODE, Hazard.remedied_at.is_(None), successor.exists())
        .order_by(Hazard.id)
        .limit(100)
        .with_for_update()
    )
    hazards = found.all()
    for hazard in hazards:
        await _remedy(session, hazard, REPLACED, now)
    return len(hazards)


async def _remedy(session: AsyncSession, hazard: Hazard, remedy: str, now: datetime) -> None:
    """By Anju itself: nobody's name stands beside it, the words say who it was."""
    hazard.remedied_at, hazard.remedy = now, remedy
    incident = await session.get(Incident, hazard.incident_id) if hazard.incident_id else None
    if incident is None:
        return
    data = {"hazard_id": hazard.id, "text": f"{hazard.text}：{remedy}"}
    timeline.append(session, incident.id, at=now, now=now, kind="hazard_remedied", data=data)
    timeline.touch(session, incident, now)
