"""Electricity: what is activity and what is not, and when nothing can be said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from alerting.detect import DeviceState, dump_state, load_state
from alerting.detectors import load
from alerting.detectors.assessable import Register
from alerting.detectors.levels import Levels
from alerting.detectors.load import Block, Closed
from alerting.detectors.meter import Meter
from alerting.detectors.nights import Nights, packed, unpacked
from alerting.detectors.register import Line
from alerting.detectors.supply import Power
from alerting.detectors.view import MAX_SECONDS
from simulators.power import PowerMeter
from simulators.water import DayKind, Household, day_kind
from tests.detection.electricity import (
    ORDINARY,
    SEED,
    START,
    Counter,
    kettle_at,
    kinds,
    known,
    meter,
    refrigerator,
)
from tests.detection.support import device, event, reading

# --- activity


def test_a_kettle_over_a_refrigerator_is_activity() -> None:
    home = known(Counter(meter()))
    home.lives(h=7)
    assert home.active_at is not None
    assert START + timedelta(days=10, hours=6) < home.active_at <= home.now - timedelta(minutes=15)
    at_night = home.active_at
    home.lives(h=3)
    assert home.active_at == at_night, "the refrigerator alone is nobody"


@pytest.mark.parametrize(
    ("every_min", "step_wh"), [(1, 1), (5, 10), (15, 10), (30, 1), (60, 10), (120, 10)]
)
def test_whatever_minute_it_boils_in_the_kettle_is_seen(every_min: int, step_wh: int) -> None:
    home = known(Counter(meter(), every_min=every_min, step_wh=step_wh), days=6)
    for minute in range(0, 60, 9):
        midnight = home.now
        home.lives(refrigerator, h=8)
        assert home.active_at is None or home.active_at < midnight
        home.lives(kettle_at((9, minute)), h=16)
        assert home.active_at is not None
        boiled = midnight + timedelta(hours=9, minutes=minute)
        slack = timedelta(minutes=max(every_min, 30) + 5)
        assert boiled - slack <= home.active_at <= boiled + slack


def test_a_kettle_shows_before_its_half_hour_is_over() -> None:
    home = known(Counter(meter(), every_min=1, step_wh=1))
    home.lives(refrigerator, h=9)
    home.lives(kettle_at((9, 1)), h=0.1)
    assert home.active_at is not None
    assert home.now - home.active_at < timedelta(minutes=15)


@pytest.mark.parametrize("watts", [40.0, 300.0, 2000.0])
def test_what_was_left_on_counts_once_and_never_again(watts: float) -> None:
    """A television or a heater that runs on is the home's, not a person's."""
    home = known(Counter(meter()))
    home.lives(refrigerator, h=8.25)

    def left_on(at: datetime) -> float:
        return refrigerator(at) + watts

    home.lives(left_on, h=2)
    switched_on, quiet_from = home.active_at, home.power.quiet_from
    home.lives(left_on, h=20)
    assert home.active_at == switched_on
    assert home.power.quiet_from == quiet_from


def test_two_weeks_of_a_heavier_night_are_a_new_base_load() -> None:
    home = known(Counter(meter()))
    before = home.power.nights.base
    home.lives(lambda at: ORDINARY(at) + 60, days=14)
    assert before < home.power.nights.base
    assert load.watts(home.power.nights.base) in range(100, 130)
    home.lives(days=14)
    assert home.power.nights.base == before


def test_a_kettle_in_one_night_in_four_does_not_raise_it() -> None:
    calm, restless = known(Counter(meter()), 16), Counter(meter())
    for day in range(16):
        restless.lives(kettle_at((3, 10), (4, 10)) if day % 4 == 0 else ORDINARY, days=1)
    assert restless.power.nights.base == calm.power.nights.base


def test_nothing_is_learnt_from_nights_when_nobody_is_at_home() -> None:
    home = known(Counter(meter()))
    past = home.power.nights.past
    home.watch.device = device("electricity_meter", zone="UTC", resting=True)
    home.lives(lambda at: refrigerator(at) / 2, days=5)
    assert home.power.nights.past == past


def test_a_level_fits_in_a_byte_and_is_rounded_up_a_little() -> None:
    for wh in range(20_000):
        kept = unpacked(packed(wh * 10)) // 10
        assert wh <= kept <= wh * 17 / 16 + 1
    assert packed(9_999_999) == 255


# --- what cannot be said


def test_a_new_home_says_nothing_before_five_nights() -> None:
    home = Counter(meter("fixed-24h"))
    home.lives(days=4)
    assert home.doubt == "learning"
    assert home.active_at is None
    home.lives(days=1)
    assert home.doubt == ""
    home.lives(h=9)
    assert home.active_at is not None
    assert home.found == []


@pytest.mark.parametrize(
    ("every_min", "step_wh", "why"),
    [(15, 1000, "coarse_steps"), (15, 100, "coarse_steps"), (1440, 10, "too_rare"),
     (360, 10, "too_rare")],
)  # fmt: skip
def test_a_meter_that_is_too_coarse_or_too_rare_says_nothing(
    every_min: int, step_wh: int, why: str
) -> None:
    home = Counter(meter("fixed-24h"), every_min=every_min, step_wh=step_wh)
    home.lives(days=20)
    assert home.doubt == why
    home.lives(refrigerator, days=4)
    assert home.found == []


def test_a_home_with_no_base_load_says_nothing_by_its_silence_but_is_heard() -> None:
    home = Counter(meter("fixed-24h"))

    def only_kettle(at: datetime) -> float:
        return ORDINARY(at) - refrigerator(at)

    home.lives(only_kettle, days=10.4)
    assert home.doubt == "no_base_load"
    assert home.active_at is not None
    home.lives(lambda _: 0.0, days=3)
    assert home.found == []


def test_a_plug_is_heard_but_its_rest_says_nothing() -> None:
    home = Counter(meter("fixed-24h", role="plug"), step_wh=1)
    home.lives(lambda at: ORDINARY(at) - refrigerator(at) + 1, days=10.4)
    assert home.active_at is not None
    assert home.now - home.active_at < timedelta(hours=4)
    assert home.doubt == "one_appliance"
    home.lives(lambda _: 1.0, days=3)
    assert home.found == []


def test_with_the_mains_off_nothing_is_said_and_their_return_is_nobody() -> None:
    home = known(Counter(meter("fixed-24h")))
    home.lives(refrigerator, h=3)
    home.lives(lambda _: 0.0, h=3)
    assert home.doubt == ""
    home.lives(lambda _: 0.0, h=2)
    assert home.doubt == "stands_still"
    before = home.active_at
    home.lives(lambda _: 0.0, h=40)
    assert kinds([one for _, one in home.found]) == [("cannot_assess", "rose")]
    assert home.found[0][1].facts["reason"] == "stands_still"
    assert kinds(home.lives(lambda at: 4 * refrigerator(at), h=0.5)) == [
        ("cannot_assess", "cleared")
    ]
    home.lives(refrigerator, h=2)
    assert home.active_at == before
    assert home.doubt == ""
    assert home.power.quiet_from > (START + timedelta(days=12)).timestamp()


def test_nights_without_mains_are_no_calm_nights() -> None:
    home = known(Counter(meter()), 14)
    before = home.power.nights.base
    for _ in range(6):
        home.lives(lambda at: 0.0 if at.hour < 6 else ORDINARY(at), days=1)
    assert home.power.nights.base == before


# --- no_power_use


def test_by_default_nothing_is_raised() -> None:
    home = known(Counter(meter()))
    assert home.lives(refrigerator, days=4) == []


@pytest.mark.parametrize(("preset", "hours"), [("fixed-24h", 24), ("fixed-36h", 36)])
def test_a_home_with_only_a_meter_is_found_and_clears(preset: str, hours: int) -> None:
    home = known(Counter(meter(preset)))
    found = home.lives(refrigerator, h=hours + 4)
    assert kinds(found) == [("no_power_use", "rose")]
    ((at, one),) = home.found
    last_use = START + timedelta(days=9, hours=19, minutes=20)
    assert timedelta(hours=hours) <= at - last_use <= timedelta(hours=hours + 1)
    assert one.facts["limit_s"] == hours * 3600 <= one.facts["idle_s"]
    assert one.facts["base_w"] == load.watts(home.power.nights.base)
    assert one.facts["last_reading_at"] == at.isoformat()
    assert last_use - timedelta(hours=1) < datetime.fromisoformat(one.facts["active_at"])
    assert kinds(home.lives(h=24)) == [("no_power_use", "cleared")]
    assert home.power.level == 0


def test_nobody_is_sent_while_nobody_is_at_home() -> None:
    home = known(Counter(meter("fixed-24h")))
    view = home.watch.device
    home.watch.device = device("electricity_meter", rules=view.rules, zone="UTC", resting=True)
    assert home.lives(refrigerator, days=3) == []
    home.watch.device = view
    assert kinds(home.lives(refrigerator, h=1)) == [("no_power_use", "rose")]


def test_one_reading_of_the_past_opens_nothing_and_the_next_fresh_one_does() -> None:
    home = known(Counter(meter("fixed-24h")))
    home.lives(refrigerator, h=19)
    for _ in range(4):
        home.silent(refrigerator, h=0.25)
        assert home.reads(late=timedelta(hours=3)) == []
    home.now += timedelta(hours=3)
    assert kinds(home.reads()) == [("no_power_use", "rose")]


# --- time


@pytest.mark.parametrize("begins", [datetime(2026, 3, 23, tzinfo=UTC),
                                    datetime(2026, 10, 19, tzinfo=UTC)])  # fmt: skip
def test_a_change_of_the_clock_costs_no_night(begins: datetime) -> None:
    home = Counter(meter(zone="Europe/Berlin"))
    home.now = begins
    home.lives(days=10)
    assert len(home.power.nights.past) // 2 == 10
    assert home.doubt == ""


def test_a_night_is_the_home_s_own() -> None:
    """A storage heater from one to five, by the clock in Urumqi's homes."""
    zone = ZoneInfo("Asia/Urumqi")
    home = Counter(meter(zone="Asia/Urumqi"))

    def heater(at: datetime) -> float:
        return refrigerator(at) + (900 if 1 <= at.astimezone(zone).hour < 5 else 0)

    home.lives(heater, days=10)
    assert load.watts(home.power.nights.base) > 900


