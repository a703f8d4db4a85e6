"""Smoke, gas, a leak, a flat battery: states that last until the device says they ended."""

from __future__ import annotations

from datetime import datetime
from struct import Struct
from typing import Annotated, Any, NamedTuple

import msgspec

from alerting.detectors.view import DeviceView, Seconds, iso, late_s, moment, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import CLEARING_KINDS, LEVEL_KINDS, Confidence, DeviceEvent, Reading

KINDS = tuple(LEVEL_KINDS) + tuple(LEVEL_KINDS.values())

BATTERY_LOW_PCT = 10
BATTERY_OK_PCT = 20  # apart from the low mark: a cold night must not make it flap

DENSITY_STEP = 20  # tenths of %/m: 2 %/m is about what makes a detector alarm
DENSITY_PAIRS_S = 300
"""The density told within this time of the alarm is the density *of* the alarm."""

TOO_OLD_S = 2 * 3600
"""A reading older than this says nothing about the present; events are never too old."""

_SPAN_MAX = 99_999
"""Seconds, more than the 24 h in which a message may be delivered again. It and the next bound
the size of a state."""
_DENSITY_MAX = 999
_COUNT_MAX = 999_999
_DETAIL_LIMIT = 64  # characters of what a device calls its fault

_ORDER = (*LEVEL_KINDS, "battery_pct")
_NUMBER = {name: number for number, name in enumerate(_ORDER)}
"""Levels by number, as stored: append only. `battery_pct` is the percentage's own memory, so that
a device whose flag and percentage disagree does not flap."""


_SLOT = Struct("<BIH")
"""Seven bytes a level; the span's 17th bit is the top bit of the first."""
_NUMBERS, _SPAN_LOW, _SPAN_TOP = 0x7F, 0xFFFF, 16

Slots = (
    Annotated[bytes, msgspec.Meta(max_length=_SLOT.size * len(_ORDER))]
    | Annotated[tuple[Seconds, ...], msgspec.Meta(max_length=3 * len(_ORDER))]
)
"""Flat triples are how they were stored before."""


