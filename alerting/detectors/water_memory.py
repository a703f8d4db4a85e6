"""What is remembered of one water meter, and what a trusted reading adds to it."""

from __future__ import annotations

import msgspec

from alerting.detectors import habit as habit_
from alerting.detectors import leak as leak_
from alerting.detectors import machine as machine_
from alerting.detectors import stairs as stairs_
from alerting.detectors import tap as tap_
from alerting.detectors.habit import Habit
from alerting.detectors.leak import Leak
from alerting.detectors.machine import Machine
from alerting.detectors.register import Line
from alerting.detectors.stairs import Stairs
from alerting.detectors.tap import Tap
from alerting.detectors.view import MAX_SECONDS, DeviceView, Seconds

DAY_S = 86_400
USES_MOST = 99
SWAY_DL = 20
"""A register that swings back by up to two litres stood still."""


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
    seen_at: Seconds = 0  # first word that the elder is well since the register moved; 0: none
    stuck: int = 0  # 1: found; no word about it will come from this register
    leak: Leak = Leak()
    machine: Machine = Machine()
    was_at: Seconds = 0  # since when the gap had run that the last movement ended; 0: none did
    was_dl: int = 0  # where the register stood before it


def is_whole(part: Water) -> bool:
    """Whether a stored state fits together beyond what its types say."""
    habit = part.habit
    is_habit = habit is None or len(habit.cells) == habit_.CELLS
    machine = part.machine
    is_machine = not machine.on or machine.every_s > 0
    return is_habit and is_machine and stairs_.is_whole(part.stairs) and leak_.is_whole(part.leak)


def is_doubtful(part: Water) -> bool:
    """Whether what the register says, or does not say, tells nothing about people."""
    return bool(part.doubted_at or part.machine.on or part.stuck)


def on_a_clock_set_back(water: Water, now: int) -> Water:
    """The line began in a future that is not going to come: another begins, the rest is kept."""
    return Water(
        tap=Tap(on=water.tap.on),
        level=water.level,
        doubted_at=water.doubted_at,
        habit=water.habit,
        rearm_at=min(water.rearm_at, now + DAY_S, MAX_SECONDS),
        rearmed=water.rearmed,
        stuck=water.stuck,
        leak=Leak(on=water.leak.on),
        machine=Machine(on=water.machine.on, every_s=water.machine.every_s),
    )


def begun(water: Water, line: Line, by_habit: bool, zone: str) -> Water:
    """A line of readings begins with this one: the first, or that of another register."""
    at, value = line.at, line.value
    return msgspec.structs.replace(
        water,
        line=line,
        stairs=_NO_STAIRS if by_habit else Stairs(at),
        tap=Tap(at, value, on=water.tap.on),
        habit=habit_.begin(water.habit, at, value, zone) if by_habit else None,
        seen_at=0,
        stuck=0,
        leak=leak_.begin(water.leak, at, value),
        machine=machine_.begin(water.machine),
        was_at=0,
        was_dl=0,
    )


def is_taken_back(water: Water) -> bool:
    """Whether the doubted reading stands where the register stood before its last movement.

    Then that movement was one bad reading, once another reading agrees.
    """
    return bool(water.was_at) and abs(water.line.doubt_value - water.was_dl) <= SWAY_DL


def taken_back(water: Water, zone: str) -> Water:
    """As before the last movement: its gap goes on, up to the doubted reading."""
    line = Line(water.line.doubt_at, min(water.was_dl, water.line.doubt_value))
    fresh = begun(water, line, water.habit is not None, zone)
    stairs, habit = _gap_before(water)
    if habit is not None:
        habit = habit_.marked(habit, line.at, line.value)
    return msgspec.structs.replace(fresh, habit=habit, stairs=stairs)


def swung_back(water: Water, dl: int) -> Water:
    """The register is a little lower than at the reading before. If that had ended a gap by no
    more than is undone now, it was a swing and no use: the gap goes on."""
    just_moved = _began(water) == water.line.at
    if not water.was_at or not just_moved or dl > water.was_dl:
        return water
    stairs, habit = _gap_before(water)
    return msgspec.structs.replace(water, stairs=stairs, habit=habit, was_at=0)


