"""Readings of a message: kept, judged, and what is absurd trusted by nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerting.detect import judge
from alerting.detectors import electric
from alerting.intake.batch import Batch
from alerting.intake.flowing import note_flow
from alerting.intake.heard import Heard
from alerting.intake.life import heard_from
from alerting.intake.returned import note_use
from devices.event import DeviceEvent, Reading
from devices.times import settle


async def take_readings(batch: Batch, heard: Heard) -> None:
    source_id, received_at = heard.source_id, heard.message.received_at
    said: dict[str, list[tuple[datetime, DeviceEvent | Reading]]] = {}
    unknown: set[str] = set()
    for reading in await _without_absurd(batch, source_id, heard.decoded.readings):
        device = batch.devices.get((source_id, reading.child_id))
        if device is None:
            unknown.add(reading.child_id)
            continue
        at = settle(reading.at, received_at, not_before=device.view.enrolled_at).at
        batch.readings.append((device.id, reading.register, at, reading.value))
        if reading.register == "battery_pct":
            device.battery_pct = reading.value
        elif reading.register == "rssi_dbm":
            device.rssi_dbm = reading.value
        said.setdefault(reading.child_id, []).append((at, reading))
    for child_id in unknown - {event.child_id for event in heard.decoded.events}:
        batch.stranger((source_id, child_id), heard)
    for child_id, items in said.items():
        device = batch.devices[(source_id, child_id)]
        await heard_from(batch, device, received_at)
        if device.is_tested:
            told = (one for _, one in items if type(one) is Reading)
            await batch.tests.readings(device, heard, told)
        judged = judge(batch.state(device), items, device.view, batch.now)
        batch.keep(device, judged.state, judged.judge_at)
        for finding in judged.findings:
            await batch.apply(finding, (source_id, child_id), device, finding.at)
        if device.view.resting:
            await note_use(batch, device, judged.state)
            await note_flow(batch, device, judged.state)


async def _without_absurd(
    batch: Batch, source_id: str, readings: Sequence[Reading]
) -> Sequence[Reading]:
    """Electric figures that no home has are kept under a name that nothing trusts."""
    for child_id in {reading.child_id for reading in readings if reading.register == "voltage"}:
        device = batch.devices.get((source_id, child_id))
        if device is None or device.role not in electric.ROLES:
            continue
        finding = electric.absurd(readings, child_id, batch.now)
        if finding is not None:
            await batch.apply(finding, (source_id, child_id), device, batch.now)
            readings = electric.set_aside(readings, child_id)
    return readings
