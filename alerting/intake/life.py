"""Signs of life, and their absence: a device that speaks, comes, goes, and its whole bridge."""

from __future__ import annotations

from datetime import datetime

from alerting import detect
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.liveness import (
    judge_presence,
    learn_interval,
    offline_grace,
    silent_after,
)
from alerting.intake.batch import Batch
from alerting.intake.bridges import bridge_changed
from alerting.intake.heard import Heard, KnownDevice
from care.tables import Source
from devices.event import Presence


async def heard_from(batch: Batch, device: KnownDevice, received_at: datetime) -> None:
    """The device lives: its silence starts anew, and an "offline" is over."""
    device.dirty = True
    was_offline = device.online is False
    before = device.last_heard_at
    if before is None or received_at > before:
        device.interval_s = learn_interval(device.interval_s, before, received_at, device.view)
        device.last_heard_at = received_at
    device.silent_after = silent_after(device.last_heard_at, device.view, device.interval_s)
    if was_offline:
        device.online = True
        await _back_online(batch, device, received_at)


async def take_sign_of_life(batch: Batch, source_id: str, child_id: str, heard: Heard) -> None:
    device = batch.devices.get((source_id, child_id))
    if device is None:
        batch.stranger((source_id, child_id), heard)
    else:
        await heard_from(batch, device, heard.message.received_at)
        if device.role in REGISTERS:  # a sign of life without its register
            judged = detect.alive(batch.state(device), device.view, batch.now)
            batch.keep(device, judged.state, judged.judge_at)
            for finding in judged.findings:
                await batch.apply(finding, (source_id, child_id), device, finding.at)


async def take_presence(
    batch: Batch, source_id: str, presence: Presence, received_at: datetime
) -> None:
    if presence.child_id is None:
        await _bridge(batch, source_id, presence, received_at)
        return
    device = batch.devices.get((source_id, presence.child_id))
    if device is None:
        words = "online" if presence.online else "offline"
        batch.count_stranger((source_id, presence.child_id), words)
    elif presence.online:
        if presence.retained:
            # A retained "online" is the broker's memory, not a word of the device now.
            device.online, device.dirty = True, True
            device.silent_after = device.silent_after or silent_after(
                device.last_heard_at, device.view, device.interval_s
            )
        else:
            await heard_from(batch, device, received_at)
            device.online = True
    elif device.view.supervised:  # of others nobody can say that they are away
        device.dirty = True
        soon = received_at + offline_grace(
            device.last_heard_at, device.view, retained=presence.retained
        )
        if device.silent_after is None or soon < device.silent_after:
            device.silent_after = soon


async def _back_online(batch: Batch, device: KnownDevice, at: datetime) -> None:
    cleared = judge_presence(True, at, device.view, batch.now)
    await batch.apply(cleared, (device.source_id, device.child_id), device, at)


async def _bridge(batch: Batch, source_id: str, presence: Presence, received_at: datetime) -> None:
    """A bridge is gone: all its children are unsupervised, and that is one incident."""
    source = await batch.session.get(Source, source_id)
    if source is None or source.online is presence.online:
        return
    await bridge_changed(batch.session, source, presence.online, received_at, batch.now)
