"""Runs every detector that fits what a device said; small state in, small state out. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from alerting.detectors import (
    assessable,
    bed,
    door,
    fence,
    levels,
    personal,
    said,
    unreadable,
    vitals,
    water,
)
from alerting.detectors.assessable import Register
from alerting.detectors.bed import Bed
from alerting.detectors.door import Door
from alerting.detectors.fence import Fence
from alerting.detectors.levels import Levels
from alerting.detectors.view import DeviceView, moment, seconds
from alerting.detectors.vitals import Vitals
from alerting.detectors.water import Water
from alerting.finding import Finding, Sign
from devices.event import EVENT_KINDS, DeviceEvent, Reading

__all__ = [
    "DeviceState",
    "DeviceView",
    "Judged",
    "alive",
    "answered",
    "can_assess",
    "dump_state",
    "forget",
    "judge",
    "judge_reading",
    "load_state",
    "rearm",
    "seen",
    "tick",
]

SHAPE = 1
"""Raised when a state of the shape before can no longer be read; fields appended with a default
do not need it. A state of another shape is begun anew, and says so."""


class Person(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of the person whom the device is about."""

    vitals: Vitals | None = None
    bed: Bed | None = None
    fence: Fence | None = None
    door: Door | None = None


class DeviceState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything all detectors remember of one device; at most 512 bytes as text."""

    shape: int = SHAPE
    levels: Levels = Levels()
    water: Water | None = None
    rebuilt: int = 0  # 1: what was stored could not be read; until it is made anew
    register: Register | None = None  # of a meter: does what it is there for still come?
    person: Person | None = None


class Judged(msgspec.Struct, frozen=True):
    """What came of it. `state` is the very object that went in when nothing changed."""

    state: DeviceState
    findings: tuple[Finding, ...] = ()
    judge_at: datetime | None = None  # please call `tick` then; None: no need


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


_STATELESS = ""
_LEVELS = "levels"
_WATER = "water"
_REGISTER = "register"
_VITALS = "vitals"
_BED = "bed"
_FENCE = "fence"
_DOOR = "door"

_ON_READING: dict[str, tuple[str, ReadingDetector]] = {
    "water_total": (_WATER, water.on_reading),
    "smoke_density": (_LEVELS, levels.on_density),
    "battery_pct": (_LEVELS, levels.on_battery),
    "alarm_count": (_LEVELS, levels.on_alarm_count),
    **dict.fromkeys(vitals.REGISTERS, (_VITALS, vitals.on_reading)),
}
_ON_EVENT: dict[str, tuple[str, EventDetector]] = {
    **dict.fromkeys(personal.KINDS, (_STATELESS, personal.on_event)),
    **dict.fromkeys(levels.KINDS, (_LEVELS, levels.on_event)),
    **dict.fromkeys(vitals.KINDS, (_VITALS, vitals.on_event)),
    **dict.fromkeys(bed.KINDS, (_BED, bed.on_event)),
    **dict.fromkeys(fence.KINDS, (_FENCE, fence.on_event)),
    **dict.fromkeys(door.KINDS, (_DOOR, door.on_event)),
}
_ON_UNKNOWN: tuple[str, EventDetector] = (_STATELESS, unreadable.on_event)

_DECODER = msgspec.msgpack.Decoder(DeviceState)
_ENCODER = msgspec.msgpack.Encoder()
_JSON_DECODER = msgspec.json.Decoder(DeviceState)
_FRESH = DeviceState()
_REBUILT = DeviceState(rebuilt=1)
_AT_ONCE = moment(1)
"""Long past: a state that could not be read is made anew as soon as somebody looks what is due."""


def load_state(text: str | None) -> DeviceState:
    """The state stored as `text`; a fresh one for None and "", and, with `rebuilt` set, for text
    that is unreadable or of another shape. Never raises.

    `rebuilt` stays set, and `judge_at` is at once, until `alerting/fleet/rebuilding.py` has made
    the state anew from stored readings.
    """
    if not text:
        return _FRESH
    try:
        is_json = text[0] == "["  # how states were stored before
        state = _JSON_DECODER.decode(text) if is_json else _DECODER.decode(b64decode(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _REBUILT
    return state if state.shape == SHAPE and _is_whole(state) else _REBUILT


def _is_whole(state: DeviceState) -> bool:
    """Flat tuples hold whole pairs and triples."""
    measured = state.person.vitals if state.person is not None else None
    return (
        levels.is_whole(state.levels)
        and (state.water is None or water.is_whole(state.water))
        and (measured is None or len(measured.slots) % 2 == 0)
    )


def dump_state(state: DeviceState) -> str:
    """MessagePack in Base64, at most 512 bytes."""
    return b64encode(_ENCODER.encode(state)).decode()


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
    parts = _parts(state)
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
        parts[_REGISTER], found = _registers(parts[_REGISTER], said, device, now_s, parts[_WATER])
        findings += found
    return _judged(state, parts, findings)


def judge_reading(
    state: DeviceState, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[DeviceState, tuple[Finding, ...], int]:
    """`judge` of one reading of a meter, for a replay of millions: times in whole seconds.

    Returns state, findings and when `tick` is wanted (0: no need), the same as `judge` does.
    """
    if (
        reading.register != "water_total"
        or device.role != "water_meter"
        or state.person
        or state.rebuilt
    ):
        judged = judge(state, ((moment(at), reading),), device, moment(now))
        at = 0 if judged.judge_at is None else seconds(judged.judge_at)
        return judged.state, judged.findings, at
    part, found = water.on_reading(state.water, reading, at, device, now)
    if found:
        found = _ended_for_all({_LEVELS: state.levels, _WATER: part}, found)
    doubted, due = (False, 0) if part is None else (water.is_doubtful(part), part.judge_at)
    register, missed = assessable.on_word(state.register, reading, at, device, now, doubted=doubted)
    if missed:
        found += missed
    if part is not state.water or register is not state.register:
        state = DeviceState(SHAPE, state.levels, part, 0, register)
    return state, found, due


def _ended_for_all(parts: dict[str, Any], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A leak that a meter's own flag tells and one that its register shows end together."""
    ends = [one for one in found if one.kind == "leak" and one.sign is Sign.CLEARED]
    if not ends:
        return found
    flagged = levels.active_since(parts[_LEVELS], "leak") is not None
    shown = parts[_WATER] is not None and parts[_WATER].leak.on
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
    parts, now_s = _parts(state), seconds(now)
    parts[_REGISTER], found = assessable.on_word(state.register, None, now_s, device, now_s)
    return _judged(state, parts, found)


