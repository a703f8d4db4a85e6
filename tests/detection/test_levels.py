"""Levels: what rises, holds, worsens, ends, and in which order it is told."""

from __future__ import annotations

import pytest

from alerting.finding import SEVERITY_OF_KIND, Sign
from devices.event import LEVEL_KINDS, Confidence
from tests.detection.support import T0, Watch, device, event, hours, minutes, outline, reading

LEVELS = sorted(LEVEL_KINDS.items())


@pytest.mark.parametrize(("kind", "clear"), LEVELS)
def test_a_level_rises_holds_and_ends(kind: str, clear: str) -> None:
    watch = Watch(device())
    (rose,) = watch.hears([(T0, event(kind, confidence=Confidence.UNCONFIRMED))], T0)
    assert (rose.kind, rose.sign, rose.at) == (kind, Sign.ROSE, T0)
    assert rose.severity is SEVERITY_OF_KIND[kind]
    assert rose.confidence is Confidence.UNCONFIRMED
    (held,) = watch.hears([(T0 + hours(1), event(kind))], T0 + hours(1))
    assert (held.sign, held.facts["since"]) == (Sign.HELD, T0.isoformat())
    (ended,) = watch.hears([(T0 + hours(2), event(clear))], T0 + hours(2))
    assert (ended.kind, ended.sign, ended.facts["lasted_s"]) == (kind, Sign.CLEARED, 7200)
    assert watch.hear(T0 + hours(3), event(clear)) == []
    assert watch.hear(T0 + hours(4), event(kind)) == [(kind, "rose")]


@pytest.mark.parametrize(("kind", "clear"), LEVELS)
def test_a_clear_of_a_level_never_spoken_of_is_nothing(kind: str, clear: str) -> None:
    watch = Watch(device())
    assert watch.hear(T0, event(clear)) == []
    assert watch.hear(T0 + hours(1), event(kind)) == [(kind, "rose")]


def test_levels_do_not_disturb_each_other() -> None:
    watch = Watch(device())
    for kind, _ in LEVELS:
        assert watch.hear(T0, event(kind)) == [(kind, "rose")]
    for kind, clear in LEVELS:
        assert watch.hear(T0 + hours(1), event(clear)) == [(kind, "cleared")]


def test_smoke_in_the_brokers_memory_was_found_and_a_second_delivery_merely_holds() -> None:
    watch = Watch(device())
    assert watch.hear(T0, event("smoke", retained=True)) == [("smoke", "found")]
    assert watch.hear(T0 + minutes(1), event("smoke", retained=True)) == [("smoke", "held")]


def test_smoke_in_the_brokers_memory_after_a_clear_rose_while_we_were_away() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke_clear"))
    assert watch.hear(T0 + hours(1), event("smoke", retained=True)) == [("smoke", "found")]


def test_smoke_dated_before_the_device_was_bound_was_found() -> None:
    watch = Watch(device(enrolled_at=T0))
    assert watch.hear(T0 - hours(3), event("smoke"), late=hours(4)) == [("smoke", "found")]


def test_the_first_live_smoke_of_a_just_bound_device_rose() -> None:
    assert Watch(device(enrolled_at=T0)).hear(T0, event("smoke")) == [("smoke", "rose")]


def test_a_clear_older_than_the_rise_does_not_clear() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"))
    assert watch.hear(T0 - minutes(5), event("smoke_clear"), late=minutes(6)) == []
    assert watch.hear(T0 + minutes(2), event("smoke")) == [("smoke", "held")]


def test_a_late_rise_that_has_ended_since_is_told_with_its_age_and_does_not_stay() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke_clear"))
    rose, ended = watch.hears([(T0 - hours(4), event("smoke"))], T0 + minutes(1))
    assert outline((rose, ended)) == [("smoke", "rose"), ("smoke", "cleared")]
    assert (rose.at, rose.late_s, ended.at) == (T0 - hours(4), 4 * 3600 + 60, T0)
    assert watch.hear(T0 + hours(1), event("smoke")) == [("smoke", "rose")]


