"""What every detector is handed about the device it judges, and small words they share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

MAX_SECONDS = 4_294_967_295
"""Four bytes, the year 2106: keeps the size of a state bounded and `iso` from overflowing."""

LATE_AFTER_S = 120
"""Below this, the time between happening and hearing is transport, not news."""

DEFAULT_ZONE = "Asia/Shanghai"

Seconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_SECONDS)]
"""Whole seconds since 1970 UTC inside states: integers, so that a replay is bit-identical."""


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector may know of the device it judges."""

    id: str
    role: str | None
    family: str
    rules: dict[str, Any] = {}  # rule name → its parameters; missing: the detector's defaults
    zone: str = DEFAULT_ZONE  # of the home: what "at night" means
    enrolled_at: datetime | None = None  # UTC, since when this binding holds
    reports_every_s: int | None = None  # longest normal silence by family; None: by role
    supervised: bool = True  # False: one-way radio and the like, whose silence means nothing
    resting: bool = False  # nobody who lives there is at home: nothing is learnt from it


def parameter(device: DeviceView, rule: str, name: str) -> Any:
    """One parameter of one rule as set for this device; None when it is not set."""
    rules = device.rules
    if not rules:
        return None
    parameters = rules.get(rule)
    return parameters.get(name) if isinstance(parameters, dict) else None


def seconds(at: datetime) -> int:
    """Whole seconds since 1970 of a zone-aware time, within 0…MAX_SECONDS."""
    return min(max(int(at.timestamp()), 0), MAX_SECONDS)


def moment(at: int) -> datetime:
    """The UTC time of `seconds`."""
    return datetime.fromtimestamp(at, UTC)


def iso(at: int) -> str:
    """RFC 3339 in UTC, as facts carry times."""
    return moment(at).isoformat()


def late_s(at: int, now: int) -> int:
    """How late we heard of it, in seconds; 0 while that is only transport."""
    late = now - at
    return late if late > LATE_AFTER_S else 0
