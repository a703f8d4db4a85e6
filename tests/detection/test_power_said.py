"""Electricity: what people said of a find, and when it is found again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from alerting.detect import DeviceState, dump_state, forget, rearm, seen
from tests.detection.electricity import (
    Counter,
    kettle_at,
    kinds,
    known,
    meter,
    refrigerator,
)


def found_home() -> Counter:
    home = known(Counter(meter("fixed-24h")))
    assert kinds(home.lives(refrigerator, h=20)) == [("no_power_use", "rose")]
    return home


def told(home: Counter, tell: Callable[[DeviceState, str, datetime], DeviceState]) -> None:
    home.watch.text = dump_state(tell(home.watch.state, "no_power_use", home.now))


def test_closed_without_proof_of_life_it_is_found_again_after_six_hours_then_twelve() -> None:
    home = found_home()
    for hours in (6, 12, 12):
        told(home, rearm)
        assert home.lives(refrigerator, h=hours - 0.25) == []
        assert kinds(home.lives(refrigerator, h=0.25)) == [("no_power_use", "rose")]
    assert kinds(home.lives(h=24)) == [("no_power_use", "cleared")]
    assert (home.power.rearm_at, home.power.rearmed) == (0, 0)


def test_closed_without_proof_of_life_use_is_told_before_it_is_found_again() -> None:
    home = found_home()
    told(home, rearm)
    assert kinds(home.lives(kettle_at((22, 0)), h=4)) == [("no_power_use", "cleared")]
    assert (home.power.rearm_at, home.power.rearmed) == (0, 0)


def test_what_was_not_found_or_is_over_is_not_found_again() -> None:
    home = known(Counter(meter("fixed-24h")))
    before = home.watch.text
    told(home, rearm)
    assert home.watch.text == before


def test_who_was_seen_is_watched_over_from_then_on() -> None:
    home = found_home()
    told(home, seen)
    assert home.lives(refrigerator, h=23.75) == []
    assert kinds(home.lives(refrigerator, h=0.5)) == [("no_power_use", "rose")]


def test_other_kinds_of_case_say_nothing_about_it() -> None:
    home = found_home()
    before = home.watch.text
    for tell in (rearm, seen):
        home.watch.text = dump_state(tell(home.watch.state, "no_water_use", home.now))
        assert home.watch.text == before


def test_forgotten_it_is_found_at_the_next_reading() -> None:
    home = found_home()
    home.watch.text = dump_state(forget(home.watch.state, "no_power_use"))
    assert kinds(home.lives(refrigerator, h=0.25)) == [("no_power_use", "rose")]
