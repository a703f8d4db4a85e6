"""Who watches over an elder: pure rules, as tables and properties."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detectors.assessable import CERTAIN_AFTER_S
from alerting.detectors.liveness import (
    LEARNED_MARGIN,
    SHORTEST_LIMIT_S,
    expected_every_s,
    learn_interval,
    silence_limit_s,
)
from alerting.detectors.view import seconds
from alerting.fleet.firmware import outdated, version_key
from alerting.fleet.trends import battery_trend, signal_band
from alerting.supervision import (
    NOTICE,
    Device,
    Share,
    Standing,
    Why,
    due_at,
    judge,
    standing,
)
from alerting.vigilance import Unable, Vigilance
from care.policy import SupervisionRules
from devices.event import DEVICE_ROLES
from tests.detection.support import T0, Watch, device, event, hours, reading, water

NOW = T0 + hours(100)


def kept(**fields: Any) -> Device:
    """A button that spoke an hour ago and is due in a day."""
    values: dict[str, Any] = {
        "id": "d",
        "role": "sos_button",
        "room": None,
        "active": True,
        "last_heard_at": NOW - hours(1),
        "silent_after": NOW + hours(24),
        "online": None,
    }
    return Device(**(values | fields))


@pytest.mark.parametrize(
    ("fields", "why", "lost_hours_ago"),
    [
        ({}, Why.WORKS, None),
        ({"online": True}, Why.WORKS, None),
        ({"last_heard_at": None, "silent_after": None}, Why.NEVER_SPOKE, None),
        ({"active": False}, Why.OUT_OF_SERVICE, 1),
        ({"active": False, "retired_at": NOW - hours(5)}, Why.OUT_OF_SERVICE, 5),
        ({"silent_after": NOW}, Why.SILENT, 1),
        ({"silent_after": None, "online": False}, Why.SILENT, 1),
        ({"silent_after": None}, Why.UNSUPERVISABLE, None),
        ({"bridge_lost_at": NOW - hours(0.5)}, Why.BRIDGE_LOST, 0.5),
        ({"bridge_lost_at": NOW - hours(9)}, Why.BRIDGE_LOST, 1),
        ({"vigilance": Vigilance(Unable.CANNOT_ASSESS)}, Why.CANNOT_ASSESS, 1),
        (
            {"vigilance": Vigilance(Unable.CANNOT_ASSESS, seconds(NOW - hours(30)))},
            Why.CANNOT_ASSESS,
            30,
        ),
        ({"vigilance": Vigilance(Unable.RULE_OFF)}, Why.RULE_OFF, None),
        ({"vigilance": Vigilance(Unable.RULE_OFF), "online": False}, Why.RULE_OFF, None),
        ({"vigilance": Vigilance(Unable.NO_BASE_LOAD), "active": False}, Why.NO_BASE_LOAD, None),
    ],
)
def test_how_a_device_stands(
    fields: dict[str, Any], why: Why, lost_hours_ago: float | None
) -> None:
    stands = standing(kept(**fields), NOW)
    expected = None if lost_hours_ago is None else NOW - hours(lost_hours_ago)
    assert (stands.why, stands.lost_at) == (why, expected)


def lost(role: str, at: datetime, why: Why = Why.SILENT) -> Standing:
    return Standing(device_id=role, role=role, why=why, lost_at=at)


def works(role: str) -> Standing:
    return Standing(device_id=role, role=role, why=Why.WORKS)


def test_the_clock_starts_when_the_last_device_is_lost() -> None:
    verdict = judge([lost("watch", T0), lost("sos_button", T0 + hours(5))])
    assert (verdict.what, verdict.since) == ("unwatched", T0 + hours(5))
    assert [one.role for one in verdict.lost] == ["sos_button", "watch"]


@pytest.mark.parametrize(
    "role", ["door_contact", "plug", "leak_sensor", "motion_sensor", "health_monitor", "gateway"]
)
def test_what_raises_nothing_for_somebody_on_the_floor_does_not_count(role: str) -> None:
    assert judge([works(role), lost("sos_button", T0)]).what == "unwatched"
    assert judge([lost(role, T0)]).what == "never_watched"


@pytest.mark.parametrize(
    "role",
    [
        "sos_button",
        "fall_detector",
        "smoke_detector",
        "gas_detector",
        "watch",
        "bed_sensor",
        "water_meter",
        "electricity_meter",
    ],
)
def test_any_one_that_counts_and_works_is_enough(role: str) -> None:
    assert judge([lost("watch", T0), works(role)]).what == "watched"


def test_what_cannot_be_lost_is_never_missed() -> None:
    unheard = Standing(device_id="a", role="sos_button", why=Why.NEVER_SPOKE)
    mute = Standing(device_id="b", role="smoke_detector", why=Why.UNSUPERVISABLE)
    assert judge([unheard, mute]).what == "never_watched"
    assert judge([unheard, mute, lost("watch", T0)]).what == "unwatched"


def test_hours_by_tier_and_an_emergency_only_shortens_them() -> None:
    rules = SupervisionRules(hours={"key": 4, "default": 24}, extreme_hours=6)
    asked = [rules.hours_for(tier, extreme=e) for tier in ("key", None, "x") for e in (False, True)]
    assert asked == [4, 4, 24, 6, 24, 6]


def test_nobody_is_sent_the_moment_it_is_noticed() -> None:
    assert due_at(T0, 24, T0) == T0 + hours(24)
    assert due_at(T0, 24, NOW) == NOW + NOTICE


@pytest.mark.parametrize(
    ("homes", "silent", "is_mass"),
    [(5, 5, True), (4, 4, False), (16, 5, True), (17, 5, False), (1000, 299, False)],
)
def test_a_mass_outage_is_a_third_of_the_homes_and_at_least_five(
    homes: int, silent: int, is_mass: bool
) -> None:
    assert Share(homes, silent).is_mass(0.3, 5) is is_mass


# --- learned intervals

gaps = st.lists(st.integers(-3600, 40 * 86400), max_size=60)


@given(gaps, st.sampled_from(sorted(DEVICE_ROLES)))
def test_learning_only_ever_shortens_and_never_below_three_hours(
    steps: list[int], role: str
) -> None:
    view, learned, heard = device(role), None, T0
    for step in steps:
        at = heard + timedelta(seconds=step)
        learned = learn_interval(learned, heard, at, view)
        heard = max(heard, at)
    expected, limit = expected_every_s(view), silence_limit_s(view)
    assert learned is None or (expected is not None and 0 < learned <= expected)
    if limit is not None:
        assert SHORTEST_LIMIT_S <= (silence_limit_s(view, learned) or 0) <= limit


def learn(every_s: int, count: int, role: str = "sos_button", start: int | None = None) -> int:
    learned, view = start, device(role)
    for number in range(count):
        at = T0 + timedelta(seconds=every_s * number)
        learned = learn_interval(learned, at, at + timedelta(seconds=every_s), view)
    assert learned is not None
    return learned


def test_twenty_hourly_words_teach_little_and_two_weeks_of_them_teach_a_lot() -> None:
    day = 24 * 3600
    assert learn(3600, 20) > day * 0.85
    assert learn(3600, 14 * 24) < 6 * 3600
    assert learn(3600, 60 * 24) <= 3700
    assert learn(12 * 3600, 19) > 12 * 3600 + 0.3 * 12 * 3600, "fewer than twenty intervals"


def test_a_burst_teaches_nothing() -> None:
    assert learn(2, 10_000, start=50_000) == 50_000


def test_a_quiet_night_is_never_taken_for_silence() -> None:
    """A sensor that speaks every ten minutes by day and not at all for nine hours a night."""
    view, learned, at = device("bed_sensor", reports_every_s=24 * 3600), None, T0
    for _ in range(60):
        for gap in [600] * 90 + [9 * 3600]:
            limit = silence_limit_s(view, learned)
            assert limit is not None
            assert gap < limit
            learned = learn_interval(learned, at, at + timedelta(seconds=gap), view)
            at += timedelta(seconds=gap)
    assert learned is not None
    assert LEARNED_MARGIN * learned < 24 * 3600


def test_one_long_gap_is_believed_at_once() -> None:
    assert learn(20 * 3600, 1, start=3600) == 20 * 3600


# --- registers


def test_a_register_is_missed_only_by_two_words_some_minutes_apart() -> None:
    watch = Watch(device("electricity_meter"))
    watch.hear(T0, reading("energy_total", 5.0, "kWh"))
    late = T0 + hours(27)
    assert watch.hear(late, event("heartbeat")) == []
    soon = late + timedelta(seconds=CERTAIN_AFTER_S - 1)
    assert watch.hear(soon, event("heartbeat")) == []
    assert watch.hear(soon + timedelta(seconds=1), event("heartbeat")) == [
        ("cannot_assess", "rose")
    ]
    assert watch.hear(soon + hours(1), event("heartbeat")) == []
    back = (soon + hours(2), reading("energy_total", 5.1, "kWh"))
    assert watch.hear(*back) == [("cannot_assess", "cleared")]


def test_a_backlog_after_our_own_outage_is_no_missing_register() -> None:
    """The heartbeats come first, the readings a moment later, on another lane."""
    watch = Watch(device("water_meter"))
    watch.hear(T0, water(100))
    now = T0 + hours(50)
    for hour in range(30, 50):
        assert watch.hears([(T0 + hours(hour), event("heartbeat"))], now) == ()
    found = watch.hears(
        [(T0 + hours(hour), water(100 + 12 * (hour // 3))) for hour in range(1, 50)], now
    )
    assert [one.kind for one in found] == []
    assert watch.hear(now + hours(1), event("heartbeat")) == []


# --- trends, signal, firmware


def falling(days: int, per_day: float, start: float = 100, noise: float = 0) -> list[Any]:
    return [
        (T0 + timedelta(days=n), start - per_day * n + (noise if n % 2 else -noise))
        for n in range(days)
    ]


@pytest.mark.parametrize(
    ("points", "pct", "weeks"),
    [
        (falling(30, 1.0), -30.0, 10),
        (falling(60, 0.1), -3.0, 134),
        (falling(40, 0.0, 80), 0.0, None),
        (falling(40, 1.0, noise=3), -30.0, 9),
        ([*falling(40, 1.0, 60), (T0 + timedelta(days=41), 100.0)], -30.0, 3),
    ],
)
def test_where_a_battery_is_heading(points: list[Any], pct: float, weeks: int | None) -> None:
    trend = battery_trend(points)
    assert trend is not None
    assert trend.pct_per_30_days == pytest.approx(pct, abs=1.5)
    assert trend.weeks_left == (None if weeks is None else pytest.approx(weeks, abs=1))


def test_a_new_battery_begins_anew() -> None:
    old = falling(40, 2.0)
    new = [(T0 + timedelta(days=40 + n), 100 - 0.5 * n) for n in range(30)]
    trend = battery_trend(old + new)
    assert trend is not None
    assert trend.pct_per_30_days == pytest.approx(-15, abs=0.5)
    assert battery_trend(old + new[:5]) is None, "too little is known of it"


@given(st.lists(st.floats(0, 100), max_size=120))
def test_no_battery_breaks_it(levels: list[float]) -> None:
    trend = battery_trend([(T0 + timedelta(days=n), pct) for n, pct in enumerate(levels)])
    assert trend is None or trend.weeks_left is None or trend.weeks_left >= 0


@pytest.mark.parametrize(
    ("rssi", "quality", "band"),
    [
        (-60, None, "good"),
        (-80, None, "fair"),
        (-110, None, "weak"),
        (None, None, None),
        (None, 200, "good"),
        (None, 50, "fair"),
        (None, 3, "weak"),
        (-60, 3, "good"),
    ],
)
def test_signal_bands(rssi: float | None, quality: float | None, band: str | None) -> None:
    assert signal_band(rssi, quality) == band


def test_firmware_is_compared_as_people_read_it_within_a_model() -> None:
    pairs = [("a", "1.9"), ("a", "1.10.0"), ("b", "v2"), ("b", "v10"), ("c", "20240101")]
    assert outdated(pairs) == [("a", "1.9"), ("b", "v2")]


@given(st.lists(st.text(max_size=20), min_size=2, max_size=5))
def test_any_two_versions_can_be_compared(texts: list[str]) -> None:
    keys = [version_key(text) for text in texts]
    assert max(keys) >= min(keys)
