"""Vital signs, bed, fence and door: the rules as tables, and what holds for any input."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceState, dump_state, judge, load_state, rearm
from alerting.detectors.bed import Bed
from alerting.detectors.fence import Fence, fix_of
from alerting.detectors.hours import is_night
from alerting.detectors.levels import Levels
from alerting.detectors.view import MAX_SECONDS, DeviceView
from alerting.detectors.vitals import DEFAULT_LIMITS, FAR, Vitals
from alerting.device_state import Person
from alerting.finding import Finding
from care.limits import MEASURABLE
from devices.event import DeviceEvent, Reading
from devices.geodesy import distance_m, gcj02_to_wgs84, wgs84_to_gcj02
from tests.detection.support import (
    T0,
    Said,
    Watch,
    device,
    event,
    hours,
    minutes,
    outline,
    reading,
)

ROSE, WORSE, CLEARED = "rose", "worse", "cleared"
NIGHT = T0 + hours(15)  # 23:00 in Shanghai
HOME = (23.13171, 113.26627)


# --- vital signs


def pulse(value: float) -> Reading:
    return reading("heart_rate", value, "1/min")


def measured(view: DeviceView, *values: float, every: timedelta = minutes(10)) -> list[str]:
    """Signs found when the pulse is measured at a steady pace."""
    watch, found = Watch(view), []
    for number, value in enumerate(values):
        found += [sign for _, sign in watch.hear(T0 + number * every, pulse(value))]
    return found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([70, 72, 110, 50], []),
        ([120], []),
        ([120, 121], [ROSE]),
        ([120, 80, 121], []),
        ([120, 45], []),
        ([120, 121, 122, 123], [ROSE]),
        ([151], [ROSE]),
        ([39], [ROSE]),
        ([120, 121, 151], [ROSE, WORSE]),
        ([151, 120, 80], [ROSE, CLEARED]),
        ([151, 45], [ROSE, WORSE]),
        ([0, 0, 0], []),
        ([300, 300], []),
        ([-5, -5], []),
    ],
)
def test_a_pulse_is_found_when_a_second_one_confirms_it(
    values: list[float], found: list[str]
) -> None:
    assert measured(device("health_monitor"), *values) == found


def test_a_second_measurement_counts_only_soon_enough_and_not_at_once() -> None:
    view = device("health_monitor")
    assert measured(view, 120, 121, every=minutes(61)) == []
    assert measured(view, 120, 121, every=timedelta(seconds=5)) == []
    assert measured(view, 120, *[121] * 4, every=timedelta(seconds=5)) == [ROSE]
    patient = device("health_monitor", rules={"vitals": {"confirm_within_min": 90}})
    assert measured(patient, 120, 121, every=minutes(61)) == [ROSE]


@pytest.mark.parametrize(
    ("role", "register", "value", "is_found"),
    [
        ("watch", "heart_rate", 160, True),
        ("bed_sensor", "heart_rate", 160, True),
        ("fall_detector", "heart_rate", 160, True),
        ("smoke_detector", "temperature", 44, False),
        ("watch", "temperature", 33, False),  # skin
        ("health_monitor", "temperature", 40, True),
        ("health_monitor", "spo2", 84, True),
        ("health_monitor", "spo2", 100, False),
        ("water_meter", "heart_rate", 160, False),
    ],
)
def test_only_sensors_for_people_measure_people(
    role: str, register: str, value: float, is_found: bool
) -> None:
    found = Watch(device(role)).hear(T0, reading(register, value))
    assert bool(found) == is_found


def test_who_does_not_wear_it_is_not_measured() -> None:
    watch = Watch(device("watch"))
    off = event("vitals", data={"heart_rate": 200, "worn": False})
    assert watch.hear(T0, off, event("vitals", retained=True, data={"heart_rate": 200})) == []
    assert watch.hear(T0, event("vitals", data={"heart_rate": "200", "worn": True})) != []


def test_still_outside_a_day_later_is_told_again_and_so_is_what_was_rearmed() -> None:
    watch = Watch(device("health_monitor"))
    assert watch.hear(T0, pulse(160)) == [("vitals", ROSE)]
    assert watch.hear(T0 + hours(12), pulse(160)) == []
    assert watch.hear(T0 + hours(25), pulse(160)) == [("vitals", ROSE)]
    watch.text = dump_state(rearm(watch.state, "vitals", T0))
    assert watch.hear(T0 + hours(26), pulse(160)) == [("vitals", ROSE)]


def test_the_case_clears_only_when_everything_is_within_its_limits() -> None:
    watch = Watch(device("health_monitor"))
    watch.hear(T0, pulse(160), reading("spo2", 80))
    assert watch.hear(T0 + minutes(5), pulse(70)) == []
    assert watch.hear(T0 + minutes(6), reading("spo2", 95)) == [("vitals", CLEARED)]


def test_an_old_measurement_is_history() -> None:
    watch = Watch(device("health_monitor"))
    assert watch.hear(T0, pulse(200), late=hours(3)) == []
    assert watch.text == dump_state(DeviceState())


def test_defaults_lie_within_what_can_be_measured() -> None:
    for register, (least, most) in MEASURABLE.items():
        low, high = DEFAULT_LIMITS[register]
        far_low, far_high = FAR[register]
        assert least < far_low < low < high <= most
        assert far_high > high


# --- bed


def bed(**rule: Any) -> Watch:
    return Watch(device("bed_sensor", rules={"out_of_bed": rule} if rule else {}))


def ticked(watch: Watch, at: datetime) -> list[tuple[str, str]]:
    return outline(watch.tick(at))


def test_out_of_bed_is_found_after_half_an_hour_and_cleared_by_the_return() -> None:
    watch = bed()
    watch.hear(NIGHT, event("out_of_bed"))
    assert watch.judge_at == NIGHT + minutes(30)
    assert ticked(watch, NIGHT + minutes(29)) == []
    assert ticked(watch, NIGHT + minutes(30)) == [("out_of_bed", ROSE)]
    assert watch.judge_at is None
    assert ticked(watch, NIGHT + minutes(31)) == []
    assert watch.hear(NIGHT + minutes(40), event("in_bed")) == [("out_of_bed", CLEARED)]


@pytest.mark.parametrize(
    ("rule", "local_hour", "is_found"),
    [
        ({}, 21.9, False),
        ({}, 22.0, True),
        ({}, 2.0, True),
        ({}, 5.4, True),
        ({}, 5.6, False),  # half an hour later it is day
        ({}, 13.0, False),
        ({"from": "12:00", "until": "14:00"}, 13.0, True),
        ({"from": "nonsense", "until": "7:99"}, 2.0, True),
        ({"enabled": False}, 2.0, False),
    ],
)
def test_by_day_nobody_is_looked_for(
    rule: dict[str, Any], local_hour: float, is_found: bool
) -> None:
    watch, at = bed(**rule), T0 + hours((local_hour - 8) % 24)
    watch.hear(at, event("out_of_bed"))
    assert bool(ticked(watch, at + minutes(30))) == is_found


def test_a_sensor_that_restates_its_level_counts_from_the_first_time() -> None:
    watch = bed()
    watch.hear(NIGHT - hours(2), event("out_of_bed"))  # by day
    watch.hear(NIGHT, event("out_of_bed"))
    assert watch.judge_at is None
    watch.hear(NIGHT + hours(11), event("out_of_bed"))
    watch.hear(NIGHT + hours(23.9), event("out_of_bed"))
    assert watch.judge_at == NIGHT + hours(24.4)


def test_a_morning_after_an_outage_wakes_nobody() -> None:
    watch = bed()
    watch.hear(NIGHT, event("out_of_bed"))
    assert ticked(watch, NIGHT + hours(3)) == []
    assert watch.judge_at is None


@given(st.integers(0, 10**9), st.sampled_from(["Asia/Shanghai", "UTC", "Asia/Urumqi", "no/where"]))
def test_what_is_found_began_and_was_due_at_night(at_s: int, zone: str) -> None:
    view = device("bed_sensor", zone=zone)
    watch, at = Watch(view), T0 + timedelta(seconds=at_s)
    watch.hear(at, event("out_of_bed"))
    found = watch.tick(at + minutes(30))
    both = all(
        is_night(int(moment.timestamp()), view, "out_of_bed") for moment in (at, at + minutes(30))
    )
    assert bool(found) == both


# --- fence


def locator(**rule: Any) -> Watch:
    rule = {"when": "always", "home": [*HOME, 300]} | rule
    return Watch(device("locator", rules={"left_home": rule}))


def fix(metres: float, **data: Any) -> DeviceEvent:
    place = {"latitude": HOME[0] + metres / 111_195, "longitude": HOME[1]}
    return event("location", data=place | data)


def walked(watch: Watch, *fixes: DeviceEvent, start: datetime = T0) -> list[str]:
    found: list[str] = []
    for number, one in enumerate(fixes):
        found += [sign for _, sign in watch.hear(start + number * minutes(5), one)]
    return found


@pytest.mark.parametrize(
    ("fixes", "found"),
    [
        ([fix(0), fix(290)], []),
        ([fix(400)], []),
        ([fix(400), fix(410)], [ROSE]),
        ([fix(400), fix(10), fix(410)], []),
        ([fix(400), fix(410), fix(420), fix(10)], [ROSE, CLEARED]),
        ([fix(1500)], []),  # far, but it did not say how sure it is
        ([fix(1500, accuracy_m=50)], [ROSE]),
        ([fix(1500, accuracy_m=400)], []),
        ([fix(1500, accuracy_m=400), fix(1500, accuracy_m=400)], [ROSE]),
        ([fix(3000, accuracy_m=2000)] * 3, []),  # a cell tower's place
        ([fix(400, accuracy_m=200)] * 3, []),  # perhaps inside
        ([event("location", data={"latitude": 0, "longitude": 0})] * 2, []),
        ([event("location", data={"latitude": 91, "longitude": 0})] * 2, []),
        ([event("location", data={"latitude": "x", "longitude": None})] * 2, []),
        ([event("location", data={"lat": "24.1", "lng": "113.2"})] * 2, [ROSE]),
        ([event("location", retained=True, data=fix(9000).data)] * 2, []),
    ],
)
def test_leaving_home_needs_two_fixes_or_one_that_is_sure(
    fixes: list[DeviceEvent], found: list[str]
) -> None:
    assert walked(locator(), *fixes) == found


@pytest.mark.parametrize(
    ("rule", "start", "is_found"),
    [
        ({"when": "off"}, NIGHT, False),
        ({"when": None}, NIGHT, False),
        ({"when": "night"}, NIGHT, True),
        ({"when": "night"}, T0, False),  # 08:00
        ({"when": "always"}, T0, True),
        ({"home": None}, T0, False),
        ({"home": [*HOME, 2000]}, T0, False),
        ({"home": [*HOME, None]}, T0, True),
    ],
)
def test_it_is_watched_only_where_and_when_somebody_asked(
    rule: dict[str, Any], start: datetime, is_found: bool
) -> None:
    assert bool(walked(locator(**rule), fix(900), fix(900), start=start)) == is_found


def test_a_tracker_that_reports_as_chinese_maps_do_is_put_right() -> None:
    shifted = wgs84_to_gcj02(*HOME)
    at_home = event("location", data={"latitude": shifted[0], "longitude": shifted[1]})
    assert walked(locator(), at_home, at_home) == [ROSE]
    assert walked(locator(datum="gcj02"), at_home, at_home) == []
    said = fix_of({"lat": shifted[0], "lng": shifted[1], "datum": "gcj02"})
    assert said is not None
    assert distance_m(*HOME, said.latitude, said.longitude) < 0.1


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        # reference values of the published implementations (eviltransform)
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((51.5, -0.12), (51.5, -0.12)),  # not China
    ],
)
def test_the_shift_of_chinese_maps(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert distance_m(*wgs84_to_gcj02(*wgs84), *gcj02) < 0.01
    assert distance_m(*gcj02_to_wgs84(*gcj02), *wgs84) < 0.1


@given(st.floats(4, 53), st.floats(74, 134))
def test_the_shift_can_be_undone_everywhere(latitude: float, longitude: float) -> None:
    there = wgs84_to_gcj02(latitude, longitude)
    assert distance_m(*gcj02_to_wgs84(*there), latitude, longitude) < 0.1


def test_distances() -> None:
    assert distance_m(*HOME, *HOME) == 0
    assert distance_m(39.9042, 116.4074, 31.2304, 121.4737) == pytest.approx(1_067_300, rel=0.005)
    assert distance_m(0, 0, 0, 180) == pytest.approx(20_015_000, rel=0.001)


# --- door


def test_a_door_at_night_is_news_once_until_it_closes() -> None:
    door = Watch(device("door_contact", rules={"left_home": {"when": "always"}}))
    assert door.hear(T0, event("door_open")) == []  # 08:00
    assert door.hear(T0 + hours(1), event("door_closed")) == []
    assert door.hear(NIGHT, event("door_open")) == [("left_home", ROSE)]
    assert door.hear(NIGHT + minutes(1), event("door_open")) == []
    assert door.hear(NIGHT + minutes(2), event("door_closed")) == []
    assert door.hear(NIGHT + minutes(3), event("door_open")) == [("left_home", ROSE)]


@pytest.mark.parametrize("rules", [{}, {"left_home": {"when": "off"}}])
def test_any_other_door_is_only_recorded(rules: dict[str, Any]) -> None:
    assert Watch(device("door_contact", rules=rules)).hear(NIGHT, event("door_open")) == []


# --- anything at all

RULES = {
    "left_home": {"when": "night", "home": [*HOME, 300]},
    "vitals": {"heart_rate": [60, 90], "temperature": [36, 37]},
    "out_of_bed": {"minutes": 5},
}
anything = st.one_of(
    st.builds(
        reading,
        st.sampled_from(["heart_rate", "spo2", "systolic", "temperature", "battery_pct"]),
        st.one_of(st.sampled_from([0, 45, 70, 80, 100, 151, 180]), st.floats(-1e300, 1e300)),
    ),
    st.builds(
        lambda kind, retained, **data: event(kind, retained=retained, data=data),
        st.sampled_from(["vitals", "location", "in_bed", "out_of_bed", "door_open", "door_closed"]),
        st.booleans(),
        latitude=st.one_of(st.floats(23, 23.3), st.none(), st.text(max_size=3), st.floats()),
        longitude=st.one_of(st.just(HOME[1]), st.integers()),
        accuracy=st.one_of(st.none(), st.floats(0, 900)),
        heart_rate=st.one_of(st.integers(0, 300), st.text(max_size=3), st.lists(st.none())),
        worn=st.one_of(st.booleans(), st.none()),
    ),
)
whens = st.one_of(st.integers(0, 200_000), st.integers(-(10**9), 10**9))


def timed(rows: Sequence[tuple[int, DeviceEvent | Reading]]) -> list[Said]:
    return [(T0 + timedelta(seconds=at), what) for at, what in rows]


said_things = st.lists(st.tuples(whens, anything), max_size=30).map(timed)
roles = st.sampled_from(["watch", "health_monitor", "bed_sensor", "locator", "door_contact"])


@settings(max_examples=200, deadline=None)
@given(said_things, roles, st.lists(st.integers(0, 30), max_size=5), st.integers(0, 300_000))
def test_a_replay_is_bit_identical_and_the_state_stays_small(
    said: list[Said], role: str, cuts: list[int], now_s: int
) -> None:
    view, now = device(role, rules=RULES), T0 + timedelta(seconds=now_s)
    whole = judge(DeviceState(), said, view, now)
    watch = Watch(view)
    found: tuple[Finding, ...] = ()
    edges = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    for start, end in pairwise(edges):
        found += watch.hears(said[start:end], now)
        assert len(watch.text.encode()) <= 512
    assert found == whole.findings
    assert watch.text == dump_state(whole.state) or not said
    watch.tick(now)
    watch.tick(now + hours(9))


def test_the_largest_state_of_a_person_fits() -> None:
    vitals = tuple(v for n in range(len(MEASURABLE)) for v in (8 * n + 7, MAX_SECONDS))
    state = DeviceState(
        levels=Levels(tuple(v for n in range(9) for v in (2 * n, MAX_SECONDS, 99_999)), 999),
        rebuilt=1,
        person=Person(
            vitals=Vitals(vitals, MAX_SECONDS),
            bed=Bed(MAX_SECONDS, 1, 1, MAX_SECONDS),
            fence=Fence(MAX_SECONDS, MAX_SECONDS, 1),
        ),
    )
    assert len(dump_state(state).encode()) <= 512
    assert load_state(dump_state(state)) == state
