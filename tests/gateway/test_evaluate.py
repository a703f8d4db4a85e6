"""`anju evaluate water`: alarms of a file, figures of a rule, and what it says to a wrong file."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulators.water import Household, WaterMeter
from tests.gateway.cli import Ran, run_here

BEGAN = datetime.fromisoformat("2026-01-01T00:00+08:00")
DAYS = 75
STILL_FROM = BEGAN + timedelta(days=70, hours=9)


def rows(zone: str = "+08:00", *, still: bool = False) -> list[str]:
    """A home's hourly register; with `still`, nobody uses water from the 70th day on."""
    meter = WaterMeter(
        home=Household(seed=7),
        installed=BEGAN.date(),
        start_l=1000,
        stopped_at=STILL_FROM if still else None,
    )
    lines = []
    for hour in range(DAYS * 24):
        at = BEGAN + timedelta(hours=hour)
        time = at.isoformat() if zone else at.replace(tzinfo=None).isoformat(timespec="minutes")
        lines.append(f"h1,{time},{meter.register_l(at)}")
    return lines


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.csv"
    path.write_text("\n".join(["home,time,register_l", *rows(still=True)]), "utf-8")
    return path


def evaluate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> Ran:
    words = [str(each) for each in arguments]
    return run_here(monkeypatch, capsys, "evaluate", "water", *words, settings={})


@pytest.mark.parametrize(
    ("rule", "profile", "levels"),
    [
        ("adaptive", None, {"1", "2"}),
        ("adaptive", "tight", {"1"}),
        ("adaptive", "quiet", {"1"}),
        ("fixed-12h-10l", None, {"1"}),
        ("fixed-24h-10l", None, {"1"}),
    ],
)
def test_a_home_that_fell_still_is_in_the_file_of_alarms(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    town: Path,
    tmp_path: Path,
    rule: str,
    profile: str | None,
    levels: set[str],
) -> None:
    out = tmp_path / "alarms.csv"
    chosen = ["--profile", profile] if profile else []
    ran = evaluate(
        monkeypatch, capsys, "--readings", town, "--rule", rule, *chosen, "--alarms-out", out
    )
    assert ran.code == 0, ran.err
    with out.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["home", "time", "kind", "level", "detail"]
    still = [row for row in table if datetime.fromisoformat(row["time"]) > STILL_FROM]
    assert {row["kind"] for row in still} == {"no_water_use"}
    assert {row["level"] for row in still} <= levels
    first = datetime.fromisoformat(still[0]["time"])
    assert timedelta(hours=3) < first - STILL_FROM <= timedelta(hours=25)
    assert "No water used: " in still[0]["detail"]


def test_times_are_written_as_the_file_writes_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, out = tmp_path / "local.csv.gz", tmp_path / "alarms.csv"
    lines = ["home,time,register_l", *rows("", still=True)]
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    ran = evaluate(
        monkeypatch, capsys, "--readings", source, "--rule", "adaptive", "--alarms-out", out
    )
    assert ran.code == 0, ran.err
    times = [line.split(",")[1] for line in out.read_text("utf-8").splitlines()[1:]]
    assert times
    assert all(len(time) == len("2026-01-01T00:00") for time in times)


def test_the_figures_come_as_an_object_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = tmp_path / "town.csv"
    lines = ["home,time,register_l", *rows(), *(row.replace("h1", "h2") for row in rows())]
    source.write_text("\n".join(lines), "utf-8")
    ran = evaluate(
        monkeypatch, capsys, "--readings", source, "--rule", "adaptive", "--score", "--samples", 20,
        "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert (result["homes"], result["readings"]) == (2, 2 * DAYS * 24)
    assert set(result["score"]) == {"adaptive-tight", "adaptive-quiet"}
    for found in result["score"].values():
        for figure in found.values():
            assert figure["low"] <= figure["value"] <= figure["high"]
        assert 0 < found["median_delay_h"]["value"] <= found["p90_delay_h"]["value"] <= 96


def test_a_single_home_has_figures_and_no_interval(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], town: Path
) -> None:
    asked = ("--readings", town, "--rule", "fixed-24h-10l", "--score", "--samples", 2)
    ran = evaluate(monkeypatch, capsys, *asked, "--json")
    (found,) = json.loads(ran.out)["score"].values()
    assert found["median_delay_h"]["value"] > 0
    assert {(one["low"], one["high"]) for one in found.values()} == {(None, None)}
    assert "(—)" in evaluate(monkeypatch, capsys, *asked).out


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["home,when,register_l"], ("line 1", "time")),
        (["home,time,register_l", "h1,yesterday,5"], ("line 2", "yesterday")),
        (["home,time,register_l", "h1,2026-01-01T00:00,5", "h1,2026-01-01T01:00,much"],
         ("line 3", "much")),
        (["home,time,register_l", "h1"], ("line 2", "too few")),
        (["home,time,register_l"], ("no readings",)),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_line_with_its_number(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    lines: list[str],
    words: tuple[str, ...],
) -> None:
    source = tmp_path / "bad.csv"
    source.write_text("\n".join(lines), "utf-8")
    ran = evaluate(monkeypatch, capsys, "--readings", source, "--rule", "adaptive", "--score")
    ran.is_one_line(1, "--readings", *words)


def test_too_short_a_file_has_no_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = tmp_path / "short.csv"
    source.write_text("\n".join(["home,time,register_l", *rows()[: 40 * 24]]), "utf-8")
    ran = evaluate(monkeypatch, capsys, "--readings", source, "--rule", "adaptive", "--score")
    ran.is_one_line(1, "--readings", "60 days")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rule", "magic", "--score"), ("--rule", "magic", "adaptive")),
        (("--rule", "adaptive", "--profile", "loud", "--score"), ("--profile", "tight")),
        (("--rule", "fixed-12h-10l", "--profile", "tight", "--score"), ("--profile",)),
        (("--rule", "adaptive"), ("--alarms-out", "--score")),
    ],
)
def test_what_is_asked_wrongly_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    town: Path,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    evaluate(monkeypatch, capsys, "--readings", town, *arguments).is_one_line(1, *words)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], town: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.csv"
    ran = evaluate(monkeypatch, capsys, "--readings", missing, "--rule", "adaptive", "--score")
    ran.is_one_line(1, "--readings", "missing.csv")
    out = tmp_path / "no" / "folder.csv"
    ran = evaluate(
        monkeypatch, capsys, "--readings", town, "--rule", "adaptive", "--alarms-out", out
    )
    ran.is_one_line(1, "--alarms-out", "folder.csv")


def test_outages_raise_hardly_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = tmp_path / "town.csv"
    source.write_text("\n".join(["home,time,register_l", *rows()]), "utf-8")
    ran = evaluate(
        monkeypatch, capsys, "--readings", source, "--rule", "adaptive", "--profile", "quiet",
        "--score", "--samples", 10, "--outages", 26, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "adaptive-quiet" in json.loads(ran.out)["score"]