def test_a_clock_set_back_does_not_stop_it() -> None:
    home = known(Counter(meter()))
    home.now += timedelta(days=400)
    home.watch.hears([(home.now, reading("energy_total", home.wh / 1000, "kWh"))], home.now)
    home.now -= timedelta(days=400)
    home.lives(h=20)
    assert home.active_at is not None
    assert home.now - home.active_at < timedelta(hours=2)


def test_an_invented_home_is_raised_for_its_people_away_and_for_the_day_nobody_gets_up() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    home = Household(seed=SEED)
    stops = datetime(2026, 1, 20, 9, 30, tzinfo=zone)
    sold = PowerMeter(home=home, installed=date(2026, 1, 1), stopped_at=stops)
    watch = meter("fixed-24h", zone="Asia/Shanghai")
    now, raised = datetime(2026, 1, 1, tzinfo=zone), []
    while now < stops + timedelta(hours=30):
        kwh = sold.energy_wh(now) / 1000
        found = watch.hears([(now, reading("energy_total", kwh, "kWh"))], now)
        raised += [now for one in found if one.sign.value == "rose"]
        now += timedelta(minutes=15)
    *away, found_at = raised
    days = {(at - timedelta(days=1)).date() for at in away}
    assert {day_kind(home, day) for day in days} == {DayKind.LEAVES}
    assert timedelta(hours=20) < found_at - stops < timedelta(hours=25)


