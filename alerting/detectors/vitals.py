"""Pulse, blood pressure, oxygen, temperature: outside the limits that are set for this elder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from alerting.detectors.view import DeviceView, Seconds, iso, late_s, moment, parameter, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from care.limits import MEASURABLE
from devices import parts
from devices.event import REGISTER_UNITS, Confidence, DeviceEvent, Reading
from devices.parts import attempt

KINDS = ("vitals",)
REGISTERS = tuple(MEASURABLE)
"""By number, as stored: append only."""

ROLES = frozenset({"health_monitor", "watch", "bed_sensor", "fall_detector"})
"""A mattress and a radar measure a pulse too; the temperature of a smoke detector is a room's."""

DEFAULT_LIMITS: dict[str, tuple[float, float]] = {
    "heart_rate": (50, 110),
    "spo2": (90, 100),
    "systolic": (90, 160),
    "diastolic": (50, 100),
    "temperature": (35, 38),
}
"""For an elder of whom nobody said otherwise. Not medical advice: every one can be set per elder
(`vitals.<register>`: [low, high]), and a doctor's word belongs there."""

FAR: dict[str, tuple[float, float]] = {
    "heart_rate": (40, 150),
    "spo2": (85, 101),
    "systolic": (80, 200),
    "diastolic": (40, 120),
    "temperature": (34, 39.5),
}
"""Beyond these (and beyond the limit) one measurement is enough."""

CONFIRM_WITHIN_MIN = 60
SAME_MEASUREMENT_S = 20
"""A reading and an event of one measurement are not two."""

TOO_OLD_S = 2 * 3600
TOLD_AGAIN_S = 24 * 3600
"""Still outside a day after it was told: told again, for the case has long been closed."""

_NORMAL, _WAITS, _TOLD, _TOLD_FAR = range(4)
_HIGH = 4  # added to the above: beyond the upper limit, not the lower
_WORD = 8  # a slot's first number is 8 × register + word


