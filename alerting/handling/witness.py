"""A second witness: what the home's electricity says while its water stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import load_state
from alerting.detectors.supply import ROLES, Power
from alerting.finding import Finding, Sign
from alerting.intake.whose import Whose
from alerting.tables import Check, DeviceStateRow
from alerting.witness import WAITED, hear, since_of, wait_until
from care.tables import Binding, Device


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondLook:
    """What the other meter says. `until`: wait so long before a look is taken again; None: go on.
    `facts` go beside the finding's own."""

    until: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


async def second_look(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> SecondLook:
    """Ask the electricity meters of the home; a home without one has nothing to add.

    With `until` the facts say `power_waited`: kept with the finding while it waits, they see to it
    that it waits once in a gap.
    """
    since = since_of(finding.facts)
    if finding.kind != "no_water_use" or finding.sign is Sign.CLEARED or since is None:
        return SecondLook()
    witnesses = await _witnesses(session, whose.home_id)
    if not witnesses:
        return SecondLook()
    testimony = hear(witnesses, since, now)
    until = wait_until(testimony, finding.facts, now, waited=False)
    if until is not None and await _has_waited(session, whose, since):
        until = None
    facts = testimony.facts(now)
    return SecondLook(until=until, facts=facts | {WAITED: True} if until else facts)


async def _witnesses(session: AsyncSession, home_id: str | None) -> list[tuple[str, Power]]:
    """(role, what is remembered) of every electricity meter and plug that is in the home now."""
    if home_id is None:
        return []
    rows = await session.execute(
        select(Device.role, DeviceStateRow.state)
        .join(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .join(Binding, Binding.device_id == Device.id)
        .where(
            Binding.home_id == home_id,
            Binding.valid_to.is_(None),
            Device.active,
            Device.role.in_(sorted(ROLES)),
        )
        .order_by(Device.id)
    )
    known = [(role, load_state(text).power) for role, text in rows]
    return [(role, power) for role, power in known if power is not None]


async def _has_waited(session: AsyncSession, whose: Whose, since: datetime) -> bool:
    """Whether a finding of this gap has waited already: closed, taken up again, found again."""
    if whose.device_id is None:
        return False
    findings = await session.scalars(
        select(Check.finding).where(Check.device_id == whose.device_id, Check.opened_at >= since)
    )
    return any((finding.get("facts") or {}).get(WAITED) for finding in findings)
