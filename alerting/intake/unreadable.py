"""Messages that cannot be read: kept as bytes, and an alarm where a call for help may be hidden."""

from __future__ import annotations

from alerting.intake.batch import Batch
from alerting.intake.doubts import unread
from alerting.intake.heard import Heard
from alerting.intake.life import heard_from
from alerting.tables import QuarantineRow
from core.metrics import QUARANTINED
from devices.event import LIFE_SAFETY_KINDS

KEPT_PAYLOAD = 4096


async def take_unread(batch: Batch, heard: Heard, reason: str) -> None:
    message, culprit = heard.message, heard.decoded.culprit
    batch.session.add(
        QuarantineRow(
            source_id=heard.source_id or None,
            child_id=culprit,
            # Some brokers let a NUL through, and PostgreSQL has no text with one.
            topic=message.topic.replace("\0", "\N{REPLACEMENT CHARACTER}")[:400],
            payload=message.payload[:KEPT_PAYLOAD],
            reason=reason[:100],
            received_at=message.received_at,
        )
    )
    batch.result.quarantined += 1
    QUARANTINED.labels(reason.partition(":")[0]).inc()
    if culprit is None or any(e.kind in LIFE_SAFETY_KINDS for e in heard.decoded.events):
        return  # nobody to name, or the alarm was understood and only a detail was not
    child = (heard.source_id, culprit)
    device = batch.devices.get(child)
    if device is not None:
        await heard_from(batch, device, message.received_at)
    finding = unread(device, message, reason, heard.lane, batch.now)
    if finding is not None:
        await batch.apply(finding, child, device, message.received_at)
