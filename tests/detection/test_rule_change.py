"""Another rule comes into force while a home is still: its gap goes on, and is found once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.detection.test_adaptive import Home, meter, no_use, ordinary

FIXED = ("fixed-12h-10l", "fixed-24h-10l", "fixed-12h-24h-10l")
ADAPTIVE = ("adaptive-tight", "adaptive-quiet", "adaptive")


def follows(home: Home, preset: str) -> None:
    rules = {"no_water_use": {"preset": preset}}
    home.watch.device = replace(home.watch.device, rules=rules)


def still_for(preset: str, hours: int) -> Home:
    """A home of ten weeks that fell still at eight this morning."""
    home = Home(meter(preset))
    home.lives(70 + 8 / 24, ordinary)
    assert no_use(home.stands_still(hours)) == []
    return home


@pytest.mark.parametrize("before", FIXED)
@pytest.mark.parametrize("after", ADAPTIVE)
def test_a_gap_that_began_under_a_fixed_rule_is_found_by_the_home_s_own(
    before: str, after: str
) -> None:
    """Nothing is learnt yet: by the plain 14 h of a new home, counted from the last use."""
    home = still_for(before, 10)
    last_use = home.hour - 10
    follows(home, after)
    (at, sign), *_ = no_use(home.stands_still(24))
    assert sign == "rose"
    assert at - last_use == 15, "the first reading after them"


@pytest.mark.parametrize("before", ADAPTIVE)
@pytest.mark.parametrize("after", FIXED)
def test_a_gap_that_began_under_the_home_s_own_rule_is_found_by_a_fixed_one(
    before: str, after: str
) -> None:
    home = still_for(before, 3)
    last_use = home.hour - 3
    follows(home, after)
    (at, sign), *_ = no_use(home.stands_still(24))
    assert sign == "rose"
    assert at - last_use == (24 if after == "fixed-24h-10l" else 12)


@pytest.mark.parametrize("after", ADAPTIVE)
def test_what_was_found_is_not_found_again_because_the_rule_changed(after: str) -> None:
    home = still_for("fixed-12h-10l", 10)
    assert no_use(home.stands_still(5)) != []
    follows(home, after)
    again = no_use(home.stands_still(24))
    assert [sign for _, sign in again] == (["worse"] if after == "adaptive" else [])
    assert [sign for _, sign in no_use(home.passes(20))] == ["cleared"]


def test_use_after_the_change_ends_the_gap() -> None:
    home = still_for("fixed-12h-10l", 10)
    follows(home, "adaptive")
    home.passes(20)
    home.passes(1)  # it counts single litres
    assert no_use(home.stands_still(13)) == []
    assert no_use(home.stands_still(2)) != []


def test_switched_off_it_is_quiet_and_on_again_it_counts_from_then() -> None:
    home = still_for("adaptive-tight", 3)
    follows(home, "off")
    assert no_use(home.stands_still(30)) == []
    follows(home, "fixed-12h-10l")
    assert [sign for _, sign in no_use(home.stands_still(1))] == ["rose"]
