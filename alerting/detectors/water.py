"""A home whose water has stopped, or does not stop: the cities' fixed rules on a water meter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from alerting.detectors import stairs as stairs_
from alerting.detectors import tap as tap_
from alerting.detectors.liveness import SHORTEST_LIMIT_S, silence_limit_s
from alerting.detectors.register import CLOCK_SLACK_S, DOUBTED, Line, Verdict, follow
from alerting.detectors.stairs import Stairs
from alerting.detectors.tap import Tap
from alerting.detectors.view import DeviceView, Seconds, iso, late_s, moment, parameter
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import REGISTER_UNITS, Reading


class Level(NamedTuple):
    """Less than `threshold_dl` (tenths of a litre) within `window_s`."""

    window_s: int
    threshold_dl: int


PRESETS: dict[str, tuple[Level, ...]] = {
    "fixed-12h-10l": (Level(12 * 3600, 100),),  # Shanghai
    "fixed-24h-10l": (Level(24 * 3600, 100),),  # Taicang
    "fixed-12h-24h-10l": (Level(12 * 3600, 100), Level(24 * 3600, 100)),
    "off": (),
}
"""Fixed rules as data, levels by rising window; none beyond `stairs.KEEP_S` and `KEEP_MOVED`."""

DEFAULT_PRESET = "fixed-12h-24h-10l"

TOO_OLD_S = 2 * 3600
"""A reading older than this updates the state and opens nothing."""

CATCH_UP_S = 60
"""After such a reading, `tick` is asked for this much later: it judges the present, once."""

ASSESSABLE_AGAIN_S = 48 * 3600
"""So long without a doubtful reading clears `cannot_assess`: longer than a day, so that a register
which is reset every midnight is one finding and not one a day."""

MOST_DL_PER_HOUR = 50_000  # 5 m³: not a home
MOST_M3 = 1_000_000  # no home's register has more digits

_DEFAULT_LEVELS = PRESETS[DEFAULT_PRESET]
_UNIT = REGISTER_UNITS["water_total"]


class Water(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one water meter; volumes in tenths of a litre, times in seconds."""

    line: Line = Line()
    stairs: Stairs = Stairs()
    tap: Tap = Tap()
    level: int = 0  # of no_water_use that was found in this gap
    doubted_at: Seconds = 0  # last doubtful reading since cannot_assess was found; 0: not found
    judge_at: Seconds = 0  # when `tick` is wanted; 0: not wanted