class Levels(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of each level that was ever spoken of."""

    slots: Slots = b""
    """(2 × number + active, time, span) of each, by number. Active: `time` is the rise and `span`
    0. Not active: `time` is the last clear and `span` how long before it the level rose, at most
    _SPAN_MAX, 0 if it had cleared before or never rose."""
    density: int = -1  # tenths of %/m that the next one is compared with; -1: none since the rise
    alarms: int = -1  # how many alarms the detector has counted by itself; -1: it never said


class _Level(NamedTuple):
    active: bool
    at: Seconds
    span: int = 0


def on_event(
    part: Levels, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[Levels, tuple[Finding, ...]]:
    """A level's word, from a device of any role.

    true     not active → ROSE, or FOUND when it rose while we were not looking: told from the
             broker's memory, or dated before the device was bound. Active → HELD.
    false    active → CLEARED. Not active or never spoken of → nothing, but remembered.
    Disorder a clear older than the rise does not clear. A rise older than the last clear is told
             late (ROSE, then CLEARED), unless it lies in the episode that was told already.
    """
    kind = CLEARING_KINDS.get(event.kind, event.kind)
    number = _NUMBER[kind]
    known = _get(part, number)
    said_s, now_s = min(seconds(at), seconds(now)), seconds(now)
    if event.kind != kind:
        return _on_clear(part, kind, known, said_s, now_s, event.confidence)
    facts: dict[str, Any] = {"since": iso(said_s)}
    if event.retained:
        facts["retained"] = True
    if kind == "fault" and "fault" in event.data:
        facts["fault"] = _detail(event.data["fault"])
    if known is not None and known.active:
        rose_s = min(known.at, said_s)
        held = _finding(kind, Sign.HELD, said_s, now_s, facts | {"since": iso(rose_s)}, event)
        return _put(part, number, _Level(True, rose_s)), (held,)
    if known is not None and said_s < known.at:
        if said_s >= known.at - known.span:
            return part, ()
        rose = _finding(kind, Sign.ROSE, said_s, now_s, facts, event, at=at)
        ended = _finding(kind, Sign.CLEARED, known.at, now_s, facts, event)
        return part, (rose, ended)
    sign = Sign.FOUND if event.retained or _before_binding(at, device) else Sign.ROSE
    if kind == "battery_low" and _is_active(part, "battery_pct"):
        sign = Sign.HELD
    part = _put(part, number, _Level(True, said_s))
    if kind == "smoke":
        counted = event.data.get("count")  # told by the very count that `on_alarm_count` watches
        alarms = _counted(counted) if type(counted) is int else part.alarms
        part = Levels(part.slots, alarms=alarms)
    return part, (_finding(kind, sign, said_s, now_s, facts, event, at=at),)


def on_battery(
    part: Levels, reading: Reading, at: int, _device: DeviceView, now: int
) -> tuple[Levels, tuple[Finding, ...]]:
    """`battery_pct`: ROSE once at 10 % or below, CLEARED at 20 % or above."""
    if not 0 <= reading.value <= 100 or now - at > TOO_OLD_S:
        return part, ()
    number = _NUMBER["battery_pct"]
    known = _get(part, number)
    at = min(at, now)
    if known is not None and at < known.at:
        return part, ()
    was_low = known is not None and known.active
    told_by_flag = _is_active(part, "battery_low")
    facts = {"battery_pct": reading.value}
    if not was_low and reading.value <= BATTERY_LOW_PCT:
        part = _put(part, number, _Level(True, at))
        sign = Sign.ROSE
    elif was_low and reading.value >= BATTERY_OK_PCT:
        part = _put(part, number, _Level(False, at))
        sign = Sign.CLEARED
    else:
        return part, ()
    return part, () if told_by_flag else (_finding("battery_low", sign, at, now, facts),)


def on_density(
    part: Levels, reading: Reading, at: int, _device: DeviceView, now: int
) -> tuple[Levels, tuple[Finding, ...]]:
    """`smoke_density` (%/m): WORSE when it rises by a clear step while smoke holds.

    A step is half of the density compared with, at least 2 %/m. Compared with: the density that
    came with the alarm or with the last WORSE, or the lowest since, so that a detector which
    latched `smoke` long ago still tells of the next fire. A first density that comes more than
    five minutes after the alarm is compared with clean air.
    """
    smoke = _get(part, _NUMBER["smoke"])
    if smoke is None or not smoke.active or at < smoke.at or now - at > TOO_OLD_S:
        return part, ()
    if not reading.value >= 0:  # NaN too
        return part, ()
    density = round(min(reading.value * 10, _DENSITY_MAX))
    before = part.density
    if before < 0:
        if at - smoke.at <= DENSITY_PAIRS_S:
            return Levels(part.slots, density, part.alarms), ()
        before = 0
    if density >= before + max(DENSITY_STEP, before // 2):
        facts = {"density": density / 10, "before": before / 10, "since": iso(smoke.at)}
        worse = _finding("smoke", Sign.WORSE, min(at, now), now, facts)
        return Levels(part.slots, density, part.alarms), (worse,)
    if density < part.density or part.density < 0:
        return Levels(part.slots, min(density, before), part.alarms), ()
    return part, ()


def on_alarm_count(
    part: Levels, reading: Reading, at: int, _device: DeviceView, now: int
) -> tuple[Levels, tuple[Finding, ...]]:
    """`alarm_count`: it sounded while nobody listened, and says OK again (Ei6500-OMS).

    EDGE when the count has risen and the level did not tell of it. A first count, and a smaller
    one (another detector in its place), say nothing.
    """
    count = _counted(reading.value)
    before = part.alarms
    if count == before:
        return part, ()
    part = Levels(part.slots, part.density, count)
    smoke = _get(part, _NUMBER["smoke"])
    if before < 0 or count < before or (smoke is not None and smoke.active):
        return part, ()
    facts = {"counted": count, "before": before}
    return part, (_finding("smoke", Sign.EDGE, min(at, now), now, facts),)


def _on_clear(
    part: Levels, kind: str, known: _Level | None, at: int, now: int, confidence: Confidence
) -> tuple[Levels, tuple[Finding, ...]]:
    number = _NUMBER[kind]
    if known is None or not known.active:
        if known is not None and at <= known.at:
            return part, ()
        return _put(part, number, _Level(False, at)), ()
    if at < known.at:
        return part, ()
    span = min(at - known.at, _SPAN_MAX)
    part = _put(part, number, _Level(False, at, span))
    if kind == "battery_low" and _is_active(part, "battery_pct"):
        return part, ()  # the percentage still says otherwise
    facts = {"since": iso(known.at), "lasted_s": at - known.at}
    return part, (_finding(kind, Sign.CLEARED, at, now, facts, confidence=confidence),)


def active_since(part: Levels, kind: str) -> int | None:
    """Since when a level is on, in seconds since 1970; None when it is not, or is no level."""
    known = _get(part, _NUMBER[kind]) if kind in _NUMBER else None
    return known.at if known is not None and known.active else None


def _before_binding(at: datetime, device: DeviceView) -> bool:
    return device.enrolled_at is not None and at < device.enrolled_at


def is_whole(part: Levels) -> bool:
    """Whether no stored level is cut in two."""
    return len(part.slots) % (_SLOT.size if isinstance(part.slots, bytes) else 3) == 0


def _triples(part: Levels) -> list[tuple[int, int, int]]:
    slots = part.slots
    if isinstance(slots, bytes):
        return [
            (first & _NUMBERS, at, low | first >> 7 << _SPAN_TOP)
            for first, at, low in _SLOT.iter_unpack(slots)
        ]
    return [(slots[i], slots[i + 1], slots[i + 2]) for i in range(0, len(slots), 3)]


def _get(part: Levels, number: int) -> _Level | None:
    for first, at, span in _triples(part):
        if first >> 1 == number:
            return _Level(bool(first & 1), at, span)
    return None


def _is_active(part: Levels, name: str) -> bool:
    known = _get(part, _NUMBER[name])
    return known is not None and known.active


def _put(part: Levels, number: int, level: _Level) -> Levels:
    """`part` with one level replaced or added; the very same object if nothing changed."""
    if _get(part, number) == level:
        return part
    triple = (2 * number + level.active, level.at, min(level.span, _SPAN_MAX))
    kept = [each for each in _triples(part) if each[0] >> 1 != number]
    packed = [
        _SLOT.pack(first | span >> _SPAN_TOP << 7, at, span & _SPAN_LOW)
        for first, at, span in sorted([*kept, triple])
    ]
    return Levels(b"".join(packed), part.density, part.alarms)


def _counted(value: float) -> int:
    return min(max(int(value), 0), _COUNT_MAX)


def _detail(said: Any) -> str:
    """What the device calls its fault, or its faults."""
    words = said if isinstance(said, list) else [said]
    return " ".join(str(word) for word in words)[:_DETAIL_LIMIT]


_REASONS = {
    Sign.EDGE: "the detector counted an alarm that nobody heard of",
    Sign.ROSE: "reported by the device",
    Sign.FOUND: "already on when we first looked",
    Sign.HELD: "reported again",
    Sign.WORSE: "smoke density rises",
    Sign.CLEARED: "ended, says the device",
}


def _finding(
    kind: str,
    sign: Sign,
    at_s: int,
    now: int,
    facts: dict[str, Any],
    event: DeviceEvent | None = None,
    *,
    at: datetime | None = None,
    confidence: Confidence = Confidence.CONFIRMED,
) -> Finding:
    return Finding(
        kind=kind,
        severity=SEVERITY_OF_KIND[kind],
        sign=sign,
        at=at or moment(at_s),
        reason=_REASONS[sign],
        facts=facts,
        confidence=event.confidence if event is not None else confidence,
        late_s=late_s(at_s, now),
    )
