"""How a home stands under the rule in force: how long without use, and when a limit comes. Pure."""

from __future__ import annotations

import msgspec

from alerting.detect import DeviceState, can_assess
from alerting.detectors import adaptive, fixed
from alerting.detectors import stairs as stairs_
from alerting.detectors.adaptive import Step
from alerting.detectors.fixed import Level
from alerting.detectors.habit import (
    DAY_S,
    FLOOR_S,
    HOUR_S,
    SAID,
    USE_SEEN,
    YOUNG_DAYS,
    Habit,
)
from alerting.detectors.liveness import SHORTEST_LIMIT_S, expected_every_s, silence_limit_s
from alerting.detectors.meter import Grade, grade
from alerting.detectors.stairs import Stairs
from alerting.detectors.view import DeviceView, Seconds, parameter, seconds
from alerting.detectors.water import Water, levels_of, steps_of
from alerting.detectors.zone import local_s
from alerting.vigilance import UNABLE_GRADES, is_switched_off

SOON_S = 2 * HOUR_S
"""A limit that comes within this time, or has passed, is near."""

RARE_UPLOAD_S = 6 * HOUR_S
"""A meter that speaks less often than this sends what it read in one go."""

SECTIONS = ("near", "silent", "learning", "unable", "away")


class Mark(msgspec.Struct, frozen=True, gc=False):
    """One level of the rule: what happens then, and when that is if nothing is used."""

    opens: str  # "check": a question to the elder; "incident"
    limit_s: int  # without use, or below the threshold, as it is at this moment
    at: Seconds  # when it is passed; for one that was found, when it was
    found: bool  # already, in this gap


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one water meter's home stands; times in seconds since 1970, 0 for unknown."""

    verdict: str  # watched; unable, silent or away: no limit runs
    why: str = ""  # what is wrong, a key of the console's [watch_why]; also of a watched one
    rule: str = fixed.DEFAULT_PRESET  # the preset in force
    marks: tuple[Mark, ...] = ()  # by level
    begun: Seconds = 0  # from when on the time to the limit counts: the last use that counts
    used_at: Seconds = 0  # last use, or the first reading; where `said`, that word
    use_seen: bool = False  # False: no use was ever seen
    said: bool = False  # the gap counts from when somebody knew that the elder was well
    read_at: Seconds = 0  # last trusted reading
    grade: Grade | None = None  # None: not recognised, a fixed rule does not ask
    every_s: int = 0  # between readings, as recognised
    pulse_l: float = 0.0
    day: int = 0  # of the 28 of learning, from 1; 0: learnt, or nothing to learn
    delay_s: int = 0  # the longest that the home may lie unnoticed; 0: nobody can say

    @property
    def next(self) -> Mark | None:
        """The level that comes next; None when all were found, or none runs."""
        return next((mark for mark in self.marks if not mark.found), None)


def stand(
    state: DeviceState,
    device: DeviceView,
    now: int,
    *,
    silent: str = "",
    upload_s: int | None = None,
) -> Standing:
    """How the home stands at `now` (seconds since 1970).

    `silent`: why the meter is not heard ("silent", "offline", "never"), empty while it is.
    `upload_s`: how often the device speaks, as learnt (`device_states.interval_s`).
    """
    steps, levels = steps_of(device), levels_of(device)
    rule, water = rule_of(device), state.water
    if not _is_settled(device, now):
        upload_s = None
    facts = _facts(water, steps, device, upload_s)
    marks: tuple[Mark, ...] = ()
    if device.resting:
        verdict, why = "away", "away"
    elif silent:
        verdict, why = "silent", silent
    elif is_switched_off(device):
        verdict, why = "unable", "off"
    elif not can_assess(state):
        verdict, why = "unable", _doubt(state)
    elif water is None or not water.line.at:
        verdict, why = "unable", "no_reading"
    elif now - water.line.at > _fresh_s(device, facts.every_s):
        verdict, why = "silent", "stale"
    else:
        marks = _marks(water, steps, levels, now, device.zone)
        verdict, why = ("watched", _grade_why(facts.grade)) if marks else ("unable", "rule_changed")
    begun = marks[0].at - marks[0].limit_s if marks and steps is None else facts.used_at
    return msgspec.structs.replace(
        facts, verdict=verdict, why=why, rule=rule, marks=marks, begun=begun
    )


def without_supply(standing: Standing) -> Standing:
    """The same home while its water does not come: the meter sees nobody."""
    return msgspec.structs.replace(standing, verdict="unable", why="dry")


def sections(standing: Standing) -> tuple[str, ...]:
    """Where the home is listed; a learning one is near its limit as well."""
    if standing.verdict in ("silent", "away"):
        return (standing.verdict,)
    found = ["near"] if standing.marks else []
    if standing.day:
        found.append("learning")
    if standing.why:
        found.append("unable")
    return tuple(found)


def is_soon(standing: Standing, now: int) -> bool:
    """Whether a limit has passed, or comes within two hours."""
    return bool(standing.marks) and standing.marks[0].at <= now + SOON_S


