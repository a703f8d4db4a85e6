"""What a home's day looks like: how long its water stands still, hour by hour, learnt from gaps."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from alerting.detectors import drip as drip_
from alerting.detectors import meter as meter_
from alerting.detectors.drip import LITRE_DL, Drip, is_use
from alerting.detectors.meter import COARSE, Meter
from alerting.detectors.view import MAX_SECONDS, Seconds
from alerting.detectors.zone import local_s

HOUR_S = 3600
DAY_S = 86_400

UNIT_S = 360
"""The table counts in tenths of an hour, one byte a cell."""

HOURS = 24
CELLS = 2 * HOURS
"""The longest stillness seen, first by the hour it was seen at, then by the hour of the last use.

Either alone is too generous: the first lets an evening pass for a working day that ended late,
the second a morning for a night. The limit follows the shorter of the two.
"""

FADE_PER_MILLE = (78, 47)
"""Lost every week by the two halves: half of a record is forgotten after 60 and 100 days."""

FLOOR_S = 6 * HOUR_S + 900  # no limit of any profile is shorter
WIDER_PER_CENT = 110
"""Of what was seen: a long habit also varies by more."""

BUMP_S = 2700
"""A false alarm widens the margin by so much; every day takes a little of it back."""
CAP_BUMP_S = 3600
"""The same for the cap, when it was the cap that raised the alarm."""
MARGIN_MOST_S = 4 * HOUR_S
CAP_MOST_S = 20 * HOUR_S

COLD_DAYS = 14
YOUNG_DAYS = 28
DAYS_MOST = 9_996
STILL_MOST = 65_535


class Profile(NamedTuple):
    """How soon. Rates are seconds a day; a home with no false alarm drifts to the least of both."""

    name: str
    floor_s: int  # no limit is shorter
    margin_least_s: int
    margin_drift_s: int
    cap_least_s: int
    cap_drift_s: int


TIGHT, QUIET = 0, 1
PROFILES = (
    Profile("tight", FLOOR_S, HOUR_S, 80, 10 * HOUR_S + 1800, 20),
    Profile("quiet", 7 * HOUR_S + 900, 2 * HOUR_S, 36, 12 * HOUR_S, 10),
)
"""A question waits for six hours at least, an incident for seven: measured, earlier ones find no
more homes within eight hours and only cost false alarms. The quarter of an hour keeps the jitter of
hourly reports from deciding."""

_OWED = (1, 2)  # an alarm of the profile was found and nobody said yet whether it was false
_CAPPED = (4, 8)  # and it was the cap that raised it
USE_SEEN = 16
SAID = 32
"""The gap began with a person's word and not with a use: it teaches nothing."""

Cells = Annotated[bytes, msgspec.Meta(max_length=CELLS)]


