"""A word nobody knows, from a device that may be calling for help."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerting.detectors.view import DeviceView, late_s, seconds
from alerting.finding import Finding, Severity, Sign
from devices.event import LIFE_SAFETY_ROLES, Confidence, DeviceEvent

_WORD_LIMIT = 64  # of what a device said, so that a finding stays small


def severity_of_role(role: str | None) -> Severity:
    """Severity of `unreadable`: what the device may have wanted to say at worst."""
    return Severity.LIFE_SAFETY if role in LIFE_SAFETY_ROLES else Severity.TECHNICAL


def unreadable(
    at: datetime, device: DeviceView, now: datetime, *, reason: str, facts: dict[str, Any]
) -> Finding:
    """The unconfirmed finding for a message of `device` that could not be understood."""
    return Finding(
        kind="unreadable",
        severity=severity_of_role(device.role),
        sign=Sign.EDGE,
        at=at,
        reason=reason,
        facts=facts,
        confidence=Confidence.UNCONFIRMED,
        late_s=late_s(seconds(at), seconds(now)),
    )


def on_event(
    part: None, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[None, tuple[Finding, ...]]:
    """An unknown kind: a finding from SOS, fall, smoke and gas devices and watches, else nothing.

    Architecture, Nothing lost: a press told in a word of a newer firmware must not pass as noise.
    """
    if device.role not in LIFE_SAFETY_ROLES:
        return part, ()
    facts: dict[str, Any] = {"word": event.kind[:_WORD_LIMIT], "role": device.role}
    if event.retained:
        facts["retained"] = True
    reason = "a life-safety device said something unknown"
    return part, (unreadable(at, device, now, reason=reason, facts=facts),)
