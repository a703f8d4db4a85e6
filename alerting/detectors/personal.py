"""A press and a fall: every one is news, whatever was known before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerting.detectors.view import DeviceView, late_s, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import CLEARING_KINDS, DeviceEvent

KINDS = ("sos", "sos_cancel", "fall", "fall_cancel")

_REASONS = {
    "sos": "the SOS button was pressed",
    "sos_cancel": "the SOS was taken back on the device",
    "fall": "a fall was detected",
    "fall_cancel": "the fall alarm was taken back on the device",
}


def on_event(
    part: None, event: DeviceEvent, at: datetime, _device: DeviceView, now: datetime
) -> tuple[None, tuple[Finding, ...]]:
    """One finding an event, from a device of any role: the family already knew an SOS by role.

    A cancel is a CLEARED of the same kind; it never closes anything (architecture: a device's
    clear sets the condition). A press from the broker's memory is still a finding, marked
    `retained`: only the stored events can tell whether it was seen before.
    """
    return part, (
        Finding(
            kind=(kind := CLEARING_KINDS.get(event.kind, event.kind)),
            severity=SEVERITY_OF_KIND[kind],
            sign=Sign.CLEARED if kind != event.kind else Sign.EDGE,
            at=at,
            reason=_REASONS[event.kind],
            facts=_facts(event),
            confidence=event.confidence,
            late_s=late_s(seconds(at), seconds(now)),
        ),
    )


def _facts(event: DeviceEvent) -> dict[str, Any]:
    return {"retained": True} if event.retained else {}
