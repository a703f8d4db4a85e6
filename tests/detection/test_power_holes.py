"""Electricity where readings are missing, and where there are samples in place of a counter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerting.detectors.register import Line
from tests.detection.electricity import (
    START,
    Counter,
    Draw,
    Samples,
    kettle_at,
    kinds,
    known,
    meter,
    refrigerator,
)
from tests.detection.support import reading


@pytest.mark.parametrize("hole_h", [3, 5])
def test_a_short_hole_in_which_the_counter_shows_no_use_does_not_end_a_gap(hole_h: int) -> None:
    home = known(Counter(meter("fixed-24h")))
    quiet_from = home.power.quiet_from
    home.lives(refrigerator, h=4)
    home.silent(refrigerator, h=hole_h)
    home.reads()
    assert home.power.quiet_from == quiet_from
    assert kinds(home.lives(refrigerator, h=16)) == [("no_power_use", "rose")]


@pytest.mark.parametrize(("hole_h", "draw"), [(3, kettle_at((5, 0), (6, 0))), (9, refrigerator)])
def test_a_hole_that_may_have_held_use_ends_the_gap_and_is_no_activity(
    hole_h: int, draw: Draw
) -> None:
    home = known(Counter(meter("fixed-24h")))
    home.lives(refrigerator, h=4)
    before = home.active_at
    home.silent(draw, h=hole_h)
    home.reads()
    assert home.active_at == before
    assert home.power.quiet_from == home.now.timestamp()
    assert home.lives(refrigerator, h=20) == []
    assert kinds(home.lives(refrigerator, h=5)) == [("no_power_use", "rose")]


def test_samples_do_where_there_is_no_counter() -> None:
    home = known(Samples(meter("fixed-24h"), every_min=1))
    assert home.doubt == ""
    home.lives(h=7)
    assert home.active_at is not None
    assert abs(home.active_at - (START + timedelta(days=10, hours=6.5))) <= timedelta(minutes=31)
    home.lives(refrigerator, h=1)
    before = home.active_at
    home.silent(refrigerator, h=9)  # a hole says nothing, whatever it held
    home.reads()
    assert home.active_at == before
    assert home.lives(refrigerator, h=23.5) == []
    assert kinds(home.lives(refrigerator, h=1)) == [("no_power_use", "rose")]


def test_samples_take_over_when_the_counter_has_gone() -> None:
    home = known(Counter(meter()))
    sampled = Samples(home.watch, every_min=5)
    sampled.now = home.now + timedelta(hours=25)
    sampled.lives(h=19)
    assert sampled.active_at is not None
    assert sampled.now - sampled.active_at < timedelta(hours=2)
    assert sampled.power.line == Line()


def test_samples_far_apart_say_nothing_by_silence() -> None:
    home = known(Samples(meter("fixed-24h"), every_min=30))
    assert home.doubt == "too_rare"
    assert home.lives(refrigerator, days=3) == []


def test_where_a_counter_speaks_samples_are_not_asked() -> None:
    home = known(Counter(meter()))
    before = home.watch.text
    for age_h in (0, 40):
        at = home.now - timedelta(hours=age_h)
        home.watch.hears([(at, reading("power", 2000.0, "W"))], home.now)
        assert home.watch.text == before
