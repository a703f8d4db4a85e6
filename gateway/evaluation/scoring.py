"""How good a rule is on real homes: false alarms, and how long an emergency would have lain."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from alerting.detect import DeviceState, DeviceView, forget, judge
from alerting.detectors import drip as drip_
from alerting.detectors.drip import Drip
from alerting.finding import Sign
from devices.event import Reading
from gateway.evaluation.replay import Alarm, Home, replay

WARM_UP_S = 60 * 86_400
DAY_S = 86_400
NEVER_S = 96 * 3600
"""No alarm for so long counts as this long."""

COVERED_S = 3 * 3600
"""Readings further apart than this leave the time between them uncovered."""

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


@dataclass(frozen=True, slots=True)
class Truth:
    """A home's own course, whatever a rule makes of it; times in seconds, of every row."""

    times: list[int]
    litres: list[float]
    uses: list[int]  # times of use, the first reading among them
    warm: int

    def gap(self, at: int) -> tuple[int, int]:
        """The no-use gap around `at`: last use at or before it, and the next."""
        number = bisect_right(self.uses, at) - 1
        after = self.uses[number + 1] if number + 1 < len(self.uses) else self.times[-1]
        return self.uses[max(number, 0)], after


def truth_of(home: Home) -> Truth:
    """What is known of a home once everything is: readings that went back are left out."""
    times: list[int] = []
    litres: list[float] = []
    uses: list[int] = []
    drip = Drip()
    for row in home.rows:
        at = int(row.at.timestamp())
        if times and (at <= times[-1] or row.litres < litres[-1]):
            continue
        moved = round((row.litres - litres[-1]) * 10) if times else 0
        if not times or (moved and drip_.is_use(drip, moved, at - times[-1])):
            uses.append(at)
        drip = drip_.pour(drip, at, round(row.litres * 10))
        times.append(at)
        litres.append(row.litres)
    return Truth(times, litres, uses, times[0] + WARM_UP_S)


def score_home(
    home: Home,
    device: DeviceView,
    *,
    samples: int,
    seed: int,
    truth: Truth | None = None,
    wanted: Callable[[Alarm], bool] = lambda _: True,
) -> tuple[list[Alarm], Score]:
    """Alarms and figures of one home. `wanted` says which alarms of no use are the rule's.

    `truth` is the home's real course where `home` itself has been altered (outages).
    """
    true = truth or truth_of(home)
    moments = _moments(home, true, samples, random.Random(f"{seed}/{home.name}"))
    states: dict[int, DeviceState] = {index: DeviceState() for index, _ in moments}

    def keep(index: int, state: DeviceState) -> None:
        if index in states:
            states[index] = state

    alarms, _ = replay(home, device, watch=keep)
    score = Score(exposure_s=_exposure_s(home, true))
    _count(alarms, true, score, wanted)
    for index, at in moments:
        forked = states[index]
        score.delays_s.append(_still_s(home, device, forked, index, at, wanted))
        score.tap_delays_s.append(_pouring_s(home, device, forked, index, at))
    return alarms, score


def _count(
    alarms: Sequence[Alarm], true: Truth, score: Score, wanted: Callable[[Alarm], bool]
) -> None:
    """False alarms after the warm-up; of no use one a gap, routine or absence by the real gap."""
    gaps: set[int] = set()
    for alarm in alarms:
        at = int(alarm.at.timestamp())
        if at <= true.warm:
            continue
        if alarm.finding.kind == "tap_left_on":
            score.tap += 1
        elif alarm.finding.kind == "no_water_use" and wanted(alarm):
            since, until = true.gap(at)
            if since in gaps:
                continue
            gaps.add(since)
            if until - since < DAY_S:
                score.routine += 1
            else:
                score.absence += 1


def _exposure_s(home: Home, true: Truth) -> float:
    times = sorted(int(row.at.timestamp()) for row in home.rows)
    spans = ((at, at - before) for before, at in pairwise(times))
    return sum(span for at, span in spans if at > true.warm and span <= COVERED_S)


def _moments(home: Home, true: Truth, samples: int, rng: random.Random) -> list[tuple[int, int]]:
    """(row before it, time) of random minutes at which somebody was home and the meter heard."""
    times = [int(row.at.timestamp()) for row in home.rows]
    last = times[-1] - NEVER_S
    if last <= true.warm or any(b < a for a, b in pairwise(times)):
        return []
    moments: list[tuple[int, int]] = []
    for _ in range(50 * samples):
        if len(moments) == samples:
            break
        at = rng.randrange(true.warm // 60, last // 60) * 60
        since, until = true.gap(at)
        index = bisect_right(times, at) - 1
        if until - since < DAY_S and times[index + 1] - times[index] <= COVERED_S:
            moments.append((index, at))
    return moments


def _still_s(
    home: Home,
    device: DeviceView,
    state: DeviceState,
    index: int,
    at: int,
    wanted: Callable[[Alarm], bool],
) -> float:
    """Seconds until the rule notices that from `at` on the register stands still."""
    stood = home.rows[index].litres
    if state.water is not None and state.water.level:
        state = _unalarmed(state)
    for later, seconds in _after(home, index, at, NEVER_S):
        said = _water(home.name, stood)
        judged = judge(state, ((later, said),), device, later)
        state = judged.state
        for found in judged.findings:
            if found.kind == "no_water_use" and found.sign in (Sign.ROSE, Sign.WORSE):
                alarm = Alarm(index, later, "", found)
                if wanted(alarm):
                    return seconds
    return NEVER_S


def _pouring_s(home: Home, device: DeviceView, state: DeviceState, index: int, at: int) -> float:
    """Seconds until an open tap is noticed that runs from `at` on, at TAP_L_PER_HOUR."""
    stood = home.rows[index].litres
    for later, seconds in _after(home, index, at, _TAP_NEVER_S):
        said = _water(home.name, stood + TAP_L_PER_HOUR * seconds / 3600)
        judged = judge(state, ((later, said),), device, later)
        state = judged.state
        if any(f.kind == "tap_left_on" and f.sign is Sign.ROSE for f in judged.findings):
            return seconds
    return _TAP_NEVER_S


def _unalarmed(state: DeviceState) -> DeviceState:
    """An alarm that stands already would hide when the next one comes."""
    return forget(state, "no_water_use")


def _after(home: Home, index: int, at: int, for_s: int) -> Iterator[tuple[datetime, float]]:
    for row in home.rows[index + 1 :]:
        seconds = row.at.timestamp() - at
        if seconds >= for_s:
            return
        yield row.at, seconds


def _water(name: str, litres: float) -> Reading:
    return Reading(child_id=name, register="water_total", value=litres / 1000, unit="m3")


# --- many homes together


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A value and its 95 % interval, by drawing homes again and again."""

    value: float
    low: float
    high: float


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
    """Every figure of FIGURES with its bootstrap interval over homes."""
    rng = random.Random(seed)
    whole = total(scores)
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
    if not home.rows:
        return home
    mean_s = lost * YEAR_S / a_year
    at, end = home.rows[0].at, home.rows[-1].at
    outages: list[tuple[datetime, datetime]] = []
    while at < end:
        at += timedelta(seconds=rng.expovariate(1 / (YEAR_S / a_year - mean_s)))
        until = at + timedelta(seconds=rng.expovariate(1 / mean_s))
        outages.append((at, until))
        at = until
    starts = [start for start, _ in outages]

    def heard(moment: datetime) -> bool:
        number = bisect_right(starts, moment) - 1
        return number < 0 or moment > outages[number][1]

    rows = [row for row in home.rows if heard(row.at)]
    return Home(name=home.name, zone=home.zone, rows=rows)