def can_assess(state: DeviceState) -> bool:
    """Does a meter's register arrive, and can it be trusted?"""
    doubted = state.water is not None and water.is_doubtful(state.water)
    silent = state.register is not None and state.register.silent
    return not doubted and not silent


def tick(state: DeviceState, device: DeviceView, now: datetime) -> Judged:
    """Judge the present without a new word from the device, after `judge_at` has passed."""
    parts, now_s = _parts(state), seconds(now)
    findings: tuple[Finding, ...] = ()
    if state.water is not None:
        parts[_WATER], found = water.tick(state.water, device, now_s)
        findings = _ended_for_all(parts, found)
    in_bed = parts.get(_BED)
    if in_bed is not None:
        parts[_BED], found = bed.tick(in_bed, device, now_s)
        findings += found
    return _judged(state, parts, findings)


_FORGOTTEN: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    (_VITALS, "vitals", vitals.rearm),
    (_BED, "out_of_bed", bed.rearm),
    (_FENCE, "left_home", fence.rearm),
)


def rearm(state: DeviceState, kind: str, at: datetime) -> DeviceState:
    """A welfare case of `kind` was closed at `at` without proof of life.

    No use is found again 6 h later, after each further closure of the same gap 12 h later, as
    long as the gap still runs; what else a person may be in need by is found again if it holds.
    """
    parts = _parts(state)
    if state.water is not None:
        parts[_WATER] = said.rearm(state.water, kind, seconds(at))
    return _forgotten(state, parts, kind)


def forget(state: DeviceState, kind: str) -> DeviceState:
    """As if `kind` had never been found: what still holds is found at the next word.

    For trying rules out; a case that people closed calls `rearm` or `seen`.
    """
    parts = _parts(state)
    if state.water is not None:
        parts[_WATER] = said.forget(state.water, kind)
    return _forgotten(state, parts, kind)


def seen(state: DeviceState, kind: str, at: datetime) -> DeviceState:
    """Proof of life at `at`: a gap that `kind` was found in counts anew, and teaches nothing."""
    if state.water is None:
        return state
    part = said.seen(state.water, kind, seconds(at))
    return state if part is state.water else replace(state, water=part)


def answered(state: DeviceState, kind: str, *, was_false: bool) -> DeviceState:
    """Tell the detector what came of its findings of `kind`, once people know.

    `was_false`: the elder was there and well. A true alarm and a home where nobody was both pass
    False: neither must teach the rule to wait longer. Each finding counts once.
    """
    if state.water is None:
        return state
    part = said.answered(state.water, kind, was_false=was_false)
    return state if part is state.water else replace(state, water=part)


def _forgotten(state: DeviceState, parts: dict[str, Any], kind: str) -> DeviceState:
    for name, of_kind, forget_it in _FORGOTTEN:
        if kind == of_kind and parts.get(name) is not None:
            parts[name] = forget_it(parts[name])
    return _judged(state, parts, ()).state


def _parts(state: DeviceState) -> dict[str, Any]:
    """Every detector's own part by its name; those of the person only where there are any."""
    parts: dict[str, Any] = {
        _STATELESS: None,
        _LEVELS: state.levels,
        _WATER: state.water,
        _REGISTER: state.register,
    }
    person = state.person
    if person is not None:
        parts[_VITALS], parts[_BED] = person.vitals, person.bed
        parts[_FENCE], parts[_DOOR] = person.fence, person.door
    return parts


def _judged(before: DeviceState, parts: dict[str, Any], found: tuple[Finding, ...]) -> Judged:
    water_part, register, person = parts[_WATER], parts[_REGISTER], before.person
    if len(parts) > _NOT_OF_A_PERSON:
        person = _person(before.person, parts)
    changed = (
        parts[_LEVELS] is not before.levels
        or water_part is not before.water
        or register is not before.register
        or person is not before.person
    )
    state = (
        DeviceState(SHAPE, parts[_LEVELS], water_part, before.rebuilt, register, person)
        if changed
        else before
    )
    due = water.due(water_part)
    if person is not None and person.bed is not None:
        due = min(filter(None, (due, bed.due(person.bed))), default=None)
    if before.rebuilt:
        due = _AT_ONCE
    return Judged(state, found, due)


_NOT_OF_A_PERSON = 4  # parts that every device has


def _person(before: Person | None, parts: dict[str, Any]) -> Person | None:
    """The very object that was there when nothing about the person changed."""
    mine = [parts.get(name) for name in (_VITALS, _BED, _FENCE, _DOOR)]
    known = before or Person()
    theirs = (known.vitals, known.bed, known.fence, known.door)
    if all(one is other for one, other in zip(mine, theirs, strict=True)):
        return before
    return Person(*mine)
