"""How much electricity an invented household draws, minute by minute: pure, seeded, repeatable."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from simulators.water import DayKind, Household, day_kind

_DAY_MIN = 24 * 60
_ZONE = ZoneInfo("Asia/Shanghai")
_WAKES_MIN = {"early_riser": 5 * 60, "late_riser": 7 * 60}
_WAKES_ELSE_MIN = 6 * 60

Use = tuple[int, int, float]
"""(first minute of the day, minutes, watts)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerMeter:
    """A cumulative counter in watt-hours; the same arguments always show the same value."""

    home: Household
    installed: date  # local; the counter starts then, at `start_wh`
    start_wh: int = 0
    zone: ZoneInfo = _ZONE
    stopped_at: datetime | None = None  # from then on nobody switches anything

    def energy_wh(self, at: datetime) -> int:
        """The counter at `at` (zone-aware), in watt-hours; `start_wh` before it was installed."""
        local = at.astimezone(self.zone)
        total, day = 0.0, self.installed
        while day < local.date():
            total += self._running(day)[-1]
            day += timedelta(days=1)
        if day == local.date():
            total += self._running(day)[local.hour * 60 + local.minute]
        return self.start_wh + int(total)

    def power_w(self, at: datetime) -> float:
        """What is drawn in the minute of `at`, in watts."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        running = self._running(local.date())
        return round((running[minute + 1] - running[minute]) * 60, 1)

    def _running(self, day: date) -> tuple[float, ...]:
        stopped = self.stopped_at.astimezone(self.zone) if self.stopped_at else None
        until = _DAY_MIN
        if stopped is not None and stopped.date() <= day:
            until = stopped.hour * 60 + stopped.minute if stopped.date() == day else 0
        return _running_wh(self.home, day, until)


@lru_cache(maxsize=4096)
def _running_wh(home: Household, day: date, until: int) -> tuple[float, ...]:
    """Watt-hours drawn before each minute of a day; nobody does anything from `until` on."""
    watts = [0.0] * _DAY_MIN
    for first, minutes, drawn in _by_itself(home, day):
        _add(watts, first, minutes, drawn)
    for first, minutes, drawn in _by_hand(home, day):
        if first < until:
            _add(watts, first, min(minutes, until - first), drawn)
    return (0.0, *accumulate(one / 60 for one in watts))


def _add(watts: list[float], first: int, minutes: int, drawn: float) -> None:
    for minute in range(max(first, 0), min(first + minutes, _DAY_MIN)):
        watts[minute] += drawn


def _by_itself(home: Household, day: date) -> list[Use]:
    """What a home draws with nobody in it: a router and standing lights, a refrigerator."""
    lasting = random.Random(f"{home.seed}/appliances")
    standby, drawn = lasting.uniform(4, 18), lasting.uniform(70, 130)
    every, on = lasting.randint(40, 70), lasting.randint(12, 22)
    dice = random.Random(f"{home.seed}/{day.isoformat()}/refrigerator")
    turns: list[Use] = [(0, _DAY_MIN, standby)]
    minute = dice.randint(-every, 0)
    while minute < _DAY_MIN:
        turns.append((minute, on + dice.randint(-2, 2), drawn))
        minute += every + dice.randint(-4, 4)
    return turns


def _by_hand(home: Household, day: date) -> list[Use]:
    """What people switch: lights, the kettle, the rice cooker, the television."""
    dice = random.Random(f"{home.seed}/{day.isoformat()}/electricity")
    wakes = _WAKES_MIN.get(home.style, _WAKES_ELSE_MIN)

    def about(minute: float, spread: int) -> int:
        return round(minute + dice.uniform(-spread, spread))

    def kettle(minute: float) -> Use:
        return about(minute, 30), dice.randint(3, 5), dice.uniform(1500, 2000)

    night: list[Use] = [(about(2.2 * 60, 60), dice.randint(4, 10), 12)]
    morning = [
        (about(wakes, 15), dice.randint(30, 70), dice.uniform(15, 40)),
        kettle(wakes + 40),
        (about(wakes + 55, 20), dice.randint(6, 15), dice.uniform(600, 1000)),
    ]
    midday = [
        (about(11 * 60, 20), dice.randint(25, 35), dice.uniform(450, 700)),
        (about(11.3 * 60, 20), dice.randint(8, 20), dice.uniform(800, 1600)),
        kettle(14.8 * 60),
    ]
    evening = [
        (about(17 * 60, 20), dice.randint(25, 35), dice.uniform(450, 700)),
        (about(18 * 60, 40), dice.randint(120, 200), dice.uniform(25, 60)),
        (about(18.6 * 60, 30), dice.randint(80, 150), dice.uniform(60, 110)),
        kettle(19.5 * 60),
    ]
    if dice.random() < 0.3:
        midday.append((about(9.3 * 60, 60), dice.randint(40, 60), dice.uniform(200, 400)))
    kind = day_kind(home, day)
    if kind is DayKind.LEAVES:
        return night + morning
    if kind is DayKind.RETURNS:
        return evening
    return night + morning + (midday[2:] if kind is DayKind.MARKET else midday) + evening
