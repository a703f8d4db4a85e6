"""What a water meter can do for its home: recognised, in words, and as two pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check_queries import Asking, asking_about
from alerting.detect import load_state
from alerting.detectors import adaptive
from alerting.detectors.habit import MARGIN_MOST_S, YOUNG_DAYS, Habit
from alerting.detectors.meter import Grade, Meter, grade, next_week, note
from alerting.detectors.view import iso, seconds
from alerting.detectors.water import levels_of, steps_of
from alerting.intake.store import view_of
from alerting.queries import DeviceView
from alerting.watchlist.standing import Standing, stand, without_supply
from console.limit_chart import LimitChart, draw_fixed, draw_habit
from console.usage_chart import UsageChart, draw_stillness, load_readings

ROLE = "water_meter"
WEEK = timedelta(days=7)
_MOST_READINGS = 2_000  # from which interval and pulse are told


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterFile:
    """Everything the block of a water meter shows."""

    standing: Standing
    origin: str  # own, inherited or default: who set the rule
    grade: Grade | None
    every_s: int
    delay_s: int  # the longest that the home may lie unnoticed; 0: nobody can say
    pulse_l: float
    margins: tuple[tuple[str, int], ...]  # what a level opens, and its margin in seconds
    limits: LimitChart | None
    usage: UsageChart | None
    asking: Asking | None  # the check that runs
    learnt_on: date | None  # when it will have been learnt, if readings go on; None: it is
    young_days: int = YOUNG_DAYS
    margin_most_s: int = MARGIN_MOST_S

    @property
    def learning(self) -> str:
        """Which rule holds while the home is being learnt."""
        return "learning_cold" if self.standing.day <= 14 else "learning_young"


async def load_meter_file(
    session: AsyncSession, view: DeviceView, zone: ZoneInfo, now: datetime
) -> MeterFile | None:
    """The block of a water meter in service; None for any other device."""
    device, row = view.device, view.state
    if device.role != ROLE or not device.active:
        return None
    judged = view_of(device, zone.key)
    state = load_state(row.state if row is not None else None)
    standing = stand(
        state,
        judged,
        seconds(now),
        silent="" if row is not None and row.last_heard_at is not None else "never",
        upload_s=row.interval_s if row is not None else None,
    )
    if device.dry_since is not None and device.resting_since is None:
        standing = without_supply(standing)
    readings = await load_readings(session, device.id, now)
    habit = state.water.habit if state.water is not None else None
    steps, levels = steps_of(judged), levels_of(judged)
    limits = None
    if steps is not None and habit is not None and habit.used_at:
        limits = draw_habit(habit, steps, seconds(now), zone.key)
    elif steps is None and levels:
        limits = draw_fixed(levels, seconds(now), zone.key)
    meter = habit.meter if habit is not None else recognised(readings, now)
    delay_s = standing.delay_s
    if steps is None and delay_s:
        delay_s = max(delay_s, levels[0].window_s + meter.every_s)
    return MeterFile(
        standing=standing,
        origin=_origin(device.rules, device.inherited),
        grade=grade(meter) if meter.every_s else None,
        every_s=meter.every_s,
        delay_s=delay_s,
        pulse_l=(meter.pulse_dl or meter.fresh_dl) / 10,
        margins=_margins(habit, steps),
        limits=limits,
        usage=draw_stillness(readings, _since(standing), _limit_s(standing), now, zone),
        asking=(await asking_about(session, [device.id])).get(device.id),
        learnt_on=_learnt_on(standing, now, zone),
    )


def recognised(readings: Sequence[tuple[datetime, float]], now: datetime) -> Meter:
    """Interval and pulse of the last week's readings (m³), as the adaptive rule recognises them."""
    recent = sorted((at, value) for at, value in readings if at > now - WEEK)[-_MOST_READINGS:]
    meter = Meter()
    for (since, before), (at, value) in pairwise(recent):
        moved = round((value - before) * 10_000)
        if moved >= 0:
            meter = note(meter, int((at - since).total_seconds()), moved)
    return next_week(meter)


def _origin(own: dict[str, object] | None, inherited: dict[str, object] | None) -> str:
    for rules, name in ((own, "own"), (inherited, "inherited")):
        rule = (rules or {}).get("no_water_use")
        if isinstance(rule, dict) and rule.get("preset"):
            return name
    return "default"


def _margins(
    habit: Habit | None, steps: tuple[adaptive.Step, ...] | None
) -> tuple[tuple[str, int], ...]:
    if habit is None or steps is None or grade(habit.meter) in (Grade.BLIND, Grade.DARK):
        return ()  # the limit of such a meter has no margin
    return tuple((step.opens, habit.margins[step.profile]) for step in steps)


def _learnt_on(standing: Standing, now: datetime, zone: ZoneInfo) -> date | None:
    if not standing.day:
        return None
    left = timedelta(days=YOUNG_DAYS + 1 - standing.day)
    return (now + left).astimezone(zone).date()


def _since(standing: Standing) -> str | None:
    return iso(standing.used_at) if standing.use_seen and standing.marks else None


def _limit_s(standing: Standing) -> int:
    return standing.marks[-1].at - standing.used_at if standing.marks else 0
