"""One event of a batch: known already? then what it shows, whom that concerns, and its row."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alerting.detect import DeviceState, judge
from alerting.detectors.view import DeviceView
from alerting.finding import Finding, Sign
from alerting.fleet.commands import note_result
from alerting.intake import relocated
from alerting.intake.batch import Batch
from alerting.intake.dedupe import digest
from alerting.intake.doubts import from_stranger, id_reused, with_clock_fault
from alerting.intake.heard import Heard, KnownDevice, Receipt
from alerting.intake.life import heard_from
from alerting.tables import EventRow
from care.tables import NATIVE_SOURCE
from devices.event import CLEARING_KINDS, LIFE_SAFETY_KINDS, DeviceEvent
from devices.times import settle

PROVING_KINDS = LIFE_SAFETY_KINDS | {"test"}
"""What shows that an alarm device still does what it is there for: an alarm, or a test of it."""
_QUIET_KINDS = frozenset(CLEARING_KINDS) | {"heartbeat"}


async def take_event(batch: Batch, heard: Heard, event: DeviceEvent) -> None:
    child = (heard.source_id, event.child_id)
    device = batch.devices.get(child)
    received_at = heard.message.received_at
    was_silent = device is not None and device.online is False
    if device is not None:
        await heard_from(batch, device, received_at)
    else:
        batch.stranger(child, heard)
    if heard.source_id == NATIVE_SOURCE and event.event_id is not None:
        batch.result.receipts.append(Receipt(device_id=event.child_id, event_id=event.event_id))
    mark = digest(event)
    enrolled_at = device.view.enrolled_at if device else None
    verdict = batch.memory.judge(child, event, mark, received_at, enrolled_at)
    if verdict.is_duplicate:
        batch.result.duplicates += 1
        return
    if event.kind == "command_result" and device is not None:
        await note_result(batch.session, device.id, event, batch.now)
    settled = settle(event.at, received_at, not_before=enrolled_at)
    if device is not None and event.kind in PROVING_KINDS and not event.retained:
        batch.proven[device.id] = settled.at
    found = _judge(batch, device, event, settled.at)
    if settled.clock_fault is not None:
        found = tuple(with_clock_fault(finding, settled.clock_fault) for finding in found)
    if verdict.id_reused and device is not None:
        found = (*found, id_reused(event, batch.now))
    data = event.data
    if device is None:
        found = tuple(relocated.named(one, batch.elsewhere.get(child)) for one in found)
    else:
        found, test_id = await batch.tests.press(device, heard, event, found)
        data = event.data if test_id is None else {**event.data, "installation_test": test_id}
        found += await relocated.in_cell(
            batch.session, device, event, settled.at, after_silence=was_silent
        )
    touched = [await batch.apply(finding, child, device, settled.at) for finding in found]
    incident_id = next((ident for ident in touched if ident is not None), None)
    is_quiet = event.kind in _QUIET_KINDS and event.event_id is None and not event.retained
    if is_quiet and incident_id is None:
        return  # a bridge repeats "all is well" with every update: the state says it already
    batch.memory.remember(child, event, mark, received_at)
    batch.session.add(
        EventRow(
            source_id=heard.source_id,
            child_id=event.child_id,
            device_id=device.id if device else None,
            event_id=event.event_id,
            digest=mark,
            kind=event.kind,
            at=settled.at,
            received_at=received_at,
            retained=event.retained,
            late_s=int(settled.late_s),
            data=data,
            incident_id=incident_id,
        )
    )


def _judge(
    batch: Batch, device: KnownDevice | None, event: DeviceEvent, at: datetime
) -> tuple[Finding, ...]:
    if device is None:
        view = DeviceView(id=event.child_id, role=None, family="")
        found = judge(DeviceState(), [(at, event)], view, batch.now).findings
        return tuple(map(from_stranger, (f for f in found if f.kind in LIFE_SAFETY_KINDS)))
    state = batch.state(device)
    judged = judge(state, [(at, event)], device.view, batch.now)
    batch.keep(device, judged.state, judged.judge_at)
    if event.data.get("level"):
        # A press told as a lasting state is re-stated in every later message (Zigbee2MQTT).
        return tuple(
            replace(f, sign=Sign.HELD) if f.sign is Sign.EDGE else f for f in judged.findings
        )
    return judged.findings
