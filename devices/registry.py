"""All families by name, and which of them a topic belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from core.errors import InvalidInput
from devices.families import (
    chirpstack,
    ctwing,
    elder_watch,
    homeassistant,
    huawei,
    native,
    onenet,
    rtl_433,
    shelly,
    tasmota,
    the_things_stack,
    thingsboard,
    wmbusmeters,
    zigbee2mqtt,
)
from devices.family import DeviceFamily

FAMILIES: Mapping[str, DeviceFamily] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        native,
        zigbee2mqtt,
        tasmota,
        shelly,
        wmbusmeters,
        rtl_433,
        chirpstack,
        the_things_stack,
        elder_watch,
        thingsboard,
        homeassistant,
        ctwing,
        onenet,
        huawei,
    )
}

MAX_PREFIX = 200
_OWN_ROOT = "anju"  # topics of the native protocol, all versions

T = TypeVar("T")


def family(name: str) -> DeviceFamily:
    """The family of that name. Raises `InvalidInput` naming the ones there are."""
    try:
        return FAMILIES[name]
    except KeyError:
        known = ", ".join(sorted(FAMILIES))
        raise InvalidInput("family", f"{name!r} is none of {known}") from None


def is_push(name: str) -> bool:
    """Whether that family comes in over HTTP; False for one that nobody knows."""
    known = FAMILIES.get(name)
    return known is not None and known.is_push


def roots_of(name: str, prefix: str) -> tuple[str, ...]:
    """Every topic root that a source of that family with that prefix owns, its prefix first.

    What is below them is its to say, and no other source's. An unknown family owns its prefix.
    """
    known = FAMILIES.get(name)
    return (prefix,) if known is None else known.roots(prefix)


def family_of_topic(topic: str, sources: Mapping[str, T]) -> tuple[str, T] | None:
    """The entry of `sources` (prefix → anything) whose prefix is the longest above `topic`.

    Whole levels count: `zigbee2mqtt` is not above `zigbee2mqtt2/lamp`. None when no prefix is.
    """
    above = topic[: MAX_PREFIX + 1]  # no prefix is longer; a topic may have 30 000 levels
    while above:
        if above in sources:
            return above, sources[above]
        above = above.rpartition("/")[0]
    return None


def prefixes_overlap(a: str, b: str) -> bool:
    """Whether a topic can be below both prefixes, so that two sources would hear one message."""
    return f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/")


def check_prefix(prefix: str) -> None:
    """Raises `InvalidInput("prefix", …)` when a source must not be given that topic prefix."""
    problem = _prefix_problem(prefix)
    if problem is not None:
        raise InvalidInput("prefix", problem)


def _prefix_problem(prefix: str) -> str | None:
    levels = prefix.split("/")
    if not prefix:
        return "is empty"
    if len(prefix) > MAX_PREFIX:
        return f"is longer than {MAX_PREFIX} characters"
    if not prefix.isprintable():
        return "contains a character that cannot be printed"
    if "+" in prefix or "#" in prefix:
        return "must not contain the wildcards + and #"
    if prefix.startswith("$"):
        return "must not begin with $, which belongs to the broker"
    if "" in levels:
        return "must not begin or end with a slash or have two in a row"
    if levels[0] == _OWN_ROOT:
        return f"must not be below {_OWN_ROOT}/, which belongs to native devices"
    return None