def rule_of(device: DeviceView) -> str:
    """The preset of `no_water_use` in force; the default for one that nobody knows."""
    preset = parameter(device, "no_water_use", "preset")
    known = isinstance(preset, str) and (preset in adaptive.PRESETS or preset in fixed.PRESETS)
    return str(preset) if known else fixed.DEFAULT_PRESET


def share(standing: Standing, now: int) -> float:
    """How much of the time to the next limit has passed: 0.0 at the last use, 1.0 at the limit.

    1.0 when every level was found, 0.0 when none runs.
    """
    mark = standing.next
    if mark is None:
        return 1.0 if standing.marks else 0.0
    begun = standing.begun
    return min(max((now - begun) / max(mark.at - begun, 1), 0.0), 1.0)


def passes_at(habit: Habit, steps: tuple[Step, ...], level: int, since: int, zone: str) -> int:
    """The first moment from `since` on at which the limit of `level` has passed.

    If nothing is used until then. The limit changes with the hour of the home's day; within one
    hour it is the same.
    """
    at = max(since, habit.used_at + FLOOR_S)
    while True:
        due = habit.used_at + adaptive.limit_of(habit, steps, level, at, zone).limit_s
        hour_ends = at + HOUR_S - local_s(zone, at) % HOUR_S
        if due < hour_ends:
            return max(due, at)
        at = hour_ends


def runs_short_at(level: Level, stairs: Stairs) -> int:
    """When a fixed rule's window holds less than its threshold, if nothing is used until then."""
    rise, moved = stairs.rose_at, 0
    for span, movement in reversed(stairs_.pairs(stairs)):
        moved += movement
        if moved >= level.threshold_dl:
            return rise + level.window_s
        rise -= span
    return rise + level.window_s


def _marks(
    water: Water, steps: tuple[Step, ...] | None, levels: tuple[Level, ...], now: int, zone: str
) -> tuple[Mark, ...]:
    """Every level; none while the state is not yet one of the rule in force."""
    level, habit = water.level, water.habit
    if steps is None:
        if habit is not None or not water.stairs.rose_at:
            return ()
        return tuple(
            Mark("incident", one.window_s, runs_short_at(one, water.stairs), number <= level)
            for number, one in enumerate(levels, 1)
        )
    if habit is None or not habit.used_at:
        return ()
    marks = []
    passed = 0  # by the level before: none comes before an earlier one
    for number, step in enumerate(steps, 1):
        found = number <= level
        limit = adaptive.limit_of(habit, steps, number, now, zone)
        since = habit.used_at if found else water.line.at
        passed = passes_at(habit, steps, number, max(since, passed), zone)
        at = passed if found else max(passed, water.rearm_at)
        marks.append(Mark(step.opens, limit.limit_s, at, found))
    return tuple(marks)


def _facts(
    water: Water | None, steps: tuple[Step, ...] | None, device: DeviceView, upload_s: int | None
) -> Standing:
    """What is known of the home and its meter whatever the verdict."""
    if water is None:
        return Standing(verdict="")
    habit = water.habit
    if steps is None or habit is None:
        window_s = next((level.window_s for level in levels_of(device)), 0)
        every_s = upload_s or 0
        return Standing(
            verdict="",
            used_at=water.stairs.rose_at,
            use_seen=bool(water.stairs.moved),
            said=bool(water.seen_at),
            read_at=water.line.at,
            delay_s=window_s + every_s if steps is None and window_s else 0,
        )
    late_s = upload_wait_s(habit, device, upload_s)
    return Standing(
        verdict="",
        used_at=habit.used_at,
        use_seen=bool(habit.flags & USE_SEEN),
        said=bool(habit.flags & SAID),
        read_at=water.line.at,
        grade=grade(habit.meter),
        every_s=habit.meter.every_s,
        pulse_l=(habit.meter.pulse_dl or habit.meter.fresh_dl) / 10,
        day=habit.days + 1 if habit.days < YOUNG_DAYS else 0,
        delay_s=adaptive.delay_s(habit, steps) + late_s,
    )


def upload_wait_s(habit: Habit, device: DeviceView, upload_s: int | None) -> int:
    """How much later than taken a reading arrives at most: a meter may send a day's in one go.

    What was learnt of a device begins at what is expected of it and sinks within days. While it
    stays there the meter may be one of a message a day.
    """
    if upload_s is None or upload_s < max(3 * habit.meter.every_s, RARE_UPLOAD_S):
        return 0
    expected_s = expected_every_s(device)
    return max(upload_s, DAY_S) if expected_s is not None and upload_s >= expected_s else upload_s


def _is_settled(device: DeviceView, now: int) -> bool:
    """Whether the device is known for long enough to tell how often it speaks."""
    return device.enrolled_at is None or now - seconds(device.enrolled_at) >= 7 * DAY_S


def _fresh_s(device: DeviceView, every_s: int) -> int:
    """How old the last reading may be before nothing can be said of the present."""
    return silence_limit_s(device) or max(3 * every_s, DAY_S + SHORTEST_LIMIT_S)


def _doubt(state: DeviceState) -> str:
    register = state.register
    return "register_silent" if register is not None and register.silent else "doubted"


def _grade_why(found: Grade | None) -> str:
    return found.value if found in UNABLE_GRADES else ""
