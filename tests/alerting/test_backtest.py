"""A rule on readings of the past: what it would have found, and how each of those went on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceState, DeviceView, judge, judge_register
from alerting.detectors.view import moment, seconds
from alerting.tables import ReadingRow
from alerting.trial.backtest import Ending, backtest, load_readings
from core.db import Database
from devices.event import Reading
from simulators.water import Household, WaterMeter

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 90


def meter(preset: str) -> DeviceView:
    rules = {"no_water_use": {"preset": preset}}
    return DeviceView(
        id="m-1", role="water_meter", family="native", rules=rules, zone="Asia/Shanghai"
    )


def home(
    *, still_from: datetime | None = None, still_h: float = 0, days: int = DAYS
) -> list[tuple[datetime, float]]:
    """Hourly readings in m3; from `still_from` on the register stands for so many hours."""
    lives = WaterMeter(home=Household(seed=7), installed=BEGAN.date(), start_l=1000)
    readings, lost = [], 0.0
    stood: float | None = None
    for hour in range(days * 24):
        at = BEGAN + timedelta(hours=hour)
        litres = float(lives.register_l(at))
        if still_from is not None and still_from <= at < still_from + timedelta(hours=still_h):
            stood = litres if stood is None else stood
            lost = litres - stood
        readings.append((at, (litres - lost) / 1000))
    return readings


@pytest.mark.parametrize(("still_h", "grew"), [(20, True), (6, False)])
def test_a_quiet_stretch_is_found_with_its_figures_and_its_ending(still_h: int, grew: bool) -> None:
    fell_still = BEGAN + timedelta(days=71, hours=10)
    readings = home(still_from=fell_still, still_h=still_h)
    since, until = BEGAN + timedelta(days=60), BEGAN + timedelta(days=DAYS)
    ran = backtest(readings, meter("adaptive"), since, until)
    assert ran.days == pytest.approx(30, abs=0.1)
    assert all(since <= one.at <= until for one in ran.found)
    asked, *later = (one for one in ran.found if fell_still <= one.at <= fell_still + DAY)
    assert (asked.kind, asked.level, asked.opens) == ("no_water_use", 1, "check")
    assert asked.since is not None
    assert asked.since <= fell_still < asked.at
    assert asked.facts["limit_s"] < asked.facts["idle_s"]
    assert (asked.ending, asked.grew) == (Ending.ROUTINE, grew)
    assert [(one.level, one.opens) for one in later] == ([(2, "incident")] if grew else [])


@pytest.mark.parametrize(
    ("still_h", "until_h", "ending"),
    [(20, 48, Ending.ROUTINE), (40, 48, Ending.ABSENCE), (20, 18, Ending.RUNNING)],
)
@pytest.mark.parametrize("preset", ["adaptive-quiet", "fixed-12h-10l"])
def test_how_a_gap_went_on(preset: str, still_h: int, until_h: int, ending: Ending) -> None:
    fell_still = BEGAN + timedelta(days=70, hours=2)
    readings = home(still_from=fell_still, still_h=still_h)
    until = fell_still + timedelta(hours=until_h)
    ran = backtest(readings, meter(preset), fell_still, until)
    assert ran.found
    assert ran.found[0].ending is ending
    assert not ran.found[0].grew  # it opened an incident itself


def test_nothing_of_welfare_is_found_while_nobody_is_at_home() -> None:
    fell_still = BEGAN + timedelta(days=70, hours=2)
    readings = home(still_from=fell_still, still_h=40)
    until = fell_still + timedelta(hours=40)
    at_home = backtest(readings, meter("adaptive"), fell_still, until)
    away = backtest(readings, meter("adaptive"), fell_still, until, absences=[(fell_still, None)])
    assert at_home.found
    assert not away.found


def test_a_device_without_readings_has_found_nothing_in_no_days() -> None:
    ran = backtest([], meter("adaptive"), BEGAN, BEGAN + timedelta(days=1))
    assert (ran.found, ran.days) == ((), 0)


steps = st.tuples(
    st.sampled_from([0, 60, 900, 3600, 7200, 30_000, 90_000]),
    st.sampled_from([0.0, 0.0, 0.001, 0.004, 0.12, 3.0, -1.0, 9e9]),
    st.sampled_from([0, 0, 0, 9000]),
)


@given(st.lists(steps, max_size=40), st.sampled_from(["adaptive", "fixed-12h-10l"]))
@settings(max_examples=60, deadline=None)
def test_the_quick_way_through_a_replay_is_the_way_of_production(
    taken: list[tuple[int, float, int]], preset: str
) -> None:
    device, at, value = meter(preset), seconds(BEGAN), 5.0
    quick = slow = DeviceState()
    for span, moved, late in taken:
        at += span
        value = max(value + moved, 0.0) if moved < 100 else value
        said = moved if moved > 100 else value
        reading = Reading(child_id="m-1", register="water_total", value=said, unit="m3")
        quick, found, due = judge_register(quick, said, at, device, at + late)
        judged = judge(slow, ((moment(at), reading),), device, moment(at + late))
        slow = judged.state
        assert (quick, found) == (slow, judged.findings)
        assert due == (0 if judged.judge_at is None else seconds(judged.judge_at))


@pytest.fixture
async def stored(db: Database) -> list[tuple[datetime, float]]:
    readings = home(days=3)
    async with db.transaction() as session:
        session.add_all(
            ReadingRow(device_id="m-1", register="water_total", at=at, value=value)
            for at, value in reversed(readings)
        )
        session.add(ReadingRow(device_id="m-1", register="battery_pct", at=BEGAN, value=50))
        session.add(ReadingRow(device_id="m-2", register="water_total", at=BEGAN, value=50))
    return readings


async def test_readings_are_loaded_in_order_from_both_databases(
    db: Database, stored: list[tuple[datetime, float]]
) -> None:
    since, until = BEGAN + timedelta(hours=5), BEGAN + timedelta(hours=50)
    async with db.reading() as session:
        loaded = await load_readings(session, "m-1", "water_total", since, until)
    assert loaded == [(at, value) for at, value in stored if since <= at <= until]
