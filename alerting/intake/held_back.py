"""What the throttle held back, put on record: a count on the timeline, a fault of the device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.detectors.unreadable import severity_of_role
from alerting.finding import SEVERITY_OF_KIND, Finding, Severity, Sign
from alerting.handling.current import running_incident
from alerting.intake.heard import KnownDevice
from alerting.intake.throttle import Folded, TooTalkative
from alerting.intake.whose import Whose
from alerting.tables import Incident, QuarantineRow, TimelineEntry

KIND = "folded"


async def count_folded(
    session: AsyncSession, folded: Folded, count: int, whose: Whose, now: datetime
) -> Incident | None:
    """Add `count` alarms to the running incident's summary line; None when none is running.

    An incident whose condition has ended counts as none: the next alarm is news, and rings.
    """
    incident = await running_incident(session, whose, folded.kind, severity_of(folded, whose))
    if incident is None or incident.condition != "active":
        return None
    incident.findings += count
    lines = await session.scalars(
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident.id, TimelineEntry.kind == KIND)
        .order_by(TimelineEntry.id.desc())
    )
    line = next((one for one in lines if one.data.get("child") == whose.child), None)
    if line is None:
        data = {"child": whose.child, "count": count}
        timeline.append(session, incident.id, at=now, now=now, kind=KIND, data=data)
        timeline.touch(session, incident, now)
    else:
        line.data = {**line.data, "count": line.data["count"] + count}
        line.at = line.recorded_at = now
    return incident


def severity_of(folded: Folded, whose: Whose) -> Severity:
    """Of the incident that these alarms belong to."""
    if folded.kind in SEVERITY_OF_KIND:
        return SEVERITY_OF_KIND[folded.kind]
    if whose.device_id is None:
        return Severity.LIFE_SAFETY
    return severity_of_role(whose.role)


def too_talkative(said: TooTalkative, now: datetime) -> Finding:
    """The fault of a device that says too much: once an hour, with what was left out."""
    return Finding(
        kind="fault",
        severity=Severity.TECHNICAL,
        sign=Sign.ROSE,
        at=now,
        reason="too_talkative",
        facts={"fault": "too_talkative", "count": said.count},
    )


def of_strangers(
    talkative: Sequence[TooTalkative], devices: dict[tuple[str, str], KnownDevice]
) -> list[QuarantineRow]:
    """Nobody looks after a device that nobody registered: a line among what could not be used."""
    return [
        QuarantineRow(
            source_id=said.child[0] or None,
            child_id=said.child[1] or None,
            topic=said.last.message.topic.replace("\0", "\N{REPLACEMENT CHARACTER}")[:400],
            payload=said.last.message.payload[:4096],
            reason=f"too_talkative:{said.count}",
            received_at=said.last.message.received_at,
        )
        for said in talkative
        if said.child not in devices
    ]
