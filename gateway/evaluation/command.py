"""`anju evaluate water`: a file of readings through the rule, its alarms and its figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from alerting.detect import DeviceView
from alerting.detectors import adaptive, fixed
from alerting.wording import incident_title
from core.errors import AnjuError, InvalidInput
from gateway.evaluation.replay import Alarm, Home, read_homes, replay
from gateway.evaluation.scoring import (
    WARM_UP_S,
    Figure,
    Score,
    figures,
    score_home,
    truth_of,
    with_outages,
)

RULES = (*adaptive.PRESETS, *(name for name in fixed.PRESETS if name != "off"))
PROFILES = ("tight", "quiet")
ALARM_COLUMNS = ("home", "time", "kind", "level", "detail")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What was asked for on the command line."""

    readings: Path
    rule: str
    profile: str | None = None
    alarms_out: Path | None = None
    score: bool = False
    zone: str | None = None
    samples: int = 200  # emergencies tried in each home
    draws: int = 500  # of the bootstrap
    seed: int = 1
    outages: float = 0.0  # a year and home
    lost: float = 0.05  # share of readings that outages take


def preset_of(rule: str, profile: str | None) -> str:
    """The detector's preset. Raises `InvalidInput` for a rule or profile that does not exist."""
    if rule not in RULES:
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
    homes = read_homes(options.readings, options.zone)
    result: dict[str, Any] = {
        "rule": preset,
        "homes": len(homes),
        "readings": sum(len(home.rows) for home in homes.values()),
        "alarms": 0,
    }
    if options.alarms_out is not None:
        with _alarm_file(options.alarms_out) as write:
            for home in _progress(homes.values(), "alarms", shown):
                alarms, _ = replay(home, water_meter(home, preset))
                result["alarms"] += len(alarms)
                write(home, alarms)
    if options.score:
        result["score"] = {
            name: {key: asdict(figure) for key, figure in found.items()}
            for name, found in _scores(list(homes.values()), preset, options, shown).items()
        }
    return result


def water_meter(home: Home, preset: str) -> DeviceView:
    """The meter of a home of the file, with the rule that is evaluated."""
    rules = {"no_water_use": {"preset": preset}}
    return DeviceView(id=home.name, role="water_meter", family="csv", rules=rules, zone=home.zone)


def _scores(
    homes: Sequence[Home], preset: str, options: Options, shown: Console
) -> dict[str, dict[str, Figure]]:
    """Figures by rule; the adaptive rule's two levels are two rules that were run at once."""
    presets = ("adaptive-tight", "adaptive-quiet") if preset == "adaptive" else (preset,)
    found: dict[str, dict[str, Figure]] = {}
    for each in presets:
        scores: list[Score] = []
        for home in _progress(homes, each, shown):
            given = home
            if options.outages:
                given = with_outages(
                    home, a_year=options.outages, lost=options.lost, seed=options.seed
                )
            _, score = score_home(
                given,
                water_meter(home, each),
                samples=options.samples,
                seed=options.seed,
                truth=truth_of(home),
            )
            scores.append(score)
        if not any(score.delays_s for score in scores):
            days = WARM_UP_S // 86_400
            problem = f"no home has more than {days} days of readings: nothing to score"
            raise InvalidInput("--readings", problem)
        found[each] = figures(scores, draws=options.draws, seed=options.seed)
    return found


def _progress(homes: Iterable[Home], what: str, shown: Console) -> Iterable[Home]:
    return track(
        list(homes), description=what, console=shown, disable=not shown.is_terminal, transient=True
    )


@contextmanager
def _alarm_file(path: Path) -> Iterator[Any]:
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
        cells = [
            "{value:.1f}\n({low:.1f}–{high:.1f})".format(**found[key]) for _, key in _COLUMNS if key
        ]
        table.add_row(rule, *cells)
    return table
