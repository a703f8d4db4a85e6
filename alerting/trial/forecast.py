"""What a watch rule would have found in the last 30 days, before anybody is told to trust it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerting.detectors.assessable import REGISTERS
from alerting.detectors.meter import Grade
from alerting.detectors.view import moment, seconds
from alerting.fleet.meanwhile import rests
from alerting.trial.backtest import Readings, backtest, load_readings
from alerting.trial.course import course_of
from alerting.trial.pieces import Breathe, OutOfTime, no_breath, pause
from alerting.trial.plan import Meter, Plan, plan_of
from alerting.trial.reach import Reach, reach_of
from alerting.trial.replay import Act, Happened
from alerting.trial.workload import (
    Alarm,
    Answers,
    Load,
    Side,
    Staff,
    alarms_of,
    load_of,
    quieter_than,
)
from care.handing_down import rule_of
from care.rule_effect import effect_of
from care.tables import WatchRule
from core.clock import Clock
from core.errors import Busy
from core.services import Services

COUNTED = timedelta(days=30)
WARM_UP = timedelta(days=60)

BUDGET_S = 10.0
WATER = "water_meter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """The present rules and the proposed one, side by side, over the last 30 days."""

    homes: int  # in the scope
    sampled: int  # of them looked at: all, or the sample
    covered: int  # replayed before time was up, or known to have nothing to replay
    changed: int  # of those covered: homes for which the rule changes anything
    no_meter: int
    silent: int  # a meter, and no reading in the 30 days
    unnoticed: int  # of all homes: those that lose the last device that notices a quiet home
    unfit: int  # homes whose meter is too coarse or too rare for a rule of its own
    grades: Mapping[str, int]  # of meters: fine sparse coarse blind dark
    delays_s: tuple[int, ...]  # longest delay of every home under the proposed rule, rising
    present: Side
    proposed: Side
    staff: Staff
    answers: Answers
    load_present: Load
    load_proposed: Load
    advice: str | None  # the quieter preset, where this one asks too much of the staff

    @property
    def delay_s(self) -> int | None:
        """The longest delay of the middle home; None where no home is watched."""
        return self.delays_s[len(self.delays_s) // 2] if self.delays_s else None

    def summary(self) -> dict[str, Any]:
        """Figures without the single alarms: what is kept with a saved rule."""
        return {
            "days": COUNTED.days,
            "homes": self.homes,
            "sampled": self.sampled,
            "covered": self.covered,
            "changed": self.changed,
            "no_meter": self.no_meter,
            "silent": self.silent,
            "unnoticed": self.unnoticed,
            "unfit": self.unfit,
            "grades": dict(self.grades),
            "delay_s": self.delay_s,
            "present": self.present.summary() | self.load_present.summary(),
            "proposed": self.proposed.summary() | self.load_proposed.summary(),
            "shifts_a_day": round(self.staff.shifts_a_day, 3),
            "staff_from": self.staff.source,
            "unanswered_share": round(self.answers.share, 3),
            "real_checks": self.answers.of,
            "too_much": self.load_proposed.is_too_much,
            "advice": self.advice,
        }


class Replayed(NamedTuple):
    """One meter's 30 days."""

    present: list[Alarm]
    proposed: list[Alarm]
    days: float
    reach: Reach | None  # of a water meter


async def forecast(
    services: Services,
    rule: WatchRule,
    now: datetime,
    *,
    staff: Staff | None = None,
    budget_s: float = BUDGET_S,
) -> Forecast:
    """Replay the homes that `rule` (not saved) concerns. `staff` stands before the shifts' own.

    Replays run in a thread, in small pieces, so that nothing urgent waits for them; and one
    forecast at a time in a process: raises `Busy` while another runs. After `budget_s` seconds,
    within a home if need be, it ends and says how many homes were covered.
    """
    if services.back_testing.locked():
        raise Busy("another back-test is running; try again in a moment", round(budget_s))
    async with services.back_testing:
        time = _Time(services.clock, budget_s)
        async with services.db.reading() as session:
            plan = await plan_of(session, rule, now, services.settings.timezone)
            effect = await effect_of(session, rule_of(rule), now)
        covered, silent = 0, 0
        replayed: list[Replayed] = []
        for home_id in plan.sampled:
            meters = plan.meters.get(home_id, ())
            try:
                time.check()
                done = [await _replayed(services, meter, now, time) for meter in meters]
            except OutOfTime:
                break
            heard = [one for one in done if one is not None]
            replayed += heard
            silent += bool(meters) and not heard
            covered += 1
    said = _forecast(plan, rule, replayed, covered, silent, staff)
    return replace(said, unnoticed=effect.unnoticed)


