"""Simulated villages: how often ordinary days look like a cut, and when a real one is suspected.

    python -m scripts.supply_figures [--days 365] [--villages 3]

Every home has a household of `simulators/water.py` and an hourly meter under the adaptive rule.
The detectors are the real ones; nobody answers a question, which is the worst case.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median

from alerting.detect import DeviceState, judge_register
from alerting.detectors.view import DeviceView
from alerting.finding import Sign
from alerting.simultaneous import Meter, Together, together
from simulators.water import Household, Style, WaterMeter

STYLES: tuple[Style, ...] = (
    *("early_riser", "frugal", "late_riser"),
    *("garden", "couple", "sparing"),
)
BEGAN = date(2025, 1, 1)
LEARNT_DAYS = 60
VIEW = DeviceView(
    id="w", role="water_meter", family="native", rules={"no_water_use": {"preset": "adaptive"}}
)


@dataclass
class Home:
    """A meter that is read every hour, and what Anju knows of it."""

    name: str
    meter: WaterMeter
    minute: int
    state: DeviceState
    found_at: int = 0
    litres: int = -1  # register while the supply is cut

    def hears(self, hour: datetime, cut: bool) -> None:
        at = hour + timedelta(minutes=self.minute)
        if not cut or self.litres < 0:
            self.litres = self.meter.register_l(at)
        second = int(at.timestamp())
        self.state, found, _ = judge_register(self.state, self.litres / 1000, second, VIEW, second)
        for one in found:
            if one.kind == "no_water_use":
                ended = one.sign is Sign.CLEARED
                self.found_at = 0 if ended else self.found_at or second

    def as_meter(self) -> Meter:
        water = self.state.water
        assert water is not None
        assert water.habit is not None
        return Meter(self.name, ("village",), water.habit.used_at, water.line.at, self.found_at)

    def copy(self) -> Home:
        return Home(self.name, self.meter, self.minute, self.state, self.found_at, self.litres)


def village(seed: int, homes: int) -> list[Home]:
    made = []
    for number in range(homes):
        household = Household(seed=1000 * seed + number, style=STYLES[number % len(STYLES)])
        meter = WaterMeter(home=household, installed=BEGAN)
        made.append(Home(f"h{number:02}", meter, (7 * number + seed) % 60, DeviceState()))
    return made


def hour_of(hours: int) -> datetime:
    return datetime(BEGAN.year, BEGAN.month, BEGAN.day, tzinfo=UTC) + timedelta(hours=hours - 8)


def passes(homes: list[Home], hours: int, *, cut: bool = False) -> Together | None:
    """One hour; what is suspected at its end."""
    for home in homes:
        home.hears(hour_of(hours), cut)
    now = int((hour_of(hours) + timedelta(minutes=59)).timestamp())
    found = together([home.as_meter() for home in homes], now)
    return found[0] if found else None


def cut_at(homes: list[Home], hours: int, lasts_h: int) -> tuple[int, Together] | None:
    """Hours until it is suspected, and what is known then; None: not before its end."""
    some = [home.copy() for home in homes]
    for home in some:  # what was used up to the cut is read with the next reading
        home.litres = home.meter.register_l(hour_of(hours))
    for passed in range(lasts_h):
        said = passes(some, hours + passed, cut=True)
        if said is not None:
            return passed + 1, said
    return None


@dataclass
class Figures:
    """Of villages of one size."""

    false: int = 0
    days: int = 0
    missed: int = 0
    waits: dict[int, list[tuple[int, int, int]]] = field(
        default_factory=lambda: {hour: [] for hour in range(0, 24, 4)}
    )  # hour of the cut → hours until suspected, quiet homes, still homes

    def add_cut(self, hour: int, said: tuple[int, Together] | None) -> None:
        if said is None:
            self.missed += 1
        else:
            self.waits[hour].append((said[0], len(said[1].quiet), said[1].still))

    def print(self, size: int) -> None:
        print(f"{size} homes: {self.false} suspected in {self.days} ordinary days", end="; ")
        print(f"{self.missed} cuts missed")
        for hour, found in self.waits.items():
            if not found:
                continue
            late, quiet, still = (median(one[n] for one in found) for n in range(3))
            most = max(one[0] for one in found)
            print(
                f"  cut from {hour:02}:00 ({len(found)}): suspected after {late:g} h"
                f" (at most {most} h), {quiet:g} quiet, {still:g} of {size} still"
            )


def lives(homes: list[Home], days: int, figures: Figures) -> None:
    """Ordinary days of a village, and a cut at every fourth hour of every fortieth of them."""
    standing = False
    for passed in range((LEARNT_DAYS + days) * 24):
        day, hour = divmod(passed, 24)
        is_known = day >= LEARNT_DAYS
        if is_known and day % 40 == 0 and hour in figures.waits:
            figures.add_cut(hour, cut_at(homes, passed, 14))
        is_said = passes(homes, passed) is not None
        figures.false += is_known and is_said and not standing
        figures.days += is_known and hour == 0
        standing = is_said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--villages", type=int, default=3)
    options = parser.parse_args()
    for size in (40, 12, 6):
        figures = Figures()
        for seed in range(options.villages):
            lives(village(seed, size), options.days, figures)
        figures.print(size)


if __name__ == "__main__":
    main()
