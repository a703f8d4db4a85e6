"""`anju evaluate water`: a file of readings through the rule, its alarms and its figures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.console import Console
from rich.progress import track
from rich.table import Table

from alerting.detect import DeviceView
from alerting.detectors import adaptive, fixed
from alerting.wording import incident_title
from core.errors import AnjuError, InvalidInput
from gateway.evaluation.files import read_homes
from gateway.evaluation.home import Alarm, Home, replay
from gateway.evaluation.scoring import (
    WARM_UP_S,
    Score,
    figures,
    score_home,
    truth_of,
    with_outages,
)
from gateway.evaluation.source import Source

RULES = (*adaptive.PRESETS, *(name for name in fixed.PRESETS if name != "off"))
PROFILES = ("tight", "quiet")
ALARM_COLUMNS = ("home", "time", "kind", "level", "detail")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What was asked for on the command line."""

    rule: str
    readings: Path | None = None  # None: those of the database
    from_database: bool = False
    area: str | None = None  # of the database: this area and those below it
    days: int | None = None  # of the database: only so many last days
    profile: str | None = None
    alarms_out: Path | None = None
    score: bool = False
    zone: str | None = None
    samples: int = 200  # emergencies tried in each home
    draws: int = 500  # of the bootstrap
    seed: int = 1
    outages: float = 0.0  # a year and home
    lost: float = 0.05  # share of readings that outages take

    def check(self) -> None:
        """Raises `InvalidInput` for options that do not go together, or ask for nothing."""
        if (self.readings is None) is not self.from_database:
            raise InvalidInput("--readings", "name a file, or --from-database, and not both")
        for name, value in (("--area", self.area), ("--days", self.days)):
            if value is not None and not self.from_database:
                raise InvalidInput(name, "only with --from-database")
        if self.alarms_out is None and not self.score:
            raise InvalidInput("--alarms-out", "or --score: say what is wanted")


def preset_of(rule: str, profile: str | None) -> str:
    """The detector's preset. Raises `InvalidInput` for a rule or profile that does not exist."""
    if rule not in RULES:
        if rule == "off":
            raise InvalidInput("--rule", "off finds nothing: there is nothing to evaluate")
        raise InvalidInput("--rule", f"{rule!r} is none of {', '.join(RULES)}")
    if profile is None:
        return rule
    if profile not in PROFILES:
        raise InvalidInput("--profile", f"{profile!r} is none of {', '.join(PROFILES)}")
    if rule not in ("adaptive", f"adaptive-{profile}"):
        raise InvalidInput("--profile", f"only the rule adaptive has profiles, not {rule}")
    return f"adaptive-{profile}"


def evaluate(options: Options, shown: Console) -> dict[str, Any]:
    """Run the rule over every home; writes the alarms, returns what `--json` prints.

    `shown` carries the progress bar. Raises `InvalidInput` for a file or option that is wrong,
    before anything is written.
    """
    preset = preset_of(options.rule, options.profile)
    options.check()
    # The adaptive rule's two levels are two rules that were run at once: each has its figures.
    scored = ("adaptive-tight", "adaptive-quiet") if preset == "adaptive" else (preset,)
    scores: dict[str, list[Score]] = {each: [] for each in scored}
    homes = readings = alarms = 0
    with _source(options) as source, _alarm_file(options.alarms_out) as write:
        for home in _progress(source, shown):
            homes, readings = homes + 1, readings + len(home.times)
            if write is not None:
                found, _ = replay(home, water_meter(home, preset))
                alarms += len(found)
                write(home, found)
            if options.score:
                for each in scored:
                    scores[each].append(_score(home, each, options))
    if not homes:
        raise InvalidInput("--from-database", "there are no readings of water meters")
    result: dict[str, Any] = {
        "rule": preset,
        "homes": homes,
        "readings": readings,
        "alarms": alarms if options.alarms_out is not None else None,
        "rows_without_value": source.without_value,
        "homes_put_in_order": source.sorted_homes,
    }
    if options.score:
        result["score"] = _figures(scores, options)
    return result


def water_meter(home: Home, preset: str) -> DeviceView:
    """The meter of a home, with the rule that is evaluated."""
    rules = {"no_water_use": {"preset": preset}}
    if home.device is not None:
        return replace(home.device, rules={**home.device.rules, **rules})
    return DeviceView(id=home.name, role="water_meter", family="csv", rules=rules, zone=home.zone)


