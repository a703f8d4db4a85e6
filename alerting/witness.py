"""What a home's electricity says while its water stands still, and whether to wait for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from alerting.detectors import load, meter
from alerting.detectors.supply import Power, doubt, heard_at, last_activity
from alerting.detectors.view import moment

RECENT = timedelta(hours=2)
"""So long an activity counts as "just now", and so long a finding may wait because of it."""

WAITED = "power_waited"
"""Set in the facts of a finding that has waited: once in a gap is enough."""


class Says(StrEnum):
    """What the electricity of a home testifies."""

    ACTIVE = "active"
    SILENT = "silent"
    CANNOT_SAY = "cannot_say"


class Testimony(msgspec.Struct, frozen=True, kw_only=True):
    """What all meters and plugs of a home say together. Times are UTC."""

    says: Says
    active_at: datetime | None = None  # the last activity that any of them saw
    quiet_from: datetime | None = None  # silent: since when
    base_w: int | None = None  # of the home's meter

    def facts(self, now: datetime) -> dict[str, Any]:
        """The figures for the sentence; they stand beside the water's own."""
        facts: dict[str, Any] = {"power_says": self.says.value}
        if self.active_at is not None:
            facts["power_active_at"] = self.active_at.isoformat()
        since = self.active_at or self.quiet_from
        if since is not None and self.says is not Says.CANNOT_SAY:
            facts["power_silent_s"] = int((now - since).total_seconds())
        if self.base_w is not None:
            facts["power_base_w"] = self.base_w
        return facts


def hear(witnesses: Sequence[tuple[str, Power]], since: datetime, now: datetime) -> Testimony:
    """What the electricity meters and plugs of a home say: (role, what is remembered of each).

    Active: any of them saw somebody do something after `since` (the last use of water) and within
    the last two hours. Silent: the home's meter can tell, speaks, and saw nobody for two hours. A
    plug is one appliance, so it is never silent.
    """
    seen = [moment(at) for _, power in witnesses if (at := last_activity(power)) > 0]
    seen = [at for at in seen if at <= now]
    active_at = max(seen, default=None)
    silent = [power for role, power in witnesses if _is_silent(role, power, now)]
    telling = next((power for role, power in witnesses if not doubt(power, role)), None)
    base_w = load.watts(telling.nights.base) if telling is not None else None
    if active_at is not None and active_at > since and now - active_at <= RECENT:
        return Testimony(says=Says.ACTIVE, active_at=active_at, base_w=base_w)
    if not silent:
        return Testimony(says=Says.CANNOT_SAY, active_at=active_at)
    quiet_from = moment(min(power.quiet_from for power in silent))
    return Testimony(says=Says.SILENT, active_at=active_at, quiet_from=quiet_from, base_w=base_w)


def _is_silent(role: str, power: Power, now: datetime) -> bool:
    if doubt(power, role):
        return False
    heard = moment(heard_at(power))
    if abs((now - heard).total_seconds()) > meter.hole_s(power.meter):
        return False
    seen_to_end = 0 <= power.quiet_from - last_activity(power) <= load.LONGEST_S
    return seen_to_end or now - moment(power.quiet_from) >= RECENT


def wait_until(
    testimony: Testimony, facts: Mapping[str, Any], now: datetime, *, waited: bool
) -> datetime | None:
    """How long a finding may wait because somebody uses electricity; None: it does not wait.

    Only one of the tight profile (which asks before it alarms), once in a gap, for two hours at
    most, and never past the home's quiet limit: from there on the water alone is reason enough.
    """
    if testimony.says is not Says.ACTIVE or waited or facts.get(WAITED):
        return None
    quiet_limit_s = facts.get("quiet_limit_s")
    since = since_of(facts)
    is_tight = facts.get("opens") == "check" or facts.get("profile") == "tight"
    if not is_tight or since is None or not isinstance(quiet_limit_s, int):
        return None
    until = min(now + RECENT, since + timedelta(seconds=quiet_limit_s))
    return until if until > now else None


def since_of(facts: Mapping[str, Any]) -> datetime | None:
    """When water was last used, as the finding says; None: it does not."""
    text = facts.get("since")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
