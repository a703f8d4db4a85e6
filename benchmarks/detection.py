"""`python -m benchmarks.detection`: readings a second of a replay, µs a reading of each detector.

Invented households of five kinds (`simulators/water.py`), hourly registers, one process, no
database. Every subject takes its turn in every round, and the ratio of two is that of rounds of the
same turn, so it holds on a machine that others use too; times are those of the processor.
"""

from __future__ import annotations

import argparse
import csv
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
from rich.console import Console

from alerting.detect import DeviceState, DeviceView, dump_state
from alerting.detectors import assessable, drip, habit, meter, register, tap, water
from alerting.detectors.view import moment
from alerting.trial.backtest import backtest
from alerting.trial.replay import Replay
from devices.event import Reading
from gateway.evaluation.command import Options, evaluate
from simulators.water import Household, Style, WaterMeter

ZONE = "Asia/Shanghai"
BEGAN = datetime.fromisoformat("2025-01-01T00:07+08:00")
PRESETS = ("adaptive", "adaptive-tight", "fixed-12h-24h-10l")
WARM_UP_DAYS = 60
MOST_DL_PER_HOUR = 50_000


@dataclass(frozen=True, slots=True)
class Home:
    """One invented home: seconds, and the register in litres."""

    name: str
    times: list[int]
    litres: list[float]

    @property
    def values(self) -> list[float]:
        return [litres / 1000 for litres in self.litres]


@dataclass(frozen=True, slots=True)
class Figure:
    """What a subject took, round by round, in µs a reading."""

    name: str
    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def homes(count: int, days: int) -> list[Home]:
    """Like the 33 of the detection data: hourly, some minutes of jitter, each its own habits."""
    styles: Sequence[Style] = get_args(Style)
    made: list[Home] = []
    for seed in range(count):
        lives = Household(seed=seed, style=styles[seed % len(styles)])
        register = WaterMeter(home=lives, installed=BEGAN.date(), start_l=1000 * seed)
        moments = [BEGAN + timedelta(hours=hour, minutes=seed % 50) for hour in range(days * 24)]
        made.append(
            Home(
                f"home-{seed:02}",
                [int(at.timestamp()) for at in moments],
                [float(register.register_l(at)) for at in moments],
            )
        )
    return made


def view(name: str, preset: str) -> DeviceView:
    rules = {"no_water_use": {"preset": preset}}
    return DeviceView(id=name, role="water_meter", family="native", rules=rules, zone=ZONE)


def replay(town: Sequence[Home], preset: str) -> list[DeviceState]:
    """The whole way of a reading through the detectors, as `anju evaluate` and a back-test go."""
    states = []
    for home in town:
        course = Replay(view(home.name, preset))
        course.run(home.times, home.values)
        states.append(course.state)
    return states


def command(town: Sequence[Home], folder: Path) -> Callable[[], object]:
    """`anju evaluate water --alarms-out`, from the text of the file to that of the alarms."""
    source, out = folder / "town.csv", folder / "alarms.csv"
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("home", "time", "register_l"))
    for home in town:
        for at, litres in zip(home.times, home.litres, strict=True):
            local = datetime.fromtimestamp(at, BEGAN.tzinfo).replace(tzinfo=None)
            rows.writerow((home.name, local.isoformat(timespec="minutes"), litres))
    source.write_text(table.getvalue(), "utf-8")
    options = Options(readings=source, rule="adaptive", alarms_out=out, zone=ZONE)
    return lambda: evaluate(options, Console(quiet=True))


def backtested(town: Sequence[Home]) -> Callable[[], object]:
    """A month of back-test for every home, after sixty days of warm-up, as the rules page asks."""
    hours = (WARM_UP_DAYS + 30) * 24
    stored = [
        [(moment(at), value) for at, value in zip(home.times, home.values, strict=True)][-hours:]
        for home in town
    ]

    def run() -> None:
        for home, readings in zip(town, stored, strict=True):
            until = readings[-1][0]
            backtest(readings, view(home.name, "adaptive"), until - timedelta(days=30), until)

    return run


def _each(town: Sequence[Home], begin: Any, take: Callable[..., Any]) -> Callable[[], None]:
    """One part of the detectors by itself: `take(part, before, at, dl)` for every reading."""
    rows = [
        list(zip(home.times, (round(litres * 10) for litres in home.litres), strict=True))
        for home in town
    ]

    def run() -> None:
        for home in rows:
            part, before = begin, home[0]
            for at, dl in home[1:]:
                part = take(part, before, at, dl)
                before = (at, dl)

    return run


