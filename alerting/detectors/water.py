"""A home whose water has stopped, or does not stop: which readings count, and which rule judges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from alerting.detectors import adaptive, fixed
from alerting.detectors import habit as habit_
from alerting.detectors import stairs as stairs_
from alerting.detectors import tap as tap_
from alerting.detectors.adaptive import Step
from alerting.detectors.fixed import DEFAULT_PRESET, PRESETS, Level
from alerting.detectors.habit import Habit
from alerting.detectors.liveness import SHORTEST_LIMIT_S, silence_limit_s
from alerting.detectors.register import (
    CLOCK_SLACK_S,
    DOUBTED,
    FIRST,
    IGNORED,
    RESTARTED,
    WENT_BACK,
    Line,
    Verdict,
    follow,
)
from alerting.detectors.stairs import Stairs
from alerting.detectors.tap import Tap
from alerting.detectors.view import DeviceView, Seconds, iso, late_s, moment, parameter
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import REGISTER_UNITS, Reading

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
_NO_STAIRS = Stairs()
_UNIT = REGISTER_UNITS["water_total"]


class Water(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one water meter; volumes in tenths of a litre, times in seconds."""

    line: Line = Line()
    stairs: Stairs = Stairs()
    tap: Tap = Tap()
    level: int = 0  # of no_water_use that was found in this gap
    doubted_at: Seconds = 0  # last doubtful reading since cannot_assess was found; 0: not found
    judge_at: Seconds = 0  # when `tick` is wanted; 0: not wanted
    habit: Habit | None = None  # of the adaptive rule; `stairs` are empty then
    rearm_at: Seconds = 0  # closed without proof of life: found again then; 0: not waited for
    rearmed: int = 0  # times in this gap
    away_uses: int = 0  # readings with use while nobody who lives there is at home


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
    if at > now:
        at = now
    if water.line.at - now > CLOCK_SLACK_S:
        water = _on_a_clock_set_back(water)
    if not (0 <= reading.value < MOST_M3 and reading.unit == _UNIT):
        return _doubt(water, "not_a_register_value", reading, at, now)
    dl = round(reading.value * 10_000)
    line, verdict = follow(water.line, at, dl, MOST_DL_PER_HOUR)
    if verdict is IGNORED:
        return part, ()
    if verdict in DOUBTED:
        reason = "register_went_back" if verdict is WENT_BACK else "register_jumped"
        doubting = msgspec.structs.replace(water, line=line)
        return _doubt(doubting, reason, reading, at, now)
    steps = steps_of(device)
    stairs, tap, habit = _moved(water, line, verdict, steps, device.zone)
    return _judge(water, line, stairs, tap, habit, steps, device, now)


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
    steps = steps_of(device)
    if (steps is None) is (part.habit is not None):  # the rule was changed since the last reading
        return msgspec.structs.replace(part, judge_at=0), ()
    habit = part.habit
    return _judge(part, line, part.stairs, part.tap, habit, steps, device, now, ticking=True)


def is_whole(part: Water) -> bool:
    """Whether a stored state fits together beyond what its types say."""
    habit = part.habit
    return stairs_.is_whole(part.stairs) and (habit is None or len(habit.cells) == habit_.CELLS)


def due(part: Water | None) -> datetime | None:
    """When `tick` is wanted."""
    return moment(part.judge_at) if part is not None and part.judge_at else None


def rearm(part: Water, kind: str) -> Water:
    """Forget that `kind` was found, so that the next reading finds it again if it still holds."""
    return forget(part, kind)


def forget(part: Water, kind: str) -> Water:
    """As if `kind` had not been found: the next judgement finds it if it holds."""
    if kind == "no_water_use":
        return msgspec.structs.replace(part, level=0)
    if kind == "tap_left_on":
        return msgspec.structs.replace(part, tap=msgspec.structs.replace(part.tap, on=0))
    return part


def answered(part: Water, kind: str, *, was_false: bool) -> Water:
    """What people found out about a finding of `kind`: only the adaptive rule learns from it."""
    if kind != "no_water_use" or part.habit is None:
        return part
    habit = habit_.answered(part.habit, was_false=was_false)
    return part if habit is part.habit else msgspec.structs.replace(part, habit=habit)


def levels_of(device: DeviceView) -> tuple[Level, ...]:
    """The fixed rule set for this device (`no_water_use.preset`); the default for unknown names."""
    preset = parameter(device, "no_water_use", "preset")
    return PRESETS.get(preset, _DEFAULT_LEVELS) if isinstance(preset, str) else _DEFAULT_LEVELS


def steps_of(device: DeviceView) -> tuple[Step, ...] | None:
    """The adaptive rule set for this device; None while a fixed rule is."""
    preset = parameter(device, "no_water_use", "preset")
    return adaptive.PRESETS.get(preset) if isinstance(preset, str) else None


def _on_a_clock_set_back(water: Water) -> Water:
    """The line began in a future that is not going to come: another begins, the rest is kept."""
    return Water(
        tap=Tap(on=water.tap.on),
        level=water.level,
        doubted_at=water.doubted_at,
        habit=water.habit,
    )


