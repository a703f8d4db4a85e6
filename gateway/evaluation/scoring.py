"""How good a rule is on real homes: false alarms, and how long an emergency would have lain."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from alerting.detect import DeviceState, DeviceView, forget, judge_reading
from alerting.finding import Sign
from alerting.trial.course import Course, course_of
from alerting.trial.replay import TOLD
from devices.event import Reading
from gateway.evaluation.home import Alarm, Home, replay

WARM_UP_S = 60 * 86_400
DAY_S = 86_400
NEVER_S = 96 * 3600
"""No alarm for so long counts as this long."""

COVERED_S = 3 * 3600
"""Readings further apart than this leave the time between them uncovered, unless the meter never
reports more often."""

TAP_L_PER_HOUR = 240
_TAP_NEVER_S = 24 * 3600
YEAR_S = 365 * DAY_S
BIN_S = 180


@dataclass(kw_only=True, slots=True)
class Score:
    """What one home, or several together, showed; delays in seconds."""

    exposure_s: float = 0
    routine: int = 0
    absence: int = 0
    tap: int = 0
    delays_s: list[float] = field(default_factory=list)
    tap_delays_s: list[float] = field(default_factory=list)

    @property
    def years(self) -> float:
        return self.exposure_s / YEAR_S


def truth_of(home: Home) -> Course:
    """What is known of a home once everything is: readings that went back are left out."""
    return course_of(zip(home.times, (round(one * 10) for one in home.litres), strict=True))


def score_home(
    home: Home,
    device: DeviceView,
    *,
    samples: int,
    seed: int,
    truth: Course | None = None,
) -> tuple[list[Alarm], Score]:
    """Alarms and figures of one home.

    `truth` is the home's real course where `home` itself has been altered (outages).
    """
    true = truth or truth_of(home)
    heard = home.arrivals()
    warm = true.times[0] + WARM_UP_S
    covered_s = _covered_s(heard)
    moments = _moments(heard, true, samples, covered_s, random.Random(f"{seed}/{home.name}"))
    states: dict[int, DeviceState] = {row: DeviceState() for row, _ in moments}

    def keep(row: int, state: DeviceState) -> None:
        if row in states:
            states[row] = state

    alarms, _ = replay(home, device, watch=keep)
    spans = ((at, at - before) for before, at in pairwise(heard))
    score = Score(exposure_s=sum(span for at, span in spans if at > warm and span <= covered_s))
    _count(alarms, true, warm, score)
    for row, at in moments:
        score.delays_s.append(_still_s(home, heard, device, states[row], row, at))
        score.tap_delays_s.append(_pouring_s(home, heard, device, states[row], row, at))
    return alarms, score


def _count(
    alarms: Sequence[Alarm],
    true: Course,
    warm: int,
    score: Score,
) -> None:
    """False alarms after the warm-up; of no use one a gap, routine or absence by the real gap."""
    gaps: set[int] = set()
    for alarm in alarms:
        if alarm.at <= warm:
            continue
        if alarm.finding.kind == "tap_left_on":
            score.tap += 1
        elif alarm.finding.kind == "no_water_use":
            since, until = true.gap(alarm.at)
            if since in gaps:
                continue
            gaps.add(since)
            if (true.times[-1] if until is None else until) - since < DAY_S:
                score.routine += 1
            else:
                score.absence += 1


def _covered_s(times: Sequence[int]) -> float:
    """How far apart two readings may be so that the time between them counts as observed."""
    spans = sorted(after - before for before, after in pairwise(times))
    return max(COVERED_S, 1.5 * spans[len(spans) // 2]) if spans else COVERED_S


def _moments(
    heard: Sequence[int], true: Course, samples: int, covered_s: float, rng: random.Random
) -> list[tuple[int, int]]:
    """(row before it, time) of random minutes at which somebody was home and the meter heard."""
    warm, last = true.times[0] + WARM_UP_S, heard[-1] - NEVER_S
    if last <= warm:
        return []
    moments: list[tuple[int, int]] = []
    for _ in range(50 * samples):
        if len(moments) == samples:
            break
        at = rng.randrange(warm // 60, last // 60) * 60
        since, until = true.gap(at)
        row = bisect_right(heard, at) - 1
        gap_s = (true.times[-1] if until is None else until) - since
        if gap_s < DAY_S and heard[row + 1] - heard[row] <= covered_s:
            moments.append((row, at))
    return moments


def _still_s(
    home: Home,
    heard: Sequence[int],
    device: DeviceView,
    state: DeviceState,
    row: int,
    at: int,
) -> float:
    """Seconds until the rule notices that from `at` on the register stands still."""
    said = _water(home.name, home.litres[row])
    if state.water is not None and state.water.level:
        state = forget(state, "no_water_use")  # one that stands would hide when the next comes
    for later in _after(heard, row, at, NEVER_S):
        state, findings, _ = judge_reading(state, said, later, device, later)
        if any(f.kind == "no_water_use" and f.sign in TOLD for f in findings):
            return later - at
    return NEVER_S


def _pouring_s(
    home: Home, heard: Sequence[int], device: DeviceView, state: DeviceState, row: int, at: int
) -> float:
    """Seconds until an open tap is noticed that runs from `at` on, at TAP_L_PER_HOUR."""
    stood = home.litres[row]
    for later in _after(heard, row, at, _TAP_NEVER_S):
        said = _water(home.name, stood + TAP_L_PER_HOUR * (later - at) / 3600)
        state, findings, _ = judge_reading(state, said, later, device, later)
        if any(f.kind == "tap_left_on" and f.sign is Sign.ROSE for f in findings):
            return later - at
    return _TAP_NEVER_S


def _after(heard: Sequence[int], row: int, at: int, for_s: int) -> Sequence[int]:
    """When the readings after `row` were heard, up to so many seconds after `at`."""
    return heard[row + 1 : bisect_left(heard, at + for_s, row + 1)]


def _water(name: str, litres: float) -> Reading:
    return Reading(child_id=name, register="water_total", value=litres / 1000, unit="m3")


# --- many homes together


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A value and its 95 % interval, by drawing homes again and again; None of a single home."""

    value: float
    low: float | None
    high: float | None