def on_reading(
    part: Water | None, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[Water | None, tuple[Finding, ...]]:
    """Take in one `water_total` reading (m³, any finite value) of a water meter.

    Old and repeated readings change nothing. A register that went back, jumped by more than 5 m³
    an hour, or is no register value at all gives `cannot_assess`, and the window begins anew with
    the next line. A hole is bridged by the register: what did not move across it was not used;
    what did counts as used on arrival.
    """
    if device.role != "water_meter" and "no_water_use" not in device.rules:
        return part, ()
    water = part or Water()
    at = min(at, now)
    if water.line.at - now > CLOCK_SLACK_S:
        water = Water(tap=Tap(on=water.tap.on), level=water.level, doubted_at=water.doubted_at)
    if not (0 <= reading.value < MOST_M3 and reading.unit == _UNIT):
        return _doubt(water, "not_a_register_value", reading, at, now)
    dl = round(reading.value * 10_000)
    line, verdict = follow(water.line, at, dl, MOST_DL_PER_HOUR)
    if verdict is Verdict.IGNORED:
        return part, ()
    if verdict in DOUBTED:
        reason = "register_went_back" if verdict is Verdict.WENT_BACK else "register_jumped"
        doubting = msgspec.structs.replace(water, line=line)
        return _doubt(doubting, reason, reading, at, now)
    stairs, tap = _moved(water, line, verdict)
    return _judge(water, line, stairs, tap, device, now)


def tick(part: Water, device: DeviceView, now: int) -> tuple[Water, tuple[Finding, ...]]:
    """Judge the present after a catch-up, if the last reading is fresh enough to speak for it.

    Fresh: within the silence that liveness allows (three intervals, at least 3 h). Beyond that
    the silence is what is wrong, and liveness finds it.
    """
    line = part.line
    limit_s = silence_limit_s(device) or SHORTEST_LIMIT_S
    fresh = -CLOCK_SLACK_S <= now - line.at <= limit_s
    if not fresh or line.doubt_at:
        if not part.judge_at:
            return part, ()
        return msgspec.structs.replace(part, judge_at=0), ()
    return _judge(part, line, part.stairs, part.tap, device, now, ticking=True)


def due(part: Water | None) -> datetime | None:
    """When `tick` is wanted."""
    return moment(part.judge_at) if part is not None and part.judge_at else None


def rearm(part: Water, kind: str) -> Water:
    """Forget that `kind` was found, so that the next reading finds it again if it still holds."""
    if kind == "no_water_use":
        return msgspec.structs.replace(part, level=0)
    if kind == "tap_left_on":
        return msgspec.structs.replace(part, tap=msgspec.structs.replace(part.tap, on=0))
    return part


def levels_of(device: DeviceView) -> tuple[Level, ...]:
    """The fixed rule set for this device (`no_water_use.preset`); the default for unknown names."""
    preset = parameter(device, "no_water_use", "preset")
    return PRESETS.get(preset, _DEFAULT_LEVELS) if isinstance(preset, str) else _DEFAULT_LEVELS


def _moved(water: Water, line: Line, verdict: Verdict) -> tuple[Stairs, Tap]:
    """The steps and the tap after a trusted reading; a new line begins both anew."""
    stairs, tap, before = water.stairs, water.tap, water.line
    if verdict is Verdict.FIRST:
        return Stairs(line.at), tap_.pour(tap, line.at, line.value)
    from_value = before.value
    if verdict is Verdict.RESTARTED:
        from_value = before.doubt_value
        stairs = Stairs(before.doubt_at)
        tap = Tap(before.doubt_at, from_value, on=tap.on)
    if line.value > from_value:
        stairs = stairs_.climb(stairs, line.at, line.value - from_value)
    return stairs, tap_.pour(tap, line.at, line.value)


def _judge(
    water: Water,
    line: Line,
    stairs: Stairs,
    tap: Tap,
    device: DeviceView,
    now: int,
    *,
    ticking: bool = False,
) -> tuple[Water, tuple[Finding, ...]]:
    """The state with the last trusted reading in it, and what it shows."""
    at = line.at
    may_open = ticking or now - at <= TOO_OLD_S
    findings: list[Finding] = []
    level = water.level
    levels = levels_of(device)
    if level or may_open:
        level, moved = _reached(levels, stairs, at, level, may_open)
        if level != water.level and levels:
            findings.append(_no_use(water.level, level, levels, stairs, moved, at, now))
    if water.tap.on and not tap.on:
        findings.append(_finding("tap_left_on", Sign.CLEARED, "the flow dropped", {}, at, now))
    elif may_open and not tap.on and tap_.left_on(tap) and _tap_wanted(device):
        tap = msgspec.structs.replace(tap, on=1)
        findings.append(_tap_found(tap, at, now))
    doubted_at = water.doubted_at
    if doubted_at and at - doubted_at >= ASSESSABLE_AGAIN_S:
        doubted_at = 0
        reason = "readings are plausible again"
        findings.append(_finding("cannot_assess", Sign.CLEARED, reason, {}, at, now))
    judge_at = 0 if may_open else water.judge_at or now + CATCH_UP_S
    return Water(line, stairs, tap, level, doubted_at, judge_at), tuple(findings)


def _reached(
    levels: tuple[Level, ...], stairs: Stairs, at: int, level: int, may_open: bool
) -> tuple[int, int]:
    """The level of the gap now, and the movement (tenths of a litre) in the window that says so.

    A level, once found, stays until the shortest window holds its threshold again: use that small
    does not end the gap, and every level is found once a gap.
    """
    resumed = not levels  # switched off: forgotten, and nothing to say about it
    reached = reached_moved = 0
    for number, (window_s, threshold_dl) in enumerate(levels, 1):
        moved = stairs_.moved_within(stairs, at, window_s)
        if moved is None:
            break  # nor is any reading old enough for a longer window
        if moved < threshold_dl:
            reached, reached_moved = number, moved
        elif number == 1:
            resumed, reached_moved = True, moved
    if reached > level and may_open:
        return reached, reached_moved
    if resumed and not reached:
        return 0, reached_moved
    return level, reached_moved


def _no_use(
    before: int,
    level: int,
    levels: tuple[Level, ...],
    stairs: Stairs,
    moved: int,
    at: int,
    now: int,
) -> Finding:
    """The finding for a gap that reached a level, or ended (level 0)."""
    facts: dict[str, Any] = {"last_reading_at": iso(at)}
    if not level:
        sign, reason = Sign.CLEARED, "water is used again"
        facts["used_at"] = iso(stairs.rose_at)
    else:
        window_s, threshold_dl = levels[level - 1]
        sign = Sign.WORSE if before else Sign.ROSE
        reason = f"less than {threshold_dl / 10:g} L in {window_s // 3600} h"
        idle_s = at - stairs.rose_at
        facts |= {
            "level": level,
            "since": iso(stairs.rose_at),  # last use, or the first reading
            "since_known": bool(stairs.moved),  # False: no use was ever seen on this register
            "idle_s": idle_s,
            "hours": round(idle_s / 3600, 4),
            "window_h": window_s // 3600,
            "used_l": moved / 10,
            "threshold_l": threshold_dl / 10,
        }
    return _finding("no_water_use", sign, reason, facts, at, now)


def _tap_found(tap: Tap, at: int, now: int) -> Finding:
    facts = {
        "since": iso(tap.mark_at - tap.run_s),
        "hours": round(tap.run_s / 3600, 4),
        "litres": tap.run_dl / 10,
        "litres_per_hour": tap.run_dl * 360 // tap.run_s,
        "last_reading_at": iso(at),
    }
    return _finding("tap_left_on", Sign.ROSE, "120 L an hour or more for 3 h", facts, at, now)


def _tap_wanted(device: DeviceView) -> bool:
    return bool(parameter(device, "tap_left_on", "preset") != "off")


def _doubt(
    water: Water, reason: str, reading: Reading, at: int, now: int
) -> tuple[Water, tuple[Finding, ...]]:
    """Remember the doubt; a finding if it is not known yet and not of the past."""
    if water.doubted_at:
        return msgspec.structs.replace(water, doubted_at=max(water.doubted_at, at)), ()
    if now - at > TOO_OLD_S:
        return water, ()
    facts: dict[str, Any] = {"reason": reason, "register_m3": reading.value}
    if water.line.at:
        facts |= {"before_m3": water.line.value / 10_000, "last_reading_at": iso(water.line.at)}
    words = "the register cannot be trusted"
    found = _finding("cannot_assess", Sign.ROSE, words, facts, at, now)
    return msgspec.structs.replace(water, doubted_at=at), (found,)


def _finding(
    kind: str, sign: Sign, reason: str, facts: dict[str, Any], at: int, now: int
) -> Finding:
    return Finding(
        kind=kind,
        severity=SEVERITY_OF_KIND[kind],
        sign=sign,
        at=moment(at),
        reason=reason,
        facts=facts,
        late_s=late_s(at, now),
    )