def _moved(
    water: Water, line: Line, verdict: Verdict, steps: tuple[Step, ...] | None, zone: str
) -> tuple[Stairs, Tap, Habit | None]:
    """Tap and the rule's own memory after a trusted reading; a new line begins them anew."""
    tap, before = water.tap, water.line
    at, value = line.at, line.value
    if verdict is FIRST:
        tap = tap_.pour(tap, at, value)
        if steps is None:
            return Stairs(at), tap, None
        return _NO_STAIRS, tap, habit_.begin(water.habit, at, value, zone)
    from_at, from_value, restarted = before.at, before.value, verdict is RESTARTED
    if restarted:
        from_at, from_value = before.doubt_at, before.doubt_value
        tap = Tap(from_at, from_value, on=tap.on)
    tap = tap_.pour(tap, at, value)
    if steps is None:
        stairs = water.stairs
        if restarted or not stairs.rose_at:
            stairs = _stairs_from(None if restarted else water.habit, from_at)
        if value > from_value:
            stairs = stairs_.climb(stairs, at, value - from_value)
        return stairs, tap, None
    habit = water.habit
    if habit is None or restarted:
        habit = habit_.begin(habit, from_at, from_value, zone)
        if not restarted:
            habit = _with_gap_of(habit, water.stairs)
    return _NO_STAIRS, tap, habit_.follow(habit, from_at, from_value, at, value, zone)


def _stairs_from(habit: Habit | None, at: int) -> Stairs:
    """A fixed rule's memory from `at` on. A gap that runs does not begin anew with the rule."""
    if habit is None or not habit.used_at:
        return Stairs(at)
    return Stairs(habit.used_at, moved=1 if habit.flags & habit_.USE_SEEN else 0)


def _with_gap_of(habit: Habit, stairs: Stairs) -> Habit:
    """The same for the adaptive rule, which was not in force while the gap began."""
    if not stairs.rose_at:
        return habit
    flags = habit.flags | habit_.USE_SEEN if stairs.moved else habit.flags
    return msgspec.structs.replace(habit, used_at=stairs.rose_at, flags=flags)


def _judge(
    water: Water,
    line: Line,
    stairs: Stairs,
    tap: Tap,
    habit: Habit | None,
    steps: tuple[Step, ...] | None,
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
    if habit is not None and steps is not None:
        level, habit = _stillness(water, habit, steps, at, device, now, may_open, findings)
    elif level or may_open:
        level = _little_use(water, stairs, levels_of(device), at, now, may_open, findings)
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
    part = Water(line, stairs, tap, level, doubted_at, judge_at, habit)
    return part, tuple(findings) if findings else ()


def _little_use(
    water: Water,
    stairs: Stairs,
    levels: tuple[Level, ...],
    at: int,
    now: int,
    may_open: bool,
    findings: list[Finding],
) -> int:
    """A fixed rule's level after the reading at `at`; what changed goes to `findings`."""
    level, moved = fixed.reached_level(levels, stairs, at, water.level, may_open)
    if level == water.level or not levels:
        return level
    if level:
        reason, facts = fixed.no_use_facts(levels, level, stairs, moved, at)
        findings.append(_no_use(water.level, reason, facts, at, now))
    else:
        findings.append(_used_again(stairs.rose_at, {}, at, now))
    return level


def _stillness(
    water: Water,
    habit: Habit,
    steps: tuple[Step, ...],
    at: int,
    device: DeviceView,
    now: int,
    may_open: bool,
    findings: list[Finding],
) -> tuple[int, Habit]:
    """The adaptive rule's level after the reading at `at`, and its memory. One use ends a gap."""
    level = water.level
    if habit.used_at == at:
        if level and habit.flags & habit_.USE_SEEN:
            before = water.habit.used_at if water.habit is not None else at
            facts = {"since": iso(before), "gap_s": at - before}
            findings.append(_used_again(at, facts, at, now))
            level = 0
        return level, habit
    if may_open and at - habit.used_at > habit_.FLOOR_S and level < len(steps):
        reached, why = adaptive.reached_level(habit, steps, at, level, device.zone)
        if why is not None:
            reason, facts = adaptive.no_use_facts(habit, steps, reached, why, at)
            findings.append(_no_use(level, reason, facts, at, now))
            habit = adaptive.found(habit, steps, level, reached, why)
            level = reached
    return level, habit


def _no_use(before: int, reason: str, facts: dict[str, Any], at: int, now: int) -> Finding:
    """A gap reached a level; `before` is the one it had reached already, if any."""
    facts["last_reading_at"] = iso(at)
    sign = Sign.WORSE if before else Sign.ROSE
    return _finding("no_water_use", sign, reason, facts, at, now)


def _used_again(used_at: int, facts: dict[str, Any], at: int, now: int) -> Finding:
    facts |= {"last_reading_at": iso(at), "used_at": iso(used_at)}
    return _finding("no_water_use", Sign.CLEARED, "water is used again", facts, at, now)


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