def total(scores: Sequence[Score]) -> Score:
    """All homes together."""
    return Score(
        exposure_s=sum(one.exposure_s for one in scores),
        routine=sum(one.routine for one in scores),
        absence=sum(one.absence for one in scores),
        tap=sum(one.tap for one in scores),
        delays_s=[delay for one in scores for delay in one.delays_s],
        tap_delays_s=[delay for one in scores for delay in one.tap_delays_s],
    )


FIGURES: dict[str, Callable[[Score], float]] = {
    "routine_false_alarms_per_year": lambda s: s.routine / s.years if s.years else 0.0,
    "absences_per_year": lambda s: s.absence / s.years if s.years else 0.0,
    "median_delay_h": lambda s: percentile(s.delays_s, 0.5) / 3600,
    "p90_delay_h": lambda s: percentile(s.delays_s, 0.9) / 3600,
    "tap_false_alarms_per_year": lambda s: s.tap / s.years if s.years else 0.0,
    "tap_median_delay_h": lambda s: percentile(s.tap_delays_s, 0.5) / 3600,
    "tap_p90_delay_h": lambda s: percentile(s.tap_delays_s, 0.9) / 3600,
}


def figures(scores: Sequence[Score], *, draws: int, seed: int) -> dict[str, Figure]:
    """Every figure of FIGURES with its bootstrap interval over homes.

    One home drawn again and again is always itself: it has no interval. Nor does a home count
    that showed nothing, being too short.
    """
    rng = random.Random(seed)
    whole = total(scores)
    if sum(1 for one in scores if one.exposure_s) < 2:
        return {name: Figure(value=of(whole), low=None, high=None) for name, of in FIGURES.items()}
    drawn = [total(rng.choices(scores, k=len(scores))) for _ in range(draws)]
    found: dict[str, Figure] = {}
    for name, of in FIGURES.items():
        values = sorted(of(one) for one in drawn) or [of(whole)]
        found[name] = Figure(
            value=of(whole), low=percentile(values, 0.025), high=percentile(values, 0.975)
        )
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


# --- outages


def with_outages(home: Home, *, a_year: float, lost: float, seed: int) -> Home:
    """The home with so many random outages a year in which this share of readings is lost."""
    rng = random.Random(f"outages/{seed}/{home.name}")
    if not home.times:
        return home
    mean_s = lost * YEAR_S / a_year
    at, end = float(home.times[0]), home.times[-1]
    outages: list[tuple[float, float]] = []
    while at < end:
        at += rng.expovariate(1 / (YEAR_S / a_year - mean_s))
        until = at + rng.expovariate(1 / mean_s)
        outages.append((at, until))
        at = until
    starts = [start for start, _ in outages]

    def is_heard(moment: int) -> bool:
        number = bisect_right(starts, moment) - 1
        return number < 0 or moment > outages[number][1]

    kept = [row for row, at in enumerate(home.times) if is_heard(at)]
    return replace(
        home,
        times=[home.times[row] for row in kept],
        litres=[home.litres[row] for row in kept],
        texts=[home.texts[row] for row in kept] if home.texts else [],
    )
