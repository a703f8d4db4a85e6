"""What a detector found: nobody has been told yet."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from devices.event import Confidence


class Severity(StrEnum):
    """How urgently people are needed; the order is the queue's order."""

    LIFE_SAFETY = "life_safety"
    WELFARE = "welfare"
    TECHNICAL = "technical"

    @property
    def rank(self) -> int:
        """0 is most urgent."""
        return _RANKS[self]


_RANKS = {Severity.LIFE_SAFETY: 0, Severity.WELFARE: 1, Severity.TECHNICAL: 2}

SEVERITY_OF_KIND: dict[str, Severity] = (
    dict.fromkeys(("sos", "fall", "smoke", "heat", "gas"), Severity.LIFE_SAFETY)
    | dict.fromkeys(
        (
            "no_water_use",
            "no_power_use",
            "tap_left_on",
            "leak",
            "power_outage",
            "vitals",
            "out_of_bed",
            "left_home",
            "unsupervised",
        ),
        Severity.WELFARE,
    )
    | dict.fromkeys(
        (
            "device_offline",
            "never_online",
            "battery_low",
            "tamper",
            "fault",
            "cannot_assess",
            "moved",
        ),
        Severity.TECHNICAL,
    )
)
"""The contract's incident kinds. `unreadable` takes its device role's severity instead."""


class Sign(StrEnum):
    """How a finding relates to what was known before (architecture: levels and edges)."""

    EDGE = "edge"  # a press, a fall: each one is news
    ROSE = "rose"  # a level became true
    WORSE = "worse"  # a level that was true got worse (rising density): fires at once
    FOUND = "found"  # a level was already true when we first looked
    HELD = "held"  # a level is reported true again; news only when latched
    CLEARED = "cleared"  # the condition ended; never closes anything


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a detector noticed about one device.

    `facts` are the figures behind it (JSON-able), used by `wording` for the sentence that a
    duty officer reads; `reason` is the detector's rule in a few words, for the timeline.
    """

    kind: str  # a key of SEVERITY_OF_KIND, or "unreadable"
    severity: Severity
    sign: Sign
    at: datetime  # UTC, when it happened as far as known
    reason: str
    facts: dict[str, Any] = {}
    confidence: Confidence = Confidence.CONFIRMED
    late_s: int = 0  # seconds between happening and our hearing of it, when it matters (> 120)
