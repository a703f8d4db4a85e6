"""How a home stands: what the watch list says is what the detector does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.detectors.habit import DAY_S, HOUR_S
from alerting.detectors.meter import Grade
from alerting.detectors.view import seconds
from alerting.watchlist.listing import SHOWN
from alerting.watchlist.standing import SECTIONS, Standing, is_soon, sections, share, stand
from tests.detection.support import T0, Watch, device, hours, reading, water
from tests.detection.test_adaptive import Home, meter, settled


def standing_of(home: Home, later_h: float = 0, **more: Any) -> Standing:
    now = seconds(home.now + hours(later_h))
    return stand(home.watch.state, home.watch.device, now, **more)


def test_the_sections_are_those_of_the_page() -> None:
    assert SECTIONS == SHOWN


def test_a_home_under_a_city_s_rule() -> None:
    home = settled("fixed-12h-24h-10l")
    home.lives(22 / 24)
    found = standing_of(home)
    assert (found.verdict, found.rule) == ("watched", "fixed-12h-24h-10l")
    assert [mark.limit_s for mark in found.marks] == [12 * HOUR_S, DAY_S]
    assert {mark.opens for mark in found.marks} == {"incident"}
    assert sections(found) == ("near",)
    assert found.delay_s == 12 * HOUR_S
    assert found.grade is None, "a fixed rule does not ask"


@pytest.mark.parametrize("preset", ["adaptive", "adaptive-tight", "adaptive-quiet"])
def test_a_settled_home_under_its_own_rule(preset: str) -> None:
    home = settled(preset)
    home.lives(9 / 24)
    found = standing_of(home)
    assert (found.verdict, found.why, found.day) == ("watched", "", 0)
    assert found.grade is Grade.FINE
    assert found.pulse_l >= 1
    assert found.marks[0].at <= found.marks[-1].at
    assert seconds(home.now) < found.marks[0].at <= found.used_at + 14 * HOUR_S
    assert 10 * HOUR_S <= found.delay_s <= 16 * HOUR_S


@pytest.mark.parametrize(("days", "limit_h"), [(5, 14), (20, None)])
def test_a_new_home_is_watched_while_it_is_learnt(days: int, limit_h: int | None) -> None:
    home = settled(days=days)
    home.lives(9 / 24)
    found = standing_of(home)
    assert found.day in (days, days + 1)
    assert sections(found) == ("near", "learning")
    if limit_h is not None:
        assert found.marks[0].limit_s == limit_h * HOUR_S


def test_a_meter_read_twice_a_day_can_do_little_and_says_so() -> None:
    home = Home(meter("adaptive"))
    for _ in range(40):
        home.passes(10, in_h=12)
        home.passes(70, in_h=12)
    found = standing_of(home)
    assert (found.verdict, found.grade, found.why) == ("watched", Grade.BLIND, "blind")
    assert sections(found) == ("near", "unable")
    assert found.delay_s == 36 * HOUR_S, "a day, and the half until a reading shows it"


def test_a_meter_that_sends_a_day_in_one_go_finds_it_a_day_later() -> None:
    home = settled()
    home.lives(9 / 24)
    often, daily = (standing_of(home, upload_s=s) for s in (HOUR_S, 9 * HOUR_S))
    assert often.delay_s == standing_of(home).delay_s
    assert daily.delay_s == often.delay_s + DAY_S, "what it learnt stays at what is expected"
    new = replace(home.watch.device, enrolled_at=home.now - timedelta(days=2))
    fresh = stand(home.watch.state, new, seconds(home.now), upload_s=9 * HOUR_S)
    assert fresh.delay_s == often.delay_s, "nobody knows yet"


def test_what_keeps_a_rule_from_working() -> None:
    home = settled()
    view = device("water_meter", rules={"no_water_use": {"preset": "off"}})
    now = seconds(home.now)
    off = stand(home.watch.state, view, now)
    assert (off.verdict, off.why, off.marks) == ("unable", "off", ())
    fixed = stand(home.watch.state, device("water_meter"), now)
    assert fixed.why == "rule_changed", "the state is still the other rule's"
    fresh = stand(Watch(view).state, home.watch.device, now)
    assert fresh.why == "no_reading"
    home.watch.hear(home.now + hours(0.5), reading("water_total", 0.5, "m3"))
    assert standing_of(home).why == "doubted"


def test_silence_and_absence_stop_every_limit() -> None:
    home = settled()
    for more, why in (({"silent": "offline"}, "offline"), ({}, "stale")):
        found = standing_of(home, later_h=40, **more)
        assert (found.verdict, found.why, found.marks) == ("silent", why, ())
        assert sections(found) == ("silent",)
    resting = device("water_meter", rules=home.watch.device.rules, resting=True)
    away = stand(home.watch.state, resting, seconds(home.now), silent="silent")
    assert (away.verdict, sections(away)) == ("away", ("away",))


def test_the_share_grows_to_the_limit_and_a_found_level_makes_room_for_the_next() -> None:
    home = settled(days=150)
    home.lives(22 / 24)
    shares = []
    while not standing_of(home).marks[0].found:
        shares.append(share(standing_of(home), seconds(home.now)))
        home.passes(0, in_h=1 / 12)
    assert shares == sorted(shares)
    assert shares[-1] > 0.95
    asked = standing_of(home)
    assert asked.next is asked.marks[1]
    assert asked.next.opens == "incident"
    assert asked.marks[0].at <= seconds(home.now)
    assert is_soon(asked, seconds(home.now))
    home.stands_still(6)
    over = standing_of(home)
    assert over.next is None
    assert share(over, seconds(home.now)) == 1.0


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["adaptive", "adaptive-tight", "fixed-12h-10l", "fixed-12h-24h-10l"]),
    st.integers(0, 23),
    st.sampled_from([3, 9, 20, 40]),
    st.sampled_from([0, 2, 30]),
)
def test_the_limit_comes_when_the_detector_finds_it(
    preset: str, hour: int, days: int, last_l: int
) -> None:
    """The first alarm of a home that stops falls within a reading of the time that was told."""
    home = Home(meter(preset))
    home.lives(days + hour / 24)
    home.passes(last_l)
    told = standing_of(home).marks[0].at
    every_h, found = 0.1, False
    while not found and home.now < T0 + timedelta(days=days + 4):
        found = any(one.kind == "no_water_use" for _, one in home.passes(0, in_h=every_h))
    assert found
    assert 0 <= seconds(home.now) - told <= every_h * HOUR_S + 1


def test_use_that_is_too_little_for_the_city_s_rule_does_not_move_its_limit() -> None:
    home = settled("fixed-12h-10l")
    home.lives(8 / 24)
    told = standing_of(home)
    home.watch.hear(home.now + hours(0.5), water(home.litres + 3))
    later = stand(home.watch.state, home.watch.device, seconds(home.now + hours(0.5)))
    assert later.marks[0].at == told.marks[0].at
    assert later.used_at > told.used_at
