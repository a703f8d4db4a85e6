"""`anju evaluate water --from-database` and `anju devices rebuild`: what a town has stored."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerting.intake.store import save_readings
from care.tables import Area, Device, Source
from core.clock import SystemClock
from core.db import Database
from simulators.water import Household, WaterMeter
from tests.gateway.cli import SECRET, Ran, run_here

DAYS = 66
Command = Callable[..., Ran]
NOW = SystemClock().now().replace(minute=0, second=0, microsecond=0)
BEGAN = NOW - timedelta(days=DAYS)


def readings(device: str, seed: int) -> list[tuple[str, str, datetime, float]]:
    """Hourly; from the 65th day on nobody uses water."""
    meter = WaterMeter(
        home=Household(seed=seed),
        installed=BEGAN.date(),
        start_l=1000,
        stopped_at=BEGAN + timedelta(days=65),
    )
    moments = (BEGAN + timedelta(hours=hour) for hour in range(DAYS * 24))
    return [(device, "water_total", at, meter.register_l(at) / 1000) for at in moments]


async def fill(url: str) -> None:
    """A county with a town and a village; two meters are read, one is silent."""
    database = Database(url)
    async with database.transaction() as session:
        session.add(Source(id="s-1", name="s", family="native", created_at=BEGAN))
        for area, path in (("county", "county/"), ("town", "county/town/"), ("far", "far/")):
            session.add(Area(id=area, name=area, level="town", path=path, created_at=BEGAN))
        await session.flush()
        for device, area, role in (
            ("m-town", "town", "water_meter"),
            ("m-far", "far", "water_meter"),
            ("m-silent", "town", "water_meter"),
            ("smoke-1", "town", "smoke_detector"),
        ):
            session.add(
                Device(
                    id=device,
                    family="native",
                    source_id="s-1",
                    child_id=device,
                    role=role,
                    area_id=area,
                    enrolled_at=BEGAN,
                )
            )
        await session.flush()
        for seed, device in enumerate(("m-town", "m-far"), 7):
            await save_readings(session, readings(device, seed))
        await save_readings(session, [("m-town", "battery_pct", NOW, 50.0)])
    await database.close()


@pytest.fixture
def anju(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> Command:
    asyncio.run(fill(database_url))
    settings = {
        "database_url": database_url,
        "mqtt_url": "mqtt://127.0.0.1:1",
        "secret_key": SECRET,
        "timezone": "Europe/Madrid",
    }
    looks = {name: settings[name] for name in ("database_url", "timezone")}

    def run(*words: object) -> Ran:
        needed = looks if words[0] == "evaluate" else settings
        return run_here(monkeypatch, capsys, *map(str, words), settings=needed)

    return run


def test_every_meter_or_an_area_s_by_the_town_s_clock(anju: Command, tmp_path: Path) -> None:
    out = tmp_path / "alarms.csv"
    asked = ("evaluate", "water", "--from-database", "--rule", "adaptive", "--alarms-out", out)
    ran = anju(*asked, "--json")
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert (result["homes"], result["readings"]) == (2, 2 * DAYS * 24)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["home"] for row in rows} == {"m-town", "m-far"}
    last = datetime.fromisoformat(rows[-1]["time"])
    assert BEGAN + timedelta(days=65) < last <= NOW
    assert last.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    assert len(rows) == result["alarms"]
    county = json.loads(anju(*asked, "--area", "county", "--days", 10, "--json").out)
    assert county["homes"] == 1
    assert 10 * 24 - 3 <= county["readings"] <= 10 * 24, "the hour may turn meanwhile"
    scored = anju("evaluate", "water", "--from-database", "--rule", "adaptive-tight", "--score",
                  "--samples", 5)  # fmt: skip
    assert "adaptive-tight" in scored.out, scored.err


def test_what_is_asked_wrongly_of_a_database_is_one_line(anju: Command, tmp_path: Path) -> None:
    out = ("--rule", "adaptive", "--alarms-out", tmp_path / "alarms.csv")
    evaluate = ("evaluate", "water", *out)
    anju(*evaluate, "--from-database", "--area", "nowhere").is_one_line(1, "--area", "nowhere")
    anju(*evaluate, "--from-database", "--readings", out[-1]).is_one_line(1, "not both")
    anju(*evaluate).is_one_line(1, "--readings", "--from-database")
    anju(*evaluate, "--readings", out[-1], "--days", 3).is_one_line(1, "--days")
    anju(*evaluate, "--from-database", "--zone", "Mars").is_one_line(1, "--zone", "Mars")


def test_meters_are_made_anew_from_the_command_line(anju: Command) -> None:
    every = anju("devices", "rebuild", "--all")
    assert every.code == 0, every.err
    assert [line.split(":")[0] for line in every.out.splitlines()] == [
        "m-far",
        "m-silent",
        "m-town",
    ]
    one = json.loads(anju("devices", "rebuild", "m-town", "--json").out)
    assert (one["device_id"], one["readings"]) == ("m-town", DAYS * 24)
    anju("devices", "rebuild", "nothing").is_one_line(1, "nothing")
    anju("devices", "rebuild", "smoke-1").is_one_line(1, "no meter")
    anju("devices", "rebuild").is_one_line(1, "--all")
    anju("devices", "rebuild", "m-town", "--all").is_one_line(1, "--all")


def test_without_settings_or_database_it_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ("evaluate", "water", "--from-database", "--rule", "adaptive", "--score")
    monkeypatch.chdir(tmp_path)
    run_here(monkeypatch, capsys, *asked, settings={}).is_one_line(2, "ANJU_DATABASE_URL")
    mars = {"timezone": "Mars"}
    run_here(monkeypatch, capsys, *asked, settings=mars).is_one_line(2, "ANJU_TIMEZONE")
    rebuild = run_here(monkeypatch, capsys, "devices", "rebuild", "--all", settings={})
    rebuild.is_one_line(2, "ANJU_SECRET_KEY")
    for name, content in (("missing.db", None), ("empty.db", b""), ("text.db", b"hello " * 99)):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        settings = {
            "database_url": f"sqlite+aiosqlite:///{path}",
            "mqtt_url": "mqtt://127.0.0.1:1",
            "secret_key": SECRET,
        }
        ran = run_here(monkeypatch, capsys, *asked, settings=settings)
        ran.is_one_line(2, "ANJU_DATABASE_URL")
        assert path.exists() is (content is not None)
