"""Runs every detector that fits what a device said; small state in, small state out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from alerting.detectors import (
    assessable,
    bed,
    door,
    fence,
    levels,
    personal,
    power,
    unreadable,
    vitals,
    water,
)
from alerting.detectors.assessable import Register
from alerting.detectors.view import DeviceView, moment, seconds
from alerting.detectors.water import Water
from alerting.device_state import (
    BED,
    DOOR,
    FENCE,
    LEVELS,
    POWER,
    REGISTER,
    SHAPE,
    STATELESS,
    VITALS,
    WATER,
    DeviceState,
    Judged,
    can_assess,
    dump_state,
    judged_of,
    load_state,
    parts_of,
)
from alerting.finding import Finding, Sign
from alerting.said import another_register, answered, forget, rearm, seen
from devices.event import EVENT_KINDS, REGISTER_UNITS, DeviceEvent, Reading

__all__ = [
    "DeviceState",
    "DeviceView",
    "Judged",
    "alive",
    "another_register",
    "answered",
    "can_assess",
    "dump_state",
    "forget",
    "judge",
    "judge_register",
    "load_state",
    "rearm",
    "seen",
    "tick",
]


class EventDetector(Protocol):
    """Judges one event; `part` is the detector's own part of the state (None if it has none)."""

    def __call__(
        self, part: Any, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime, /
    ) -> tuple[Any, tuple[Finding, ...]]: ...


class ReadingDetector(Protocol):
    """Judges one reading; times in whole seconds since 1970."""

    def __call__(
        self, part: Any, reading: Reading, at: int, device: DeviceView, now: int, /
    ) -> tuple[Any, tuple[Finding, ...]]: ...


_ON_READING: dict[str, tuple[str, ReadingDetector]] = {
    "water_total": (WATER, water.on_reading),
    "energy_total": (POWER, power.on_energy),
    "power": (POWER, power.on_power),
    "smoke_density": (LEVELS, levels.on_density),
    "battery_pct": (LEVELS, levels.on_battery),
    "alarm_count": (LEVELS, levels.on_alarm_count),
    **dict.fromkeys(vitals.REGISTERS, (VITALS, vitals.on_reading)),
}
_ON_EVENT: dict[str, tuple[str, EventDetector]] = {
    **dict.fromkeys(personal.KINDS, (STATELESS, personal.on_event)),
    **dict.fromkeys(levels.KINDS, (LEVELS, levels.on_event)),
    **dict.fromkeys(vitals.KINDS, (VITALS, vitals.on_event)),
    **dict.fromkeys(bed.KINDS, (BED, bed.on_event)),
    **dict.fromkeys(fence.KINDS, (FENCE, fence.on_event)),
    **dict.fromkeys(door.KINDS, (DOOR, door.on_event)),
}
_ON_UNKNOWN: tuple[str, EventDetector] = (STATELESS, unreadable.on_event)


def judge(
    state: DeviceState,
    said: Sequence[tuple[datetime, DeviceEvent | Reading]],
    device: DeviceView,
    now: datetime,
) -> Judged:
    """Take in what the device said, in order of arrival.

    Each `at` is UTC and already settled (the device's time if plausible, else time of receipt);
    one after `now` counts as `now`. Splitting `said` over several calls changes nothing.
    """
    now_s = seconds(now)
    parts = parts_of(state)
    findings: tuple[Finding, ...] = ()
    for at, what in said:
        if isinstance(what, Reading):
            reading_entry = _ON_READING.get(what.register)
            if reading_entry is None:
                continue
            name, on_reading = reading_entry
            parts[name], found = on_reading(parts.get(name), what, seconds(at), device, now_s)
        else:
            event_entry = _ON_EVENT.get(what.kind)
            if event_entry is None:
                if what.kind in EVENT_KINDS:
                    continue
                event_entry = _ON_UNKNOWN
            name, on_event = event_entry
            parts[name], found = on_event(parts.get(name), what, at, device, now)
        if found:
            findings += _ended_for_all(parts, found)
    if device.role in assessable.REGISTERS:
        parts[REGISTER], found = _registers(parts[REGISTER], said, device, now_s, parts[WATER])
        findings += found
    return judged_of(state, parts, findings)


def judge_register(
    state: DeviceState, value: float, at: int, device: DeviceView, now: int
) -> tuple[DeviceState, tuple[Finding, ...], int]:
    """`judge` of one value of the register that a meter is there for, for a replay of millions.

    `value` in the register's unit, times in whole seconds. Returns state, findings and when `tick`
    is wanted (0: no need), the same as `judge` does.
    """
    if device.role != "water_meter" or state.person or state.power or state.rebuilt:
        said = ((moment(at), _register_of(device, value)),)
        judged = judge(state, said, device, moment(now))
        at = 0 if judged.judge_at is None else seconds(judged.judge_at)
        return judged.state, judged.findings, at
    part, found = water.on_register(state.water, value, at, device, now)
    if found:
        found = _ended_for_all({LEVELS: state.levels, WATER: part}, found)
    register = state.register
    if register is None or register.silent:
        doubted = part is not None and water.is_doubtful(part)
        said_by = _register_of(device, value)
        register, back = assessable.on_word(register, said_by, at, device, now, doubted=doubted)
        found += back
    elif (heard_at := at if at < now else now) > register.at:
        register = Register(heard_at)
    if part is not state.water or register is not state.register:
        state = DeviceState(SHAPE, state.levels, part, 0, register)
    return state, found, 0 if part is None else part.judge_at


def _register_of(device: DeviceView, value: float) -> Reading:
    register = assessable.REGISTERS[device.role or ""]
    unit = REGISTER_UNITS[register]
    return Reading(child_id=device.id, register=register, value=value, unit=unit)


def _ended_for_all(parts: dict[str, Any], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A leak that a meter's own flag tells and one that its register shows end together."""
    ends = [one for one in found if one.kind == "leak" and one.sign is Sign.CLEARED]
    if not ends:
        return found
    flagged = levels.active_since(parts[LEVELS], "leak") is not None
    shown = parts[WATER] is not None and parts[WATER].leak.on
    return tuple(one for one in found if one not in ends) if flagged or shown else found


def _registers(
    part: Register | None,
    said: Sequence[tuple[datetime, DeviceEvent | Reading]],
    device: DeviceView,
    now_s: int,
    water_part: Water | None,
) -> tuple[Register | None, tuple[Finding, ...]]:
    """Does the register that a meter is there for still come?"""
    findings: tuple[Finding, ...] = ()
    doubted = water_part is not None and water.is_doubtful(water_part)
    for at, what in said:
        part, found = assessable.on_word(part, what, seconds(at), device, now_s, doubted=doubted)
        findings += found
    return part, findings


def alive(state: DeviceState, device: DeviceView, now: datetime) -> Judged:
    """A bare sign of life: for a meter, one more word without its register."""
    parts, now_s = parts_of(state), seconds(now)
    parts[REGISTER], found = assessable.on_word(state.register, None, now_s, device, now_s)
    return judged_of(state, parts, found)


def tick(state: DeviceState, device: DeviceView, now: datetime) -> Judged:
    """Judge the present without a new word from the device, after `judge_at` has passed."""
    parts, now_s = parts_of(state), seconds(now)
    findings: tuple[Finding, ...] = ()
    if state.water is not None:
        parts[WATER], found = water.tick(state.water, device, now_s)
        findings = _ended_for_all(parts, found)
    in_bed = parts.get(BED)
    if in_bed is not None:
        parts[BED], found = bed.tick(in_bed, device, now_s)
        findings += found
    return judged_of(state, parts, findings)
