"""Findings about a message itself: unread, its id reused, its clock wrong, from a stranger."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alerting.detectors.unreadable import unreadable
from alerting.finding import Finding, Severity, Sign
from alerting.intake.heard import KnownDevice
from devices.event import LEVEL_KINDS, LIFE_SAFETY_ROLES, Confidence, DeviceEvent, Message


def from_stranger(finding: Finding) -> Finding:
    """Nothing is remembered of a stranger, so its levels cannot rise, only be found on."""
    if finding.kind in LEVEL_KINDS and finding.sign in (Sign.ROSE, Sign.FOUND, Sign.WORSE):
        return replace(finding, sign=Sign.HELD)
    return finding


def with_clock_fault(finding: Finding, fault: str) -> Finding:
    return replace(finding, facts={**finding.facts, "clock_fault": str(fault)})


def id_reused(event: DeviceEvent, now: datetime) -> Finding:
    """Found on, not risen: a device that reuses one id for ever must not fill the timeline."""
    return Finding(
        kind="fault",
        severity=Severity.TECHNICAL,
        sign=Sign.FOUND,
        at=now,
        reason="id_reused",
        facts={"fault": "id_reused", "event_id": event.event_id},
    )


def unread(
    device: KnownDevice | None,
    message: Message,
    reason: str,
    lane: str,
    now: datetime,
) -> Finding | None:
    """An unconfirmed alarm where a call for help may be hidden (architecture: Nothing lost)."""
    on_event_topic = lane == "urgent" and message.topic.endswith("/event")
    may_matter = on_event_topic or (device is not None and device.role in LIFE_SAFETY_ROLES)
    if not may_matter:
        return None
    role = device.role if device else None
    facts = {"reason": reason, "role": role or "", "topic": message.topic[:200]}
    if device is None:
        return Finding(
            kind="unreadable",
            severity=Severity.LIFE_SAFETY,
            sign=Sign.EDGE,
            at=message.received_at,
            reason=reason,
            facts=facts,
            confidence=Confidence.UNCONFIRMED,
        )
    return unreadable(message.received_at, device.view, now, reason=reason, facts=facts)