def test_a_rise_told_again_after_its_end_is_no_news() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"))
    watch.hear(T0 + minutes(5), event("smoke_clear"))
    assert watch.hear(T0, event("smoke"), late=minutes(6)) == []
    assert watch.hear(T0 + minutes(3), event("smoke"), late=minutes(4)) == []
    assert watch.hear(T0 - minutes(1), event("smoke"), late=minutes(8)) == [
        ("smoke", "rose"),
        ("smoke", "cleared"),
    ]


def test_an_earlier_rise_moves_the_beginning_of_what_holds() -> None:
    watch = Watch(device())
    watch.hear(T0, event("leak"))
    (held,) = watch.hears([(T0 - hours(1), event("leak"))], T0)
    assert (held.sign, held.facts["since"]) == (Sign.HELD, (T0 - hours(1)).isoformat())
    (ended,) = watch.hears([(T0 - minutes(30), event("leak_clear"))], T0)
    assert ended.facts["lasted_s"] == 1800


def test_an_old_event_is_never_too_old() -> None:
    watch = Watch(device())
    (rose,) = watch.hears([(T0, event("gas"))], T0 + hours(300))
    assert (rose.sign, rose.late_s) == (Sign.ROSE, 300 * 3600)


@pytest.mark.parametrize(
    ("told", "worse_at"),
    [
        ([4.0, 5.9, 6.0, 7.9, 9.0], [2, 4]),  # half of 4 is the least step; then half of 6
        ([10.0, 12.0, 14.9, 15.0], [3]),
        ([0.0, 1.9, 2.0], [2]),
        ([8.0, 0.0, 1.0, 2.0], [3]),  # followed down: the next fire counts from clean air
    ],
)
def test_density_worsens_in_clear_steps(told: list[float], worse_at: list[int]) -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"))
    found = [
        step
        for step, value in enumerate(told)
        if watch.hear(T0 + minutes(step), reading("smoke_density", value)) == [("smoke", "worse")]
    ]
    assert found == worse_at


def test_a_second_fire_under_a_latched_alarm_fires_at_once() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"), reading("smoke_density", 0.0))
    (worse,) = watch.hears([(T0 + hours(90), reading("smoke_density", 3.5))], T0 + hours(90))
    assert (worse.sign, worse.severity) == (Sign.WORSE, SEVERITY_OF_KIND["smoke"])
    assert worse.facts == {"density": 3.5, "before": 0.0, "since": T0.isoformat()}


def test_a_first_density_long_after_the_alarm_is_compared_with_clean_air() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"))
    assert watch.hear(T0 + hours(9), reading("smoke_density", 3.0)) == [("smoke", "worse")]


@pytest.mark.parametrize("value", [-1.0, float("inf"), 1e308, -1e308])
def test_an_impossible_density_does_no_harm(value: float) -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"), reading("smoke_density", 5.0))
    watch.hear(T0 + minutes(1), reading("smoke_density", value))
    assert len(watch.text) < 100


def test_density_without_smoke_old_density_and_density_from_before_find_nothing() -> None:
    watch = Watch(device())
    assert watch.hear(T0, reading("smoke_density", 50.0)) == []
    watch.hear(T0, event("smoke"), reading("smoke_density", 1.0))
    assert watch.hear(T0 - minutes(1), reading("smoke_density", 50.0), late=minutes(2)) == []
    assert watch.hear(T0 + hours(1), reading("smoke_density", 50.0), late=hours(3)) == []


def test_each_alarm_has_its_own_density() -> None:
    watch = Watch(device())
    watch.hear(T0, event("smoke"), reading("smoke_density", 1.0))
    watch.hear(T0 + minutes(5), event("smoke_clear"))
    watch.hear(T0 + hours(1), event("smoke"))
    assert watch.hear(T0 + hours(1), reading("smoke_density", 30.0)) == []