def _whole_water(town: Sequence[Home], preset: str) -> Callable[[], None]:
    device = view("m-1", preset)

    def take(part: Any, _before: tuple[int, int], at: int, dl: int) -> Any:
        said = Reading(child_id="m-1", register="water_total", value=dl / 10_000, unit="m3")
        return water.on_reading(part, said, at, device, at)[0]

    return _each(town, None, take)


def subjects(town: Sequence[Home]) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    device = view("m-1", "adaptive")
    said = Reading(child_id="m-1", register="water_total", value=1.0, unit="m3")
    began = habit.begin(None, town[0].times[0], 0, ZONE)
    return {
        **{f"replay, {preset}": lambda p=preset: replay(town, p) for preset in PRESETS},  # type: ignore[misc]
        **{f"water, {preset}": _whole_water(town, preset) for preset in PRESETS},
        "· register.follow": _each(
            town,
            register.Line(),
            lambda part, _b, at, dl: register.follow(part, at, dl, MOST_DL_PER_HOUR)[0],
        ),
        "· tap.pour": _each(town, tap.Tap(), lambda part, _b, at, dl: tap.pour(part, at, dl)),
        "· habit.follow": _each(
            town, began, lambda part, b, at, dl: habit.follow(part, b[0], b[1], at, dl, ZONE)
        ),
        "·· drip.pour": _each(town, drip.Drip(), lambda part, _b, at, dl: drip.pour(part, at, dl)),
        "·· meter.note": _each(
            town, meter.Meter(), lambda part, b, at, dl: meter.note(part, at - b[0], dl - b[1])
        ),
        "assessable": _each(
            town,
            None,
            lambda part, _b, at, _dl: assessable.on_word(part, said, at, device, at)[0],
        ),
    }


def measure(run: Callable[[], object], readings: int) -> float:
    """µs of the processor a reading."""
    began = time.process_time()
    run()
    return (time.process_time() - began) / readings * 1e6


def main() -> None:
    options = _options()
    town = homes(options.homes, options.days)
    readings = sum(len(home.times) for home in town)
    with tempfile.TemporaryDirectory() as folder:
        timed = subjects(town)
        timed["anju evaluate, adaptive"] = command(town, Path(folder))
        figures = {name: Figure(name, []) for name in timed}
        backtests = Figure("back-test of a month, a home, ms", [])
        month = backtested(town)
        for _ in range(options.rounds):
            for name, run in timed.items():
                figures[name].rounds.append(measure(run, readings))
            backtests.rounds.append(measure(month, len(town)) / 1000)
    sizes = {preset: _sizes(replay(town, preset)) for preset in PRESETS}
    _print(figures, backtests, sizes, readings, len(town))
    if options.json:
        found = {
            "readings": readings,
            "homes": len(town),
            "us_a_reading": {name: one.rounds for name, one in figures.items()},
            "backtest_ms_a_home": backtests.rounds,
            "state_bytes": sizes,
        }
        options.json.write_bytes(msgspec.json.encode(found))


def _sizes(states: Sequence[DeviceState]) -> dict[str, float]:
    sizes = [len(dump_state(state)) for state in states]
    return {"median": statistics.median(sizes), "max": max(sizes)}


def _print(
    figures: dict[str, Figure],
    backtests: Figure,
    sizes: dict[str, dict[str, float]],
    readings: int,
    count: int,
) -> None:
    whole = figures["replay, adaptive"]
    print(f"{count} homes, {readings} readings; ratio: of the replay of the adaptive rule\n")
    print("| what | µs a reading | readings/s | ratio |\n|---|---|---|---|")
    for one in figures.values():
        ratio = statistics.median(
            mine / other for mine, other in zip(one.rounds, whole.rounds, strict=True)
        )
        print(f"| {one.name} | {one.median:.2f} | {1e6 / one.median:,.0f} | {ratio:.2f} |")
    print(f"\n{backtests.name}: {backtests.median:.1f}")
    for preset, size in sizes.items():
        print(f"state of {preset}: {size['median']:.0f} bytes, at most {size['max']:.0f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--homes", type=int, default=33)
    parser.add_argument("--days", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