class Vitals(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of each vital sign that was ever measured."""

    slots: Annotated[tuple[Seconds, ...], msgspec.Meta(max_length=2 * len(REGISTERS))] = ()
    """Flat pairs (8 × number + word, time of the last measurement), by number."""
    told_at: Seconds = 0


class _Known(NamedTuple):
    word: int
    at: Seconds


def on_reading(
    part: Vitals | None, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[Vitals | None, tuple[Finding, ...]]:
    """One measured register. Of a sensor that is not for people: nothing."""
    if device.role not in ROLES:
        return part, ()
    return _measured(part, reading.register, reading.value, at, device, now)


def on_event(
    part: Vitals | None, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[Vitals | None, tuple[Finding, ...]]:
    """`vitals` with its figures in `data`, by register; `worn: false` means nobody was measured."""
    if device.role not in ROLES or event.retained or event.data.get("worn", True) in (False, 0):
        return part, ()
    found: tuple[Finding, ...] = ()
    for register in REGISTERS:
        value = attempt([], parts.number, event.data.get(register), register)
        if value is None:
            continue
        part, more = _measured(
            part, register, value, seconds(at), device, seconds(now), event.confidence
        )
        found += more
    return part, found


def rearm(part: Vitals) -> Vitals:
    """Forget what was told, so that a measurement that is still outside is told again."""
    slots = list(part.slots)
    for index in range(0, len(slots), 2):
        slots[index] -= slots[index] % _WORD
    return Vitals(tuple(slots))


def limits_of(device: DeviceView, register: str) -> tuple[float, float] | None:
    """What is set for the elder, else the default. None: a watch's skin is no thermometer, so its
    temperature is judged only against limits that somebody set."""
    chosen = parameter(device, "vitals", register)
    if isinstance(chosen, list | tuple) and len(chosen) == 2:
        low, high = (attempt([], parts.number, limit, register) for limit in chosen)
        if low is not None and high is not None and low < high:
            return low, high
    if register == "temperature" and device.role != "health_monitor":
        return None
    return DEFAULT_LIMITS[register]


def _measured(
    part: Vitals | None,
    register: str,
    value: float,
    at: int,
    device: DeviceView,
    now: int,
    confidence: Confidence = Confidence.CONFIRMED,
) -> tuple[Vitals | None, tuple[Finding, ...]]:
    """One measurement: 0, what no such sensor can show, and the past are none."""
    limits = limits_of(device, register)
    least, most = MEASURABLE[register]
    at = min(at, now)
    if limits is None or not least <= value <= most or now - at > TOO_OLD_S:
        return part, ()
    vitals = part or Vitals()
    number = REGISTERS.index(register)
    known = _get(vitals, number)
    if at < known.at:
        return part, ()
    word = _judge(known, register, value, limits, at, device)
    before_telling = _told(vitals)
    told_again = (
        word % _HIGH >= _TOLD
        and known.word % _HIGH >= _TOLD
        and at - vitals.told_at >= TOLD_AGAIN_S
    )
    is_same = word == known.word and word % _HIGH == _WAITS and at - known.at < SAME_MEASUREMENT_S
    vitals = _put(vitals, number, _Known(word, known.at if is_same else at))
    facts = {
        "register": register,
        "value": round(value, 1),
        "low": limits[0],
        "high": limits[1],
        "unit": REGISTER_UNITS[register],
        "measured_at": iso(at),
    }
    sign, reason = _sign(known.word, word, before_telling, _told(vitals), told_again)
    if sign is None:
        return vitals, ()
    if sign is not Sign.CLEARED:
        vitals = Vitals(vitals.slots, at)
    return vitals, (_finding(sign, reason, facts, at, now, confidence),)


def _judge(
    known: _Known,
    register: str,
    value: float,
    limits: tuple[float, float],
    at: int,
    device: DeviceView,
) -> int:
    """The register's word after this measurement."""
    low, high = limits
    if low <= value <= high:
        return _NORMAL
    side = _HIGH if value > high else 0
    far_low, far_high = FAR[register]
    is_same_side = known.word % _HIGH != _NORMAL and known.word & _HIGH == side
    if value < min(low, far_low) or value > max(high, far_high):
        return _TOLD_FAR + side
    if known.word % _HIGH >= _TOLD:
        return known.word if is_same_side else _TOLD + side
    if not is_same_side:
        return _WAITS + side
    within_s = _minutes(device) * 60
    is_second = SAME_MEASUREMENT_S <= at - known.at <= within_s
    return (_TOLD if is_second else _WAITS) + side


def _sign(
    before: int, word: int, told_before: int, told: int, told_again: bool
) -> tuple[Sign | None, str]:
    if told_before and not told:
        return Sign.CLEARED, "back within the limits"
    is_new = word % _HIGH >= _TOLD and (before % _HIGH < _TOLD or before & _HIGH != word & _HIGH)
    is_worse = word % _HIGH == _TOLD_FAR and before % _HIGH == _TOLD
    if is_new or is_worse:
        reason = "far outside the limits" if word % _HIGH == _TOLD_FAR else "outside the limits"
        return (Sign.WORSE if told_before else Sign.ROSE), reason
    return (Sign.ROSE, "still outside the limits") if told_again else (None, "")


def _minutes(device: DeviceView) -> int:
    chosen = parameter(device, "vitals", "confirm_within_min")
    return chosen if type(chosen) is int and chosen > 0 else CONFIRM_WITHIN_MIN


def _told(part: Vitals) -> int:
    """How many registers are outside and told."""
    return sum(word % _HIGH >= _TOLD for word in part.slots[::2])


def _get(part: Vitals, number: int) -> _Known:
    slots = part.slots
    for index in range(0, len(slots) - 1, 2):
        if slots[index] // _WORD == number:
            return _Known(slots[index] % _WORD, slots[index + 1])
    return _Known(_NORMAL, 0)


def _put(part: Vitals, number: int, known: _Known) -> Vitals:
    slots = part.slots
    kept = [slots[i : i + 2] for i in range(0, len(slots), 2) if slots[i] // _WORD != number]
    ordered = sorted([*kept, (_WORD * number + known.word, known.at)])
    return Vitals(tuple(value for pair in ordered for value in pair), part.told_at)


def _finding(
    sign: Sign, reason: str, facts: dict[str, Any], at: int, now: int, confidence: Confidence
) -> Finding:
    return Finding(
        kind="vitals",
        severity=SEVERITY_OF_KIND["vitals"],
        sign=sign,
        at=moment(at),
        reason=reason,
        facts=facts,
        confidence=confidence,
        late_s=late_s(at, now),
    )