def test_a_flat_battery_is_found_once_and_ends_with_hysteresis() -> None:
    watch = Watch(device("water_meter"))
    told = [50, 11, 10, 9, 12, 19.9, 8, 20, 15, 10]
    found = [watch.hear(T0 + hours(n), reading("battery_pct", pct)) for n, pct in enumerate(told)]
    rose, ended = [("battery_low", "rose")], [("battery_low", "cleared")]
    assert found == [[], [], rose, [], [], [], [], ended, [], rose]


@pytest.mark.parametrize("percent", [-1.0, 255.0, 1e300, float("-inf")])
def test_an_impossible_percentage_is_no_battery(percent: float) -> None:
    watch = Watch(device())
    assert watch.hear(T0, reading("battery_pct", percent)) == []
    assert watch.hear(T0 + hours(1), reading("battery_pct", 5)) == [("battery_low", "rose")]
    assert watch.hear(T0 + hours(2), reading("battery_pct", percent)) == []


def test_a_percentage_of_yesterday_is_no_finding_today() -> None:
    watch = Watch(device())
    assert watch.hear(T0, reading("battery_pct", 3), late=hours(24)) == []
    assert watch.hear(T0 + hours(25), reading("battery_pct", 3)) == [("battery_low", "rose")]
    assert watch.hear(T0 + hours(24), reading("battery_pct", 90), late=hours(1)) == []


def test_a_device_whose_flag_and_percentage_disagree_does_not_flap() -> None:
    watch = Watch(device())
    found = []
    for n in range(5):  # flag low at 90 %
        found += watch.hear(T0 + hours(n), event("battery_low"), reading("battery_pct", 90))
    assert [sign for _, sign in found] == ["rose", "held", "held", "held", "held"]
    watch = Watch(device())
    found = []
    for n in range(5):  # flag fine at 5 %
        found += watch.hear(T0 + hours(n), event("battery_ok"), reading("battery_pct", 5))
    assert [sign for _, sign in found] == ["rose"]


def test_a_battery_is_well_again_only_when_flag_and_percentage_say_so() -> None:
    watch = Watch(device())
    assert watch.hear(T0, reading("battery_pct", 5)) == [("battery_low", "rose")]
    assert watch.hear(T0 + hours(1), event("battery_low")) == [("battery_low", "held")]
    assert watch.hear(T0 + hours(2), event("battery_ok")) == []
    assert watch.hear(T0 + hours(3), reading("battery_pct", 80)) == [("battery_low", "cleared")]


def test_an_alarm_that_was_only_counted_is_told_once() -> None:
    watch = Watch(device("smoke_detector"))
    for hour, count, told in ((0, 3, []), (1, 3, []), (2, 4, [("smoke", "edge")]), (3, 4, [])):
        assert watch.hear(T0 + hours(hour), reading("alarm_count", count)) == told
    assert watch.hear(T0 + hours(4), reading("alarm_count", 0)) == [], (
        "another detector hangs there"
    )
    assert watch.hear(T0 + hours(5), reading("alarm_count", 1)) == [("smoke", "edge")]


def test_an_alarm_that_was_heard_is_not_told_again_by_its_count() -> None:
    watch = Watch(device("smoke_detector"))
    watch.hear(T0, reading("alarm_count", 0))
    assert watch.hear(T0 + hours(1), event("smoke")) == [("smoke", "rose")]
    assert watch.hear(T0 + hours(1), reading("alarm_count", 1)) == []
    watch.hear(T0 + hours(2), event("smoke_clear"))
    by_count = event("smoke", data={"count": 2, "told_by": "counter"})
    assert watch.hear(T0 + hours(3), by_count, event("smoke_clear")) != []
    assert watch.hear(T0 + hours(3), reading("alarm_count", 2)) == []


def test_a_fault_says_what_the_device_calls_it() -> None:
    watch = Watch(device("plug"))
    (found,) = watch.hears([(T0, event("fault", data={"fault": ["overtemp", "overpower"]}))], T0)
    assert found.facts["fault"] == "overtemp overpower"
