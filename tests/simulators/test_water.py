"""The water generator: the same seed gives the same register, and homes stay plausible."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.water import DayKind, Household, Style, WaterMeter, day_kind, draws

ZONE = ZoneInfo("Asia/Shanghai")
INSTALLED = date(2026, 1, 25)
STYLES: tuple[Style, ...] = ("early_riser", "late_riser", "frugal", "garden", "couple", "sparing")
AT_HOME = [DayKind.ORDINARY, DayKind.WASHING, DayKind.GUESTS, DayKind.MARKET]

households = st.builds(Household, seed=st.integers(0, 10_000), style=st.sampled_from(STYLES))
days = st.dates(date(2026, 1, 25), date(2027, 1, 25))
moments = st.datetimes(datetime(2026, 1, 20), datetime(2026, 3, 10), timezones=st.just(ZONE))


def litres_between(meter: WaterMeter, start: datetime, hours: float) -> int:
    return meter.register_l(start + timedelta(hours=hours)) - meter.register_l(start)


@given(households, days)
def test_a_day_is_the_same_every_time_it_is_asked_for(home: Household, day: date) -> None:
    first = draws(home, day)
    draws.cache_clear()
    assert draws(home, day) == first
    assert all(0 <= draw.minute < 1440 and draw.litres > 0 for draw in first)
    assert [draw.minute for draw in first] == sorted({draw.minute for draw in first})


def test_two_homes_differ() -> None:
    day = date(2026, 2, 3)
    assert len({draws(Household(seed=seed), day) for seed in range(40)}) == 40


@given(households, moments, moments)
def test_a_register_never_runs_backwards(home: Household, one: datetime, two: datetime) -> None:
    meter = WaterMeter(home=home, installed=INSTALLED, start_l=4711)
    early, late = sorted((one, two))
    assert 4711 <= meter.register_l(early) <= meter.register_l(late)


@given(households, days, st.floats(0, 24))
def test_nobody_at_home_is_quiet_for_half_a_day(home: Household, day: date, hour: float) -> None:
    meter = WaterMeter(
        home=home, installed=day - timedelta(days=1), at_home_from=day - timedelta(days=1)
    )
    start = datetime.combine(day, time(), ZONE) + timedelta(hours=hour)
    assert litres_between(meter, start, 11) >= 12


@given(households, days)
def test_a_day_at_home_uses_what_one_or_two_people_use(home: Household, day: date) -> None:
    for kind in AT_HOME:
        assert 45 <= sum(draw.litres for draw in draws(home, day, kind)) <= 420


def test_a_weekend_away_leaves_a_day_without_water() -> None:
    home = next(
        Household(seed=seed)
        for seed in range(100)
        if day_kind(Household(seed=seed), date(2026, 2, 7)) is DayKind.LEAVES
    )
    assert day_kind(home, date(2026, 2, 8)) is DayKind.RETURNS
    meter = WaterMeter(home=home, installed=INSTALLED)
    noon = datetime(2026, 2, 7, 12, tzinfo=ZONE)
    assert litres_between(meter, noon, 24) == 0
    stays = WaterMeter(home=home, installed=INSTALLED, at_home_from=date(2026, 2, 7))
    assert litres_between(stays, noon, 24) > 45


def test_every_kind_of_day_happens() -> None:
    seen = Counter(
        day_kind(Household(seed=seed), INSTALLED + timedelta(days=n))
        for seed in range(40)
        for n in range(35)
    )
    assert set(seen) == set(DayKind)
    assert seen[DayKind.ORDINARY] > seen.total() / 2
    assert 0.01 < seen[DayKind.LEAVES] / seen.total() < 0.05


def test_a_household_that_stopped_uses_nothing_more() -> None:
    stopped = datetime(2026, 2, 3, 13, 20, tzinfo=ZONE)
    usual = WaterMeter(home=Household(seed=7), installed=INSTALLED)
    meter = WaterMeter(home=Household(seed=7), installed=INSTALLED, stopped_at=stopped)
    assert meter.register_l(stopped) == usual.register_l(stopped)
    assert litres_between(meter, stopped, 48) == 0


def test_a_tap_left_on_runs_beside_the_rest() -> None:
    opened = datetime(2026, 2, 3, 13, tzinfo=ZONE)
    usual = WaterMeter(home=Household(seed=7), installed=INSTALLED)
    meter = WaterMeter(home=Household(seed=7), installed=INSTALLED, tap_opened_at=opened)
    assert meter.register_l(opened) == usual.register_l(opened)
    assert litres_between(meter, opened, 3) == litres_between(usual, opened, 3) + 540


def test_hourly_readings_stop_at_the_present_and_agree_with_the_register() -> None:
    meter = WaterMeter(home=Household(seed=3), installed=INSTALLED, start_l=1000)
    present = datetime(2026, 2, 3, 9, 30, tzinfo=ZONE)
    today = meter.hourly(present.date(), present)
    assert [at.hour for at, _ in today] == list(range(10))
    assert all(meter.register_l(at) == register for at, register in today)
    yesterday = meter.hourly(present.date() - timedelta(days=1), present)
    assert len(yesterday) == 24
    assert yesterday[-1][1] <= today[0][1]
    assert [at.minute for at, _ in meter.hourly(present.date(), present, 45)] == [45] * 9


@pytest.mark.parametrize("zone", [ZONE, UTC, ZoneInfo("Europe/Madrid")])
def test_a_register_does_not_depend_on_the_zone_it_is_asked_in(zone: ZoneInfo) -> None:
    meter = WaterMeter(home=Household(seed=5), installed=INSTALLED)
    at = datetime(2026, 2, 20, 11, 11, tzinfo=ZONE)
    assert meter.register_l(at.astimezone(zone)) == meter.register_l(at)


def test_nothing_was_used_before_the_meter_was_there() -> None:
    meter = WaterMeter(home=Household(seed=5), installed=INSTALLED, start_l=88)
    assert meter.register_l(datetime(2026, 1, 24, 23, 59, tzinfo=ZONE)) == 88
