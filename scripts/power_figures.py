"""What the electricity detector sees in invented homes: the figures of docs/electricity.md.

    python -m scripts.power_figures [--homes 40] [--days 90]

Invented homes, not measured ones: a refrigerator, standing loads, lights, a kettle, a rice cooker,
a television (simulators/power.py). The figures show that the rules do what they say, not how well
they would do in real homes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerting.detect import DeviceState, DeviceView, dump_state, judge
from alerting.detectors.supply import doubt, last_activity
from devices.event import Reading
from simulators.power import PowerMeter
from simulators.water import DayKind, Household, Style, day_kind

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 1, 1)
LEARNING_DAYS = 14
STYLES: tuple[Style, ...] = ("early_riser", "late_riser", "frugal", "garden")
ROLE = "electricity_meter"


@dataclass(slots=True)
class Seen:
    """What was seen in one home."""

    active_per_day: float = 0.0
    raised_at_home: int = 0
    raised_away: int = 0
    delay_h: float | None = None  # from the hour in which nobody did anything any more
    late_activity: int = 0  # activity called more than three hours after that
    most_bytes: int = 0
    base_w: float = 0.0


def readings(meter: PowerMeter, days: int, every_min: int, step_wh: int) -> Iterator[Reading]:
    """The counter of a home, read at regular times."""
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE)
    for number in range(days * 1440 // every_min):
        at = begin + timedelta(minutes=every_min * number)
        kwh = meter.energy_wh(at) // step_wh * step_wh / 1000
        yield Reading(child_id="m", register="energy_total", value=kwh, unit="kWh", at=at)


def watch(seed: int, days: int, every_min: int, step_wh: int) -> Seen:
    """Live through the days; on the last but two, at a time of its own, nobody gets up any more."""
    home = Household(seed=seed, style=STYLES[seed % len(STYLES)])
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE)
    stops = begin + timedelta(days=days - 3, hours=6 + seed % 16)
    meter = PowerMeter(home=home, installed=FIRST, stopped_at=stops)
    view = DeviceView(
        id="m", role=ROLE, family="native", rules={"no_power_use": {"preset": "fixed-24h"}}
    )
    seen, state, active, last = Seen(), DeviceState(), 0, 0
    for reading in readings(meter, days, every_min, step_wh):
        at = reading.at
        assert at is not None
        judged = judge(state, [(at, reading)], view, at)
        state = judged.state
        for one in judged.findings:
            if one.sign.value == "rose":
                _raised(seen, home, at, stops)
        if state.power is not None and (now_last := last_activity(state.power)) != last:
            last, active = now_last, active + 1
            seen.late_activity += at - stops > timedelta(hours=3)
    seen.active_per_day = active / (days - 3 - LEARNING_DAYS / 2)
    seen.most_bytes = len(dump_state(state))
    if state.power is not None and doubt(state.power, ROLE) == "":
        seen.base_w = state.power.nights.base / 5
    return seen


def _raised(seen: Seen, home: Household, at: datetime, stops: datetime) -> None:
    away = {DayKind.LEAVES, DayKind.RETURNS}
    days = [(at - timedelta(days=back)).date() for back in range(2)]
    if at > stops:
        seen.delay_h = (at - stops).total_seconds() / 3600
    elif away & {day_kind(home, day) for day in days}:
        seen.raised_away += 1
    else:
        seen.raised_at_home += 1


def main() -> None:
    """Print one line a kind of meter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=40)
    parser.add_argument("--days", type=int, default=90)
    given = parser.parse_args()
    print(
        "| meter | activity a day | alarms at home | away | delay h | late activity | base W | B |"
    )
    for every_min, step_wh in ((15, 1), (15, 10), (30, 10), (60, 10), (120, 10), (60, 100)):
        homes = [watch(seed, given.days, every_min, step_wh) for seed in range(given.homes)]
        years = given.homes * (given.days - 3 - LEARNING_DAYS / 2) / 365
        delays = sorted(one.delay_h for one in homes if one.delay_h is not None)
        late = sum(one.late_activity for one in homes)
        columns = (
            f"{every_min} min, {step_wh} Wh",
            f"{statistics.mean(one.active_per_day for one in homes):.1f}",
            f"{sum(one.raised_at_home for one in homes) / years:.1f}",
            f"{sum(one.raised_away for one in homes) / years:.1f}",
            f"{statistics.median(delays):.1f}" if delays else "-",
            str(late),
            f"{statistics.mean(one.base_w for one in homes):.0f}",
            str(max(one.most_bytes for one in homes)),
        )
        print("| " + " | ".join(columns) + " |")
    power_us, water_us = cost_us("energy_total"), cost_us("water_total")
    print(f"\na reading: {power_us:.1f} µs, of water {water_us:.1f} µs: {power_us / water_us:.1f}")


def cost_us(register: str) -> float:
    """CPU time of one reading of a home that is known for two weeks, the best of five; in µs."""
    meter = PowerMeter(home=Household(seed=1), installed=FIRST)
    said = [(one.at, one.value) for one in readings(meter, 21, 60, 10)]
    role, unit = {
        "energy_total": (ROLE, "kWh"),
        "water_total": ("water_meter", "m3"),
    }[register]
    rules = {"no_water_use": {"preset": "adaptive"}, "no_power_use": {"preset": "fixed-24h"}}
    view = DeviceView(id="m", role=role, family="native", rules=rules)
    best = float("inf")
    for _ in range(5):
        state, began = DeviceState(), 0.0
        for number, (at, value) in enumerate(said):
            assert at is not None
            if number == len(said) // 3 * 2:
                began = time.process_time()
            reading = Reading(child_id="m", register=register, value=value, unit=unit)
            state = judge(state, [(at, reading)], view, at).state
        best = min(best, (time.process_time() - began) / (len(said) - len(said) // 3 * 2))
    return best * 1e6


if __name__ == "__main__":
    main()