def _source(options: Options) -> AbstractContextManager[Source]:
    if options.readings is None:
        from core.settings import load_store_settings  # what a file has no need of
        from gateway.evaluation.stored import from_database

        settings = load_store_settings()
        return from_database(settings, area=options.area, days=options.days, zone=options.zone)
    return nullcontext(read_homes(options.readings, options.zone))


def _score(home: Home, preset: str, options: Options) -> Score:
    given = home
    if options.outages:
        given = with_outages(home, a_year=options.outages, lost=options.lost, seed=options.seed)
    _, score = score_home(
        given,
        water_meter(home, preset),
        samples=options.samples,
        seed=options.seed,
        truth=truth_of(home),
    )
    return score


def _figures(
    scores: dict[str, list[Score]], options: Options
) -> dict[str, dict[str, dict[str, float | None]]]:
    if not any(score.delays_s for found in scores.values() for score in found):
        days = WARM_UP_S // 86_400
        problem = f"no home has more than {days} days of readings: nothing to score"
        raise InvalidInput("--from-database" if options.from_database else "--readings", problem)
    return {
        name: {
            key: asdict(figure)
            for key, figure in figures(found, draws=options.draws, seed=options.seed).items()
        }
        for name, found in scores.items()
    }


def _progress(source: Source, shown: Console) -> Iterable[Home]:
    return track(
        source.homes,
        total=source.count,
        description="homes",
        console=shown,
        disable=not shown.is_terminal,
        transient=True,
    )


_Write = Callable[[Home, Sequence[Alarm]], None]


@contextmanager
def _alarm_file(path: Path | None) -> Iterator[_Write | None]:
    """What writes a home's alarms; None where nobody asked for them."""
    if path is None:
        yield None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(ALARM_COLUMNS)
            yield lambda home, alarms: table.writerows(_alarm_rows(home, alarms))
    except OSError as error:
        raise AnjuError(f"--alarms-out: cannot write {path}: {error.strerror}") from error


def _alarm_rows(home: Home, alarms: Sequence[Alarm]) -> Iterator[tuple[str, ...]]:
    for alarm in alarms:
        found = alarm.finding
        detail = incident_title(found.kind, found.facts, "en")
        yield home.name, alarm.text, found.kind, str(found.facts.get("level", 1)), detail


_COLUMNS = (
    ("rule", ""),
    ("false alarms a year", "routine_false_alarms_per_year"),
    ("absences a year", "absences_per_year"),
    ("median delay h", "median_delay_h"),
    ("p90 delay h", "p90_delay_h"),
    ("tap alarms a year", "tap_false_alarms_per_year"),
    ("tap delay h", "tap_median_delay_h"),
)


def as_table(result: dict[str, Any]) -> Table:
    """The protocol's table: each figure with its 95 % interval over homes."""
    table = Table(title=f"{result['homes']} homes, {result['readings']} readings")
    for title, _ in _COLUMNS:
        is_name = title == "rule"
        table.add_column(title, justify="left" if is_name else "right", no_wrap=is_name)
    for rule, found in result["score"].items():
        table.add_row(rule, *(_cell(found[key]) for _, key in _COLUMNS if key))
    return table


def _cell(figure: dict[str, float | None]) -> str:
    """A figure and its interval; — where it has none."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    within = "—" if low is None else f"{low:.1f}–{high:.1f}"
    return f"{value:.1f}\n({within})"


def show(result: dict[str, Any], options: Options, shown: Console) -> None:
    """The same for people."""
    if options.score:
        shown.print(as_table(result))
    lines = []
    if options.alarms_out is not None:
        lines.append(f"{result['alarms']} alarms in {result['homes']} homes: {options.alarms_out}")
        lines.append(f"{result['readings']} readings in {result['seconds']} s")
    if result["rows_without_value"]:
        lines.append(f"{result['rows_without_value']} rows without a value were left out")
    if result["homes_put_in_order"]:
        lines.append(f"{result['homes_put_in_order']} homes were sorted by time")
    for line in lines:
        shown.print(line, soft_wrap=True, markup=False, highlight=False)