class _Time:
    """What is left of the budget."""

    def __init__(self, clock: Clock, budget_s: float) -> None:
        self._clock, self._ends = clock, clock.monotonic() + budget_s

    def check(self) -> None:
        if self._clock.monotonic() >= self._ends:
            raise OutOfTime

    def breathe(self) -> None:
        """Between two pieces, in a replay's own thread."""
        self.check()
        pause()


def _forecast(
    plan: Plan,
    rule: WatchRule,
    replayed: Sequence[Replayed],
    covered: int,
    silent: int,
    staff: Staff | None,
) -> Forecast:
    seen = plan.sampled[:covered]
    no_meter = sum(1 for one in seen if not plan.meters.get(one))
    days = sum(one.days for one in replayed)
    present = Side(alarms=_by_time([one.present for one in replayed]), home_days=days)
    proposed = Side(alarms=_by_time([one.proposed for one in replayed]), home_days=days)
    metered = covered - no_meter - silent
    expected = plan.homes * metered / covered if covered else 0
    reaches = [one.reach for one in replayed if one.reach is not None]
    on_duty = staff or plan.staff or Staff()
    loads = [load_of(side, expected, on_duty, plan.answers) for side in (present, proposed)]
    return Forecast(
        homes=plan.homes,
        sampled=len(plan.sampled),
        covered=covered,
        changed=sum(1 for one in seen if one in plan.changed),
        no_meter=no_meter,
        silent=silent,
        unnoticed=0,
        unfit=sum(1 for one in reaches if one.is_unfit),
        grades=_counted([one.grade for one in reaches]),
        delays_s=tuple(sorted(one.delay_s for one in reaches if one.delay_s)),
        present=present,
        proposed=proposed,
        staff=on_duty,
        answers=plan.answers,
        load_present=loads[0],
        load_proposed=loads[1],
        advice=quieter_than(rule.rules) if loads[1].is_too_much else None,
    )


async def _replayed(
    services: Services, meter: Meter, now: datetime, time: _Time
) -> Replayed | None:
    """None: no reading in the 30 days."""
    register = REGISTERS[meter.present.role or ""]
    began = now - COUNTED - WARM_UP
    began = max(began, meter.since) if meter.since is not None else began
    async with services.db.reading() as session:
        readings = await load_readings(session, meter.device_id, register, began, now, time.check)
        away = _spans(await rests(session, meter.device_id, began, now))
    if not readings or readings[-1][0] < now - COUNTED:
        return None
    return await asyncio.to_thread(replay, meter, readings, away, now, time.breathe)


Away = Sequence[tuple[datetime, datetime | None]]
"""From when until when nobody was at home, as people told us."""


def replay(
    meter: Meter,
    readings: Readings,
    away: Away,
    now: datetime,
    breathe: Breathe = no_breath,
) -> Replayed:
    """Both sets of rules on one meter's readings; once where they are the same. Pure."""
    since = now - COUNTED
    course = course_of((seconds(at), round(value * 10_000)) for at, value in readings)

    def gap(at: datetime) -> tuple[datetime, datetime | None]:
        began, ended = course.gap(seconds(at))
        return moment(began), None if ended is None else moment(ended)

    before = backtest(readings, meter.present, since, now, absences=away, breathe=breathe)
    after = before
    if meter.present.rules != meter.proposed.rules:
        after = backtest(readings, meter.proposed, since, now, absences=away, breathe=breathe)
    return Replayed(
        present=alarms_of(before.found, meter.home_id, meter.device_id, gap),
        proposed=alarms_of(after.found, meter.home_id, meter.device_id, gap),
        days=before.days,
        reach=reach_of(readings, meter.proposed) if meter.present.role == WATER else None,
    )


def _spans(happened: Sequence[Happened]) -> Away:
    """Going away and coming home, in turns, as spans; the last may still last."""
    spans: list[tuple[datetime, datetime | None]] = []
    for one in happened:
        if one.act is Act.AWAY:
            spans.append((moment(one.at), None))
        elif spans:
            spans[-1] = (spans[-1][0], moment(one.at))
    return spans


def _by_time(parts: Sequence[Sequence[Alarm]]) -> tuple[Alarm, ...]:
    alarms = [alarm for part in parts for alarm in part]
    return tuple(sorted(alarms, key=lambda one: (one.at, one.device_id, one.kind)))


def _counted(grades: Sequence[Grade]) -> dict[str, int]:
    counts = {grade.value: 0 for grade in Grade}
    for grade in grades:
        counts[grade.value] += 1
    return counts
