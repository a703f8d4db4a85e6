"""Tables of what devices said, the incidents that came of it, and who was told."""

from __future__ import annotations

from alerting.tables.cases import FINAL, UNATTENDED, Check, Incident, TimelineEntry
from alerting.tables.heard import DeviceStateRow, EventRow, QuarantineRow, ReadingRow, StreamHint
from alerting.tables.told import (
    Channel,
    Delivery,
    DeskPresence,
    EscalationPolicyRow,
    Notice,
    Silence,
)

__all__ = [
    "FINAL",
    "UNATTENDED",
    "Channel",
    "Check",
    "Delivery",
    "DeskPresence",
    "DeviceStateRow",
    "EscalationPolicyRow",
    "EventRow",
    "Incident",
    "Notice",
    "QuarantineRow",
    "ReadingRow",
    "Silence",
    "StreamHint",
    "TimelineEntry",
]
