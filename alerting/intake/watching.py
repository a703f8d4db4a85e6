"""Devices that fell silent or wait for a judgement: deadlines in their rows, acted on here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import dump_state, load_state, tick
from alerting.detectors.liveness import (
    NEVER_ONLINE_AFTER_S,
    judge_presence,
    judge_silence,
    silence_limit_s,
    silent_after,
)
from alerting.detectors.view import DEFAULT_ZONE
from alerting.finding import Finding
from alerting.handling import lessons
from alerting.handling.opening import apply_finding
from alerting.intake.bridges import lost_bridges, returned_bridges
from alerting.intake.heard import KnownDevice
from alerting.intake.store import load_devices, save_states
from alerting.intake.whose import whose_is
from alerting.tables import DeviceStateRow
from care.tables import Device, Source

MOST_AT_ONCE = 200
TRIED_AGAIN_AFTER = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=10)


async def due_devices(session: AsyncSession, now: datetime, *, judge_silent: bool) -> Sequence[str]:
    """Ids of devices to judge now.

    `judge_silent` is False while our own lanes were not connected and caught up: then silence
    says something about us, not about devices.
    """
    due = DeviceStateRow.judge_at <= now
    if judge_silent:
        await _expect_newcomers(session, now)
        await returned_bridges(session, now)
        due = or_(due, DeviceStateRow.silent_after <= now)
    ids = await session.scalars(select(DeviceStateRow.device_id).where(due).limit(MOST_AT_ONCE))
    return ids.all()


async def watch(
    session: AsyncSession,
    ids: Sequence[str],
    now: datetime,
    *,
    judge_silent: bool,
    zone: str = DEFAULT_ZONE,
) -> list[str]:
    """Judge these devices; returns the ids of incidents that came of it."""
    devices = await load_devices(session, ids, zone)
    touched: list[str] = []
    bridges: dict[str, Source] = {}
    if judge_silent:
        silent = _silent_children(devices.values(), now)
        touched += [one.id for one in await lost_bridges(session, silent, now)]
        bridges = await _bridges(session, {device.source_id for device in devices.values()})
    for device in sorted(devices.values(), key=lambda one: one.id):
        waits = _waits_for_bridge(device, bridges.get(device.source_id), now)
        for finding in _findings(device, now, judge_silent and not waits):
            whose = await whose_is(session, (device.source_id, device.child_id), device, finding.at)
            incident = await apply_finding(session, finding, whose, now)
            if incident is not None:
                touched.append(incident.id)
    await save_states(session, devices.values())
    await lessons.learn(session)
    await _forget_retired(session, set(ids) - set(devices))
    return touched


def _silent_children(
    devices: Iterable[KnownDevice], now: datetime
) -> Iterator[tuple[str, timedelta]]:
    """(source id, limit) of every device that spoke once and is silent by its own limit."""
    for device in devices:
        limit_s = silence_limit_s(device.view, device.interval_s)
        if limit_s is None or device.last_heard_at is None:
            continue
        if now - device.last_heard_at >= timedelta(seconds=limit_s):
            yield device.source_id, timedelta(seconds=limit_s)


async def _bridges(session: AsyncSession, ids: Collection[str]) -> dict[str, Source]:
    """Those of the sources that once said whether they are there."""
    query = select(Source).where(Source.id.in_(ids), Source.online.is_not(None))
    return {source.id: source for source in await session.scalars(query)}


def _waits_for_bridge(device: KnownDevice, bridge: Source | None, now: datetime) -> bool:
    """While its bridge is away a device cannot be heard, and gets its whole time once it is back.

    The bridge's one incident speaks for all its children; moves the device's own deadline on.
    """
    if bridge is None or device.silent_after is None or device.silent_after > now:
        return False
    if not bridge.online:
        device.silent_after, device.dirty = now + ASKED_AGAIN_AFTER, True
        return True
    back_at, heard = bridge.online_changed_at, device.last_heard_at
    if back_at is None or heard is None or back_at <= heard:
        return False
    anew = silent_after(back_at, device.view, device.interval_s)
    if anew is None or anew <= now:
        return False
    device.silent_after, device.dirty = anew, True
    return True


def _findings(device: KnownDevice, now: datetime, judge_silent: bool) -> tuple[Finding, ...]:
    """What the passing of time alone says about a device; moves its own deadlines on."""
    device.dirty = True
    found: tuple[Finding, ...] = ()
    if device.judge_at is not None and device.judge_at <= now:
        judged = tick(load_state(device.state), device.view, now)
        device.state, device.judge_at = dump_state(judged.state), judged.judge_at
        if device.judge_at is not None and device.judge_at <= now:
            device.judge_at = now + timedelta(minutes=1)
        found = judged.findings
    if judge_silent and device.silent_after is not None and device.silent_after <= now:
        learned_s = device.interval_s
        by_rule = silent_after(device.last_heard_at, device.view, learned_s)
        said_offline = device.last_heard_at is not None and (by_rule is None or by_rule > now)
        finding = (
            judge_presence(False, device.silent_after, device.view, now)
            if said_offline
            else judge_silence(device.last_heard_at, device.view, now, learned_s)
        )
        device.online = False
        device.silent_after = None  # found once; the next message starts it anew
        if finding is not None:
            found = (*found, finding)
    return found


async def postpone(session: AsyncSession, device_id: str, now: datetime) -> None:
    """A device that cannot be judged must not keep the others from it; it is tried again later."""
    row = await session.get(DeviceStateRow, device_id)
    if row is not None:
        later = now + TRIED_AGAIN_AFTER
        row.judge_at = later if row.judge_at is not None else None
        row.silent_after = later if row.silent_after is not None else None


async def _expect_newcomers(session: AsyncSession, now: datetime) -> None:
    """A device that was enrolled a day ago and never spoke has no state row yet: give it one."""
    late = now - timedelta(seconds=NEVER_ONLINE_AFTER_S)
    rows = await session.execute(
        select(Device.id)
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(DeviceStateRow.device_id.is_(None), Device.active, Device.enrolled_at <= late)
        .limit(MOST_AT_ONCE)
    )
    fresh = [{"device_id": device_id, "state": "", "silent_after": now} for (device_id,) in rows]
    if fresh:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        await session.execute(insert(DeviceStateRow).on_conflict_do_nothing(), fresh)


async def _forget_retired(session: AsyncSession, ids: set[str]) -> None:
    """Devices that were taken out of service are no longer waited for."""
    for device_id in ids:
        row = await session.get(DeviceStateRow, device_id)
        if row is not None:
            row.silent_after = row.judge_at = None