# --- state


def test_the_largest_state_of_an_electricity_meter_fits() -> None:
    most = 9_999_999_999
    state = DeviceState(
        levels=Levels(tuple(v for n in range(9) for v in (2 * n, MAX_SECONDS, 99_999)), 999),
        rebuilt=1,
        register=Register(MAX_SECONDS, MAX_SECONDS, 1),
        power=Power(
            Line(MAX_SECONDS, most, MAX_SECONDS, most),
            MAX_SECONDS,
            30_000,
            Meter(99_999, 10_000, 10_000),
            Block(MAX_SECONDS, 999_999_999, 9_999_999),
            Nights(9_999_999, bytes(28), 99_999, 99_999, 99_999, 9_999_999, 9_999_999),
            MAX_SECONDS,
            MAX_SECONDS,
            MAX_SECONDS,
            1,
            MAX_SECONDS,
            99,
            1,
        ),
    )
    text = dump_state(state)
    assert len(text.encode()) <= 512
    assert load_state(text) == state


def test_a_stored_night_that_is_not_whole_begins_anew() -> None:
    home = known(Counter(meter()))
    broken = replace(home.power, nights=replace(home.power.nights, past=b"123"))
    assert load_state(dump_state(replace(home.watch.state, power=broken))).rebuilt
    home.watch.hear(home.now, event("heartbeat"))


def test_a_load_that_falls_is_a_change_only_while_it_is_above_the_base_load() -> None:
    assert load.is_activity(Closed(0, 1800, 2000, 5000), 300, 10)
    assert not load.is_activity(Closed(0, 1800, 300, 5000), 300, 10)
    assert not load.is_activity(Closed(0, 1800, 5000, load.UNKNOWN), 300, 10)
    assert not load.is_activity(Closed(0, 1800, 5000, 300), load.UNKNOWN, 10)
