"""All that is remembered of one device: its parts, how it is stored, what came of a look. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

import msgspec

from alerting.detectors import bed, levels, water
from alerting.detectors.assessable import Register
from alerting.detectors.bed import Bed
from alerting.detectors.door import Door
from alerting.detectors.fence import Fence
from alerting.detectors.levels import Levels
from alerting.detectors.supply import Power
from alerting.detectors.view import moment
from alerting.detectors.vitals import Vitals
from alerting.detectors.water import Water
from alerting.finding import Finding

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
    power: Power | None = None  # of an electricity meter or a plug


class Judged(msgspec.Struct, frozen=True):
    """What came of it. `state` is the very object that went in when nothing changed."""

    state: DeviceState
    findings: tuple[Finding, ...] = ()
    judge_at: datetime | None = None  # please call `tick` then; None: no need


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
        and (state.power is None or len(state.power.nights.past) % 2 == 0)
    )


def dump_state(state: DeviceState) -> str:
    """MessagePack in Base64, at most 512 bytes."""
    return b64encode(_ENCODER.encode(state)).decode()


def can_assess(state: DeviceState) -> bool:
    """Does a meter's register arrive, and can it be trusted?"""
    doubted = state.water is not None and water.is_doubtful(state.water)
    silent = state.register is not None and state.register.silent
    return not doubted and not silent


STATELESS = ""
LEVELS = "levels"
WATER = "water"
REGISTER = "register"
VITALS = "vitals"
BED = "bed"
FENCE = "fence"
DOOR = "door"
POWER = "power"


def parts_of(state: DeviceState) -> dict[str, Any]:
    """Every detector's own part by its name; those of the person only where there are any."""
    parts: dict[str, Any] = {
        STATELESS: None,
        LEVELS: state.levels,
        WATER: state.water,
        REGISTER: state.register,
        POWER: state.power,
    }
    person = state.person
    if person is not None:
        parts[VITALS], parts[BED] = person.vitals, person.bed
        parts[FENCE], parts[DOOR] = person.fence, person.door
    return parts


def judged_of(before: DeviceState, parts: dict[str, Any], found: tuple[Finding, ...]) -> Judged:
    water_part, register, person = parts[WATER], parts[REGISTER], before.person
    if len(parts) > _NOT_OF_A_PERSON:
        person = _person(before.person, parts)
    changed = (
        parts[LEVELS] is not before.levels
        or water_part is not before.water
        or register is not before.register
        or person is not before.person
        or parts[POWER] is not before.power
    )
    state = (
        DeviceState(
            SHAPE,
            parts[LEVELS],
            water_part,
            before.rebuilt,
            register,
            person,
            parts[POWER],
        )
        if changed
        else before
    )
    due = water.due(water_part)
    if person is not None and person.bed is not None:
        due = min(filter(None, (due, bed.due(person.bed))), default=None)
    if before.rebuilt:
        due = _AT_ONCE
    return Judged(state, found, due)


_NOT_OF_A_PERSON = 5  # parts that every device has


def _person(before: Person | None, parts: dict[str, Any]) -> Person | None:
    """The very object that was there when nothing about the person changed."""
    mine = [parts.get(name) for name in (VITALS, BED, FENCE, DOOR)]
    known = before or Person()
    theirs = (known.vitals, known.bed, known.fence, known.door)
    if all(one is other for one, other in zip(mine, theirs, strict=True)):
        return before
    return Person(*mine)
