"""How much water an invented household uses, minute by minute: pure and seeded, so repeatable."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Literal
from zoneinfo import ZoneInfo

Style = Literal["early_riser", "late_riser", "frugal", "garden", "couple", "sparing"]

_DAY_MIN = 24 * 60
_ONE_DAY = timedelta(days=1)
_ZONE = ZoneInfo("Asia/Shanghai")
_LAST_L = 6
_LATER_MIN = 90
_FLOW_L_MIN = 7  # a tap or a cistern; longer draws are spread over minutes
_WAKES_MIN: dict[Style, int] = {
    "early_riser": 5 * 60, "late_riser": 7 * 60, "frugal": 6 * 60, "garden": 5 * 60 + 30,
    "couple": 6 * 60, "sparing": 6 * 60,
}  # fmt: skip
_THIRST: dict[Style, float] = {
    "early_riser": 1.0, "late_riser": 1.0, "frugal": 0.8, "garden": 1.2, "couple": 1.8,
    "sparing": 1.0,
}  # fmt: skip


class DayKind(StrEnum):
    """What sort of day a household has."""

    ORDINARY = "ordinary"
    WASHING = "washing"  # laundry in the morning
    GUESTS = "guests"  # the grandchildren came
    MARKET = "market"  # out from breakfast until the afternoon
    LEAVES = "leaves"  # goes to the children after breakfast …
    RETURNS = "returns"  # … and comes back for supper on this one


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """Who uses the water."""

    seed: int
    style: Style = "early_riser"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """Water taken within one minute of a local day."""

    minute: int  # 0 … 1439
    litres: int


def day_kind(home: Household, day: date) -> DayKind:
    """What sort of day `day` is for this household.

    Every sixth weekend or so is spent with the children: leaves on Saturday, back on Sunday.
    """
    if day.weekday() >= 5:
        saturday = day - timedelta(days=day.weekday() - 5)
        if _random(home, saturday, "weekend").random() < 1 / 6:
            return DayKind.LEAVES if day == saturday else DayKind.RETURNS
    share = _random(home, day, "kind").random()
    if share < 0.25:
        return DayKind.WASHING
    if share < 0.33:
        return DayKind.MARKET
    if share < 0.40 and day.weekday() >= 5:
        return DayKind.GUESTS
    return DayKind.ORDINARY


@lru_cache(maxsize=8192)
def draws(home: Household, day: date, kind: DayKind | None = None) -> tuple[Draw, ...]:
    """Every draw of a day, in order of time; `kind` overrides the day's own kind.

    On a day spent at home no 11 hours pass with less than 12 L: older people get up at night.
    A fixed rule such as Shanghai's (12 h below 10 L) therefore stays silent for them.
    """
    kind = kind or day_kind(home, day)
    dice = _random(home, day, "draws")
    taken: dict[int, int] = {}
    for minute, litres in _habits(home, kind, dice):
        _spread(taken, minute, max(1, round(litres * _THIRST[home.style])))
    return tuple(Draw(minute=minute, litres=taken[minute]) for minute in sorted(taken))


@dataclass(frozen=True, kw_only=True, slots=True)
class WaterMeter:
    """A cumulative register of whole litres; the same arguments always show the same value."""

    home: Household
    installed: date  # local; the register starts then, at `start_l`
    start_l: int = 0
    zone: ZoneInfo = _ZONE
    at_home_from: date | None = None  # from this day on nobody is away (a demo must be calm)
    stopped_at: datetime | None = None  # from then on nobody uses any water
    last_use_at: datetime | None = None  # the same, after hands were washed at that very moment
    tap_opened_at: datetime | None = None  # from then on a tap runs, beside all other use
    tap_l_min: float = 3.0
    _midnights: dict[date, int] = field(default_factory=dict, compare=False, repr=False)
    # litres used before each day, as far as anybody asked: history is asked for day by day

    def register_l(self, at: datetime) -> int:
        """The register at `at` (zone-aware), in litres; `start_l` before it was installed."""
        ends = [end for end in (at, self.stopped_at, self.last_use_at) if end is not None]
        washed = _LAST_L if self.last_use_at is not None and at >= self.last_use_at else 0
        return self.start_l + self._habitual_l(min(ends)) + washed + self._tap_l(at)

    def hourly(self, day: date, until: datetime, minute: int = 0) -> list[tuple[datetime, int]]:
        """(time, litres) at that `minute` of every local hour of `day`, but not after `until`."""
        first = datetime.combine(day, time(minute=minute), self.zone)
        hours = (first + timedelta(hours=hour) for hour in range(24))
        return [(hour, self.register_l(hour)) for hour in hours if hour <= until]

    def _habitual_l(self, at: datetime) -> int:
        local = at.astimezone(self.zone)
        day, minute = local.date(), local.hour * 60 + local.minute
        if day < self.installed:
            return 0
        return self._before_l(day) + _until_l(self.home, day, self._kind(day), minute)

    def _before_l(self, day: date) -> int:
        """Litres used from the installation until `day` began."""
        known, litres = self.installed, 0
        if day - _ONE_DAY in self._midnights:
            known, litres = day - _ONE_DAY, self._midnights[day - _ONE_DAY]
        while known < day and day not in self._midnights:
            litres += _total_l(self.home, known, self._kind(known))
            known += _ONE_DAY
            self._midnights[known] = litres
        return self._midnights.get(day, 0)

    def _kind(self, day: date) -> DayKind:
        kind = day_kind(self.home, day)
        if self.at_home_from is None or day < self.at_home_from:
            return kind
        return DayKind.ORDINARY if kind in (DayKind.LEAVES, DayKind.RETURNS) else kind

    def _tap_l(self, at: datetime) -> int:
        if self.tap_opened_at is None or at <= self.tap_opened_at:
            return 0
        return int((at - self.tap_opened_at).total_seconds() / 60 * self.tap_l_min)


def _habits(home: Household, kind: DayKind, dice: random.Random) -> list[tuple[int, float]]:
    """(minute, litres at thirst 1) of everything a person does on such a day."""
    wakes = _WAKES_MIN[home.style]

    def about(minute: float, spread: int) -> int:
        return round(minute + dice.uniform(-spread, spread))

    night = [(about(2 * 60, 60), dice.uniform(8, 10))]
    morning = [
        (about(wakes, 20), dice.uniform(8, 10)),  # toilet
        (about(wakes + 25, 10), dice.uniform(6, 9)),  # washing, tea
        (about(wakes + 60, 20), dice.uniform(5, 9)),  # breakfast
    ]
    midday = [
        (about(9.5 * 60, 30), dice.uniform(5, 12)),  # vegetables
        (about(11.3 * 60, 20), dice.uniform(9, 16)),  # dinner
        (about(14.5 * 60, 45), dice.uniform(8, 10)),
    ]
    evening = [
        (about(17.3 * 60, 25), dice.uniform(9, 15)),  # supper
        (about(19 * 60, 20), dice.uniform(6, 10)),  # feet, dishes
        (about(20.7 * 60, 30), dice.uniform(8, 12)),  # toilet, teeth
    ]
    if home.style == "sparing":  # at the well: water is used at meals and before bed
        day = night + morning[:2] + midday[1:2] + evening[:1] + evening[2:]
        later = (home.seed % 3 - 1) * _LATER_MIN  # some eat early, some late
        return [(minute + later, litres) for minute, litres in day]
    if home.style == "garden":
        evening.append((about(18.3 * 60, 20), dice.uniform(20, 60)))
    if dice.random() < 0.4:
        evening.append((about(19.6 * 60, 20), dice.uniform(25, 45)))  # shower
    if kind is DayKind.WASHING:
        midday.append((about(9 * 60, 40), dice.uniform(45, 80)))
    if kind is DayKind.GUESTS:
        midday += [(about(12.5 * 60, 60), dice.uniform(15, 30)) for _ in range(3)]
    if kind is DayKind.MARKET:
        midday = midday[-1:]
    if kind is DayKind.LEAVES:
        return night + morning
    if kind is DayKind.RETURNS:
        return evening
    return night + morning + midday + evening


def _spread(taken: dict[int, int], minute: int, litres: int) -> None:
    while litres > 0:
        now = min(litres, _FLOW_L_MIN)
        slot = min(max(minute, 0), _DAY_MIN - 1)
        taken[slot] = taken.get(slot, 0) + now
        minute, litres = minute + 1, litres - now


@lru_cache(maxsize=8192)
def _running_l(home: Household, day: date, kind: DayKind) -> tuple[list[int], list[int]]:
    """Minutes of a day's draws, and the litres taken up to and including each."""
    taken = draws(home, day, kind)
    return [draw.minute for draw in taken], list(accumulate(draw.litres for draw in taken))


def _total_l(home: Household, day: date, kind: DayKind) -> int:
    sums = _running_l(home, day, kind)[1]
    return sums[-1] if sums else 0


def _until_l(home: Household, day: date, kind: DayKind, minute: int) -> int:
    """Litres taken before `minute` of a day began."""
    minutes, sums = _running_l(home, day, kind)
    count = bisect_right(minutes, minute - 1)
    return sums[count - 1] if count else 0


def _random(home: Household, day: date, what: str) -> random.Random:
    return random.Random(f"{home.seed}/{day.isoformat()}/{what}")
