"""Electric figures that no home has: 17 kW at 52 V is a meter that errs, not a kettle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import Reading

MAINS_V = (80.0, 500.0)
"""From a browned-out 110 V to three phases of 400 V, with a margin."""

ROLES = ("electricity_meter", "plug")
"""Devices whose voltage is the mains'."""

PRESENT = frozenset({"voltage", "power", "current"})
"""What is measured together and falls together. The counter has checks of its own: a meter with a
wrong divisor for its volts counts rightly."""

SET_ASIDE = "_doubted"
"""Behind a register's name: kept and shown, trusted by nothing."""


def absurd(readings: Iterable[Reading], child_id: str, now: datetime) -> Finding | None:
    """`cannot_assess` when this child's message holds a voltage that no mains has.

    No voltage and no power is an outage, told by a meter with a battery of its own. FOUND, so that
    a meter which says it every minute opens one incident and fills no timeline.
    """
    said = {one.register: one.value for one in readings if one.child_id == child_id}
    volts = said.get("voltage")
    lowest, highest = MAINS_V
    if volts is None or lowest <= volts <= highest:
        return None
    if volts == 0 and not said.get("power") and not said.get("current"):
        return None
    return Finding(
        kind="cannot_assess",
        severity=SEVERITY_OF_KIND["cannot_assess"],
        sign=Sign.FOUND,
        at=now,
        reason="a voltage that no mains has",
        facts={"reason": "not_the_mains", **{name: said[name] for name in PRESENT & set(said)}},
    )


def set_aside(readings: Sequence[Reading], child_id: str) -> tuple[Reading, ...]:
    """The same readings, this child's electric present under names that nothing trusts."""
    return tuple(
        replace(one, register=one.register + SET_ASIDE)
        if one.child_id == child_id and one.register in PRESENT
        else one
        for one in readings
    )
