"""Which rule watches a home: the narrower one always, whatever order they were written in."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detectors import adaptive, fixed, leak, power, tap
from care.policy import tier_ranks
from care.watch import Resident, Rule, Watch, Watched, book_of, merged, tier_of, watch_of
from care.watch_choices import (
    DEFAULTS,
    PRESETS,
    RULES_OF_ROLE,
    checked_rules,
    for_role,
    notices_stillness,
    tighter_of,
)
from core.errors import InvalidInput
from devices.event import DEVICE_ROLES
from tests.detection.support import device

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TIERS = {"key": 0, "general": 1}
AREAS = ("county", "town", "village", "grid")
WATER = PRESETS["no_water_use"]


def rule(ident: str, preset: str = "adaptive", **more: Any) -> Rule:
    values: dict[str, Any] = {
        "rules": {"no_water_use": {"preset": preset}},
        "effective_from": NOW - timedelta(days=1),
        "created_at": NOW - timedelta(days=1),
    }
    return Rule(id=ident, **(values | more))


def home(*tiers: str | None, areas: tuple[str, ...] = AREAS) -> Watched:
    residents = tuple(Resident(id=f"elder-{n}", tier=tier) for n, tier in enumerate(tiers))
    return Watched(areas=areas, residents=residents)


def watch(where: Watched, *rules: Rule, at: datetime = NOW) -> Watch:
    return watch_of(where, book_of(rules, at), TIERS)


def origin(watch: Watch, name: str = "no_water_use", parameter: str = "preset") -> str | None:
    found = watch.origins.get((name, parameter))
    return found.id if found is not None else None


LADDER = (
    rule("everywhere"),
    rule("everywhere-key", tier="key"),
    *(
        one
        for area in AREAS
        for one in (rule(area, area_id=area), rule(f"{area}-key", area_id=area, tier="key"))
    ),
    rule("own", elder_id="elder-0"),
)
"""From the widest to the narrowest."""


@pytest.mark.parametrize("upto", range(1, len(LADDER) + 1))
def test_the_narrowest_of_those_there_are_stands_before_the_others(upto: int) -> None:
    assert origin(watch(home("key"), *LADDER[:upto])) == LADDER[upto - 1].id


def test_without_any_rule_nothing_is_handed_down() -> None:
    assert watch(home("key")) == Watch()


def test_a_rule_of_another_area_tier_or_elder_says_nothing() -> None:
    others = (
        rule("next-village", area_id="elsewhere"),
        rule("general", tier="general"),
        rule("neighbour", elder_id="elder-9"),
    )
    assert watch(home("key"), *others) == Watch()


def test_each_parameter_comes_from_the_narrowest_that_names_it() -> None:
    wide = rule("wide", rules={"leak": {"preset": "on", "day_m3": 2.0}})
    narrow = rule("narrow", area_id="village", rules={"leak": {"preset": "off"}})
    found = watch(home(None), narrow, wide)
    assert found.rules == {"leak": {"preset": "off", "day_m3": 2.0}}
    assert (origin(found, "leak"), origin(found, "leak", "day_m3")) == ("narrow", "wide")


SOME = st.sets(st.integers(0, len(LADDER) - 1), min_size=1)


@given(places=SOME, seed=st.integers(0, 99))
def test_the_narrower_wins_in_whatever_order_rules_come(places: set[int], seed: int) -> None:
    chosen = [LADDER[place] for place in sorted(places)]
    random.Random(seed).shuffle(chosen)
    assert origin(watch(home("key"), *chosen)) == LADDER[max(places)].id


TIMES = st.integers(-5, 5).map(lambda days: NOW + timedelta(days=days))


@given(
    begins=st.lists(TIMES, min_size=1, max_size=5),
    ends=st.lists(st.none() | TIMES, min_size=5, max_size=5),
    seed=st.integers(0, 99),
)
def test_of_one_scope_the_newest_that_has_begun_counts_in_whatever_order(
    begins: list[datetime], ends: list[datetime | None], seed: int
) -> None:
    rules = [
        rule(f"rule-{number}", effective_from=begin, ended_at=end, created_at=NOW)
        for number, (begin, end) in enumerate(zip(begins, ends, strict=False))
    ]
    begun = [
        one
        for one in rules
        if one.effective_from <= NOW and not (one.ended_at and one.ended_at <= one.effective_from)
    ]
    newest = max(begun, key=lambda one: (one.effective_from, one.id), default=None)
    expected = None if newest is None or (newest.ended_at or NOW + timedelta(1)) <= NOW else newest
    random.Random(seed).shuffle(rules)
    assert book_of(rules, NOW).get((None, None, None)) == expected


def test_a_rule_counts_from_its_time_and_not_before() -> None:
    today = rule("today")
    later = rule("later", "off", effective_from=NOW + timedelta(days=3))
    for days, wanted in ((0, "today"), (2.9, "today"), (3, "later"), (9, "later")):
        at = NOW + timedelta(days=days)
        assert origin(watch(home(None), later, today, at=at)) == wanted


def test_withdrawn_the_scope_follows_the_wider_rule_and_not_the_one_before() -> None:
    town = rule("town", area_id="town")
    old = rule("old", area_id="village", ended_at=NOW - timedelta(hours=2))
    new = replace(
        rule("new", area_id="village"),
        effective_from=NOW - timedelta(hours=2),
        ended_at=NOW - timedelta(hours=1),
    )
    assert origin(watch(home(None), town, old, new)) == "town"
    kept = replace(old, ended_at=None)  # nobody has written yet that another took its place
    assert origin(watch(home(None), town, kept, new)) == "town"
    never = replace(new, ended_at=new.effective_from)
    assert origin(watch(home(None), town, kept, never)) == "old"


def test_of_several_residents_the_most_urgent_tier_counts() -> None:
    assert tier_of(home("general", None, "key").residents, TIERS) == "key"
    assert tier_of(home("unheard-of", "general").residents, TIERS) == "general"
    assert tier_of(home("unheard-of").residents, TIERS) == "unheard-of"
    assert tier_of(home(None).residents, TIERS) is None
    by_tier = (rule("k", tier="key"), rule("g", tier="general"))
    assert origin(watch(home("general", "key"), *by_tier)) == "k"


@pytest.mark.parametrize("first", WATER)
@pytest.mark.parametrize("second", WATER)
def test_of_two_elders_own_rules_the_tighter_one_counts(first: str, second: str) -> None:
    mine, theirs = rule("a", first, elder_id="elder-0"), rule("b", second, elder_id="elder-1")
    found = watch(home(None, None), theirs, mine)
    tighter = min(first, second, key=WATER.index)
    assert found.rules["no_water_use"]["preset"] == tighter
    assert origin(found) == ("a" if tighter == first else "b")


def test_of_two_elders_what_only_one_says_holds() -> None:
    mine = rule("a", elder_id="elder-0")
    theirs = rule("b", elder_id="elder-1", rules={"leak": {"day_m3": 1.5}})
    assert watch(home(None, None), mine, theirs).rules == {
        "no_water_use": {"preset": "adaptive"},
        "leak": {"day_m3": 1.5},
    }
    assert tighter_of("leak", "day_m3", 3.0, 1.5) == 1.5
    assert tighter_of("something", "else", "a", "b") == "a"


def test_the_device_s_own_rules_stay_on_top() -> None:
    inherited = {"no_water_use": {"preset": "adaptive"}, "leak": {"preset": "on", "day_m3": 2.0}}
    own = {"leak": {"preset": "off"}, "vitals": {"spo2": [90, 100]}}
    assert merged(inherited, own) == {
        "no_water_use": {"preset": "adaptive"},
        "leak": {"preset": "off", "day_m3": 2.0},
        "vitals": {"spo2": [90, 100]},
    }


def test_a_device_is_told_only_what_its_role_follows() -> None:
    everything = {name: {"preset": "off"} for name in PRESETS}
    assert set(for_role(everything, "water_meter")) == {"no_water_use", "tap_left_on", "leak"}
    assert set(for_role(everything, "plug")) == {"no_power_use"}
    for role in DEVICE_ROLES - RULES_OF_ROLE.keys():
        assert for_role(everything, role) == {}


def test_what_a_rule_may_say_is_what_the_detectors_know() -> None:
    assert set(WATER) == {*adaptive.PRESETS, *fixed.PRESETS}
    assert set(PRESETS["no_power_use"]) == {*power.PRESETS}


def test_what_holds_where_nobody_says_anything_is_what_the_detectors_do() -> None:
    assert {name for name, parameter in DEFAULTS if parameter == "preset"} == {*PRESETS}
    assert DEFAULTS["no_water_use", "preset"] == fixed.DEFAULT_PRESET
    assert DEFAULTS["leak", "day_m3"] == leak.DAY_M3
    meter, silent = device("water_meter"), device("electricity_meter")
    assert tap.is_wanted(meter) and leak.is_wanted(meter) and power.limit_s(silent) == 0


@pytest.mark.parametrize(
    ("role", "rules", "notices"),
    [
        ("water_meter", {}, True),
        ("water_meter", {"leak": {"preset": "on"}}, True),
        ("water_meter", {"no_water_use": {"preset": "fixed-24h-10l"}}, True),
        ("water_meter", {"no_water_use": {"preset": "off"}}, False),
        ("electricity_meter", {}, False),
        ("electricity_meter", {"no_power_use": {"preset": "fixed-36h"}}, True),
        ("plug", {"no_power_use": {"preset": "fixed-36h"}}, False),
        ("leak_sensor", {}, False),
        (None, {}, False),
    ],
)
def test_only_a_meter_with_a_rule_notices_that_a_home_goes_quiet(
    role: str | None, rules: dict[str, Any], notices: bool
) -> None:
    assert notices_stillness(role, rules) is notices


@pytest.mark.parametrize(
    ("raw", "field", "said"),
    [
        ({}, "rules", "no_water_use"),
        ({"no_water": {"preset": "off"}}, "rules.no_water", "no_water_use"),
        ({"no_water_use": {}}, "rules.no_water_use", "preset"),
        ({"no_water_use": "off"}, "rules.no_water_use", "preset"),
        ({"no_water_use": {"preset": "tight"}}, "rules.no_water_use.preset", "adaptive-tight"),
        ({"no_water_use": {"preset": None}}, "rules.no_water_use.preset", "adaptive-tight"),
        ({"no_water_use": {"preset": ["off"]}}, "rules.no_water_use.preset", "adaptive-tight"),
        ({"no_water_use": {"hours": 12}}, "rules.no_water_use.hours", "preset"),
        ({"leak": {"day_m3": 100}}, "rules.leak.day_m3", "0.5 to 20"),
        ({"leak": {"day_m3": True}}, "rules.leak.day_m3", "0.5 to 20"),
        ({"leak": {"day_m3": 10**400}}, "rules.leak.day_m3", "0.5 to 20"),
        ({"leak": {"day_m3": float("nan")}}, "rules.leak.day_m3", "0.5 to 20"),
        ({"tap_left_on": {"preset": "loud"}}, "rules.tap_left_on.preset", "on, off"),
    ],
)
def test_an_unknown_word_is_refused_with_the_choices(
    raw: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_rules(raw)
    assert refusal.value.field == field
    assert said in refusal.value.problem


def test_every_choice_is_taken() -> None:
    for name, presets in PRESETS.items():
        for preset in presets:
            assert checked_rules({name: {"preset": preset}}) == {name: {"preset": preset}}
    assert checked_rules({"leak": {"day_m3": 2}}) == {"leak": {"day_m3": 2}}


def test_the_tiers_of_the_shipped_scheme_are_in_its_order() -> None:
    ranks = tier_ranks()
    assert ranks["key"] < ranks["general"]