def _gap_before(water: Water) -> tuple[Stairs, Habit | None]:
    """What the rule remembered before the last movement."""
    stairs = water.stairs
    if water.habit is not None:
        return stairs, habit_.taken_back(water.habit, water.was_at)
    if stairs.rose_at > water.was_at:
        stairs = stairs_.taken_back(stairs, water.was_at)
    return stairs, None


def moved_on(water: Water, line: Line, by_habit: bool, device: DeviceView) -> Water:
    """Everything that is remembered, after a trusted reading that follows the one before it."""
    from_at, from_value, at, value = water.line.at, water.line.value, line.at, line.value
    tap, leak, machine = water.tap, water.leak, water.machine
    seen_at, stuck, was_at, was_dl = water.seen_at, water.stuck, water.was_at, water.was_dl
    moved, span = value - from_value, at - from_at
    hour = tap_.pour(tap, at, value)
    if hour is not tap:
        if tap.mark_at:
            leak = leak_.pour(leak, at - tap.mark_at, value - tap.mark_dl, at, value)
        tap = hour
    if moved or machine.used_dl:
        machine = machine_.pour(machine, at, moved, span)
    by_machine = freed = False
    if moved:
        by_machine = bool(machine.on) and machine_.explains(machine, span)
        freed = bool(stuck)  # what went before was not counted: the gap begins here
        seen_at, stuck, was_at, was_dl = 0, 0, _began(water), from_value
    elif device.resting:
        seen_at = 0
    stairs, habit = _NO_STAIRS, water.habit
    if by_habit:
        if habit is None:
            habit = habit_.begin(None, from_at, from_value, device.zone)
            habit = _with_gap_of(habit, _NO_STAIRS if freed else water.stairs)
        elif freed:
            habit = habit_.said(habit, from_at)
        learns = not (device.resting or machine.on)
        habit = habit_.follow(
            habit,
            from_at,
            from_value,
            at,
            value,
            device.zone,
            water.was_at,
            learns,
            by_machine,
        )
    else:
        habit = None
        stairs = Stairs(from_at) if freed else _stairs_of(water, from_at)
        if moved and not by_machine and at >= stairs.rose_at:
            stairs = stairs_.climb(stairs, at, moved)
    used = device.resting and _is_used(leak, habit, at, 0 if by_machine else moved, span)
    away_uses = min(water.away_uses + used, USES_MOST) if device.resting else 0
    return Water(
        line,
        stairs,
        tap,
        water.level,
        water.doubted_at,
        water.judge_at,
        habit,
        water.rearm_at,
        water.rearmed,
        away_uses,
        seen_at,
        stuck,
        leak,
        machine,
        was_at,
        was_dl,
    )


_NO_STAIRS = Stairs()


def _stairs_of(water: Water, at: int) -> Stairs:
    """A fixed rule's memory; it begins at `at`, or with the gap that another rule watched: a gap
    that runs does not begin anew with the rule."""
    habit = water.habit
    if water.stairs.rose_at:
        return water.stairs
    if habit is None or not habit.used_at:
        return Stairs(at)
    return Stairs(habit.used_at, moved=1 if habit.flags & habit_.USE_SEEN else 0)


def _with_gap_of(habit: Habit, stairs: Stairs) -> Habit:
    """The same for the adaptive rule, which was not in force while the gap began."""
    if not stairs.rose_at:
        return habit
    flags = habit.flags | habit_.USE_SEEN if stairs.moved else habit.flags
    return msgspec.structs.replace(habit, used_at=stairs.rose_at, flags=flags)


def _began(water: Water) -> int:
    """Since when the register has stood still, as far as the rule counts."""
    return water.stairs.rose_at if water.habit is None else water.habit.used_at


def _is_used(leak: Leak, habit: Habit | None, at: int, moved: int, span: int) -> bool:
    """Whether somebody used water: more than a litre, and more than what has run for hours."""
    if habit is not None:
        return bool(moved) and habit.used_at == at
    always = leak.low_dl * 3 * span // 7200 if leak.run_s >= DAY_S // 2 else 0
    return moved >= leak_.LITRE_DL + always
