"""Which source a topic belongs to, and which prefixes a source may be given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from devices.registry import (
    FAMILIES,
    MAX_PREFIX,
    check_prefix,
    family,
    family_of_topic,
    prefixes_overlap,
)

SOURCES = {"zigbee2mqtt": 1, "zigbee2mqtt/east": 2, "home/z2m": 3, "anju/v1": 4}
prefixes = st.lists(st.sampled_from(["a", "b", "ab", "中"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("topic", "owner"),
    [
        ("zigbee2mqtt/lamp", ("zigbee2mqtt", 1)),
        ("zigbee2mqtt/a b/c/set", ("zigbee2mqtt", 1)),
        ("zigbee2mqtt", ("zigbee2mqtt", 1)),
        ("zigbee2mqtt/east/lamp", ("zigbee2mqtt/east", 2)),
        ("zigbee2mqtt/eastern/lamp", ("zigbee2mqtt", 1)),
        ("home/z2m/bridge/state", ("home/z2m", 3)),
        ("anju/v1/b/event", ("anju/v1", 4)),
        ("zigbee2mqtt/" + "x/" * 30_000, ("zigbee2mqtt", 1)),
        ("zigbee2mqtt2/lamp", None),
        ("home", None),
        ("home/other", None),
        ("Zigbee2mqtt/lamp", None),
        ("/zigbee2mqtt/lamp", None),
        ("", None),
        ("x" * 60_000, None),
    ],
)
def test_the_longest_prefix_above_a_topic_owns_it(
    topic: str, owner: tuple[str, int] | None
) -> None:
    assert family_of_topic(topic, SOURCES) == owner


@given(known=st.sets(prefixes), topic=prefixes)
def test_the_owner_is_what_a_search_of_all_prefixes_finds(known: set[str], topic: str) -> None:
    above = [each for each in known if f"{topic}/".startswith(f"{each}/")]
    expected = (max(above, key=len), True) if above else None
    assert family_of_topic(topic, dict.fromkeys(known, True)) == expected


def test_a_prefix_of_the_greatest_length_still_owns_its_topics() -> None:
    longest = "p" * MAX_PREFIX
    check_prefix(longest)
    assert family_of_topic(f"{longest}/lamp", {longest: 1}) == (longest, 1)
    assert family_of_topic(f"{longest}x/lamp", {longest: 1}) is None


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ("z2m", "z2m", True),
        ("z2m", "z2m/east", True),
        ("z2m", "z2m2", False),
        ("home/a", "home/b", False),
        ("home", "home/b/c", True),
    ],
)
def test_overlap_counts_whole_levels(a: str, b: str, overlap: bool) -> None:
    assert prefixes_overlap(a, b) is overlap
    assert prefixes_overlap(b, a) is overlap


@pytest.mark.parametrize("prefix", ["zigbee2mqtt", "home/院子 东", "anjuan", "z2m-2"])
def test_a_prefix_that_may_be_used(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("", "is empty"),
        ("a/+/b", "wildcards"),
        ("a/#", "wildcards"),
        ("$share/g/a", "broker"),
        ("$SYS", "broker"),
        ("/a", "slash"),
        ("a/", "slash"),
        ("a//b", "slash"),
        ("/", "slash"),
        ("anju", "native"),
        ("anju/v1", "native"),
        ("anju/v9/x", "native"),
        ("a\0b", "printed"),
        ("a\nb", "printed"),
        ("a" * (MAX_PREFIX + 1), "longer"),
    ],
)
def test_a_prefix_that_is_refused_with_its_reason(prefix: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refusal:
        check_prefix(prefix)
    assert refusal.value.field == "prefix"


def test_families_are_found_by_name() -> None:
    assert {"native", "zigbee2mqtt", "tasmota", "shelly-gen2", "wmbusmeters"} <= set(FAMILIES)
    assert all(family(name).name == name for name in FAMILIES)
    with pytest.raises(
        InvalidInput, match=r"'zwave' is none of .*, chirpstack-v4, .*, zigbee2mqtt"
    ):
        family("zwave")