class Habit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything the adaptive rule remembers of one meter; margins and caps in seconds."""

    used_at: Seconds = 0  # last use, or the first reading; 0: no reading yet
    flags: int = 0
    day_ends: Seconds = 0  # next midnight of the home's zone; 0: no reading yet
    days: int = 0  # lived with this meter, without absences and outages
    margins: tuple[int, int] = (3 * HOUR_S, 3 * HOUR_S)
    caps: tuple[int, int] = (13 * HOUR_S, 14 * HOUR_S)
    cells: Cells = bytes(CELLS)
    meter: Meter = Meter()
    drip: Drip = Drip()
    still_s: int = 0  # before the last use the register had stood still up to then; 0: learnt


def begin(habit: Habit | None, at: int, dl: int, zone: str) -> Habit:
    """A line of readings begins at `at`: the gap and the meter anew, what was learnt stays."""
    learnt = kept(habit or Habit())
    day_ends = _midnight_after(at, zone)
    return msgspec.structs.replace(learnt, used_at=at, day_ends=day_ends, drip=Drip(at, dl))


def kept(habit: Habit) -> Habit:
    """What was learnt of the home, without the register that showed it."""
    return Habit(
        flags=habit.flags & ~(USE_SEEN | SAID),
        days=habit.days,
        margins=habit.margins,
        caps=habit.caps,
        cells=habit.cells,
    )


def follow(
    habit: Habit,
    from_at: int,
    from_dl: int,
    at: int,
    dl: int,
    zone: str,
    was_at: int = 0,
    learns: bool = True,
    by_machine: bool = False,
) -> Habit:
    """Take in a trusted reading and the one before it.

    Only a gap that has ended is learnt, only as far as the register was seen to stand still, and
    only when it was shorter than a day (two days for a coarse meter): a longer one is an absence.
    It began at `was_at`, and is learnt with the reading after its end: that one might be bad.
    Use that arrives across a hole counts as used on arrival, and the gap before it has no end.
    `learns` False: nobody is at home, and neither gaps nor days say how this home lives.
    `by_machine`: what moved is no use.
    """
    span, moved = at - from_at, dl - from_dl
    meter, drip = habit.meter, habit.drip
    if not meter_.is_as_ever(meter, span, moved):
        meter = meter_.note(meter, span, moved)
    if at - drip.mark_at >= drip_.BLOCK_S:
        drip = drip_.pour(drip, at, dl)
    used_at, cells, flags, still_s = habit.used_at, habit.cells, habit.flags, habit.still_s
    if still_s:
        cells, still_s = learn(cells, was_at, used_at - still_s, zone), 0
    if moved >= LITRE_DL and not by_machine and at >= used_at and is_use(habit.drip, moved, span):
        if from_at - used_at >= HOUR_S and learns and not flags & SAID:
            ordinary_s = 2 * DAY_S if meter_.grade(meter) is COARSE else DAY_S
            if at - used_at < ordinary_s and span <= min(meter_.hole_s(meter), STILL_MOST):
                still_s = span
        used_at, flags = at, (flags | USE_SEEN) & ~SAID
    if at < habit.day_ends:
        if (
            used_at == habit.used_at
            and flags == habit.flags
            and meter is habit.meter
            and drip is habit.drip
            and still_s == habit.still_s
        ):
            return habit
        return Habit(
            used_at,
            flags,
            habit.day_ends,
            habit.days,
            habit.margins,
            habit.caps,
            cells,
            meter,
            drip,
            still_s,
        )
    return _next_day(habit, at, used_at, flags, cells, meter, drip, still_s, zone, learns)


def learn(cells: bytes, used_at: int, still_at: int, zone: str) -> bytes:
    """The table with a gap in it: the last use, and the last reading that still showed none."""
    since = local_s(zone, used_at)
    hour, first = since // HOUR_S, since // HOUR_S % HOURS
    longest = min((still_at - used_at) // UNIT_S, 255)
    last = local_s(zone, still_at) // HOUR_S % HOURS
    table = bytearray(cells)
    for passed in range(1, min((still_at - used_at) // HOUR_S, HOURS) + 1):
        cell = (hour + passed) % HOURS
        if table[cell] < 10 * passed:
            table[cell] = 10 * passed
    if table[last] < longest:
        table[last] = longest
    if table[HOURS + first] < longest:
        table[HOURS + first] = longest
    return bytes(table)


def found(habit: Habit, profile: int, capped: bool) -> Habit:
    """An alarm of the profile was found; `answered` will say what it was."""
    flags = habit.flags | _OWED[profile]
    flags = flags | _CAPPED[profile] if capped else flags & ~_CAPPED[profile]
    return msgspec.structs.replace(habit, flags=flags)


def taken_back(habit: Habit, used_at: int) -> Habit:
    """The last use was none; the one before it was at `used_at`."""
    return msgspec.structs.replace(habit, used_at=used_at, still_s=0)


def marked(habit: Habit, at: int, dl: int) -> Habit:
    """The register was not where it seemed: flows are measured from here."""
    return msgspec.structs.replace(habit, drip=Drip(at, dl, habit.drip.flows))


def said(habit: Habit, at: int) -> Habit:
    """Somebody saw or spoke with the elder at `at`: the gap counts anew from there."""
    if at <= habit.used_at:
        return habit
    return msgspec.structs.replace(habit, used_at=at, flags=habit.flags | SAID, still_s=0)


def answered(habit: Habit, *, was_false: bool) -> Habit:
    """What people found out about the alarms that were raised; each counts once.

    A false one widens what raised it. A true one, or a home where nobody was, teaches nothing.
    """
    owed = [profile for profile in (TIGHT, QUIET) if habit.flags & _OWED[profile]]
    if not owed:
        return habit
    margins, caps = list(habit.margins), list(habit.caps)
    flags = habit.flags
    for profile in owed:
        capped = flags & _CAPPED[profile]
        flags &= ~(_OWED[profile] | _CAPPED[profile])
        if not was_false or habit.days < COLD_DAYS:
            continue
        if capped:
            caps[profile] = min(caps[profile] + CAP_BUMP_S, CAP_MOST_S)
        else:
            margins[profile] = min(margins[profile] + BUMP_S, MARGIN_MOST_S)
    return msgspec.structs.replace(
        habit, flags=flags, margins=(margins[0], margins[1]), caps=(caps[0], caps[1])
    )


def _next_day(
    habit: Habit,
    at: int,
    used_at: int,
    flags: int,
    cells: bytes,
    meter: Meter,
    drip: Drip,
    still_s: int,
    zone: str,
    learns: bool,
) -> Habit:
    """A midnight has passed. However many did: a day nobody saw is not a day that was lived."""
    day_ends = _midnight_after(at, zone)
    days, margins, caps = habit.days, habit.margins, habit.caps
    if learns and not flags & SAID and at - used_at < DAY_S:
        days = days + 1 if days < DAYS_MOST else DAYS_MOST - 6  # goes round by whole weeks
        if days > COLD_DAYS:
            margins = (
                _drift(margins, TIGHT, is_cap=False),
                _drift(margins, QUIET, is_cap=False),
            )
            caps = (_drift(caps, TIGHT, is_cap=True), _drift(caps, QUIET, is_cap=True))
        if days % 7 == 0:
            cells, meter = _faded(cells), meter_.next_week(meter)
    return Habit(used_at, flags, day_ends, days, margins, caps, cells, meter, drip, still_s)


def _drift(values: tuple[int, int], profile: int, *, is_cap: bool) -> int:
    goal = PROFILES[profile]
    if is_cap:
        return max(values[profile] - goal.cap_drift_s, goal.cap_least_s)
    return max(values[profile] - goal.margin_drift_s, goal.margin_least_s)


def _faded(cells: bytes) -> bytes:
    return bytes(
        value - (value * FADE_PER_MILLE[index // HOURS] + 500) // 1000
        for index, value in enumerate(cells)
    )


def _midnight_after(at: int, zone: str) -> int:
    return min(at + DAY_S - local_s(zone, at) % DAY_S, MAX_SECONDS)
