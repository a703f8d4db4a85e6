"""All families by name, and which of them a topic belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from core.errors import InvalidInput
from devices.event import Decoded, Message
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
from devices.family import DeviceFamily, SourceView
from devices.mapping.shipped import shipped_families
from devices.topics import MAX_PREFIX as MAX_PREFIX
from devices.topics import prefix_problem
from devices.topics import prefixes_overlap as prefixes_overlap

_BUILT_IN: dict[str, DeviceFamily] = {
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
} | {each.name: each for each in shipped_families()}

_FAMILIES = dict(_BUILT_IN)
FAMILIES: Mapping[str, DeviceFamily] = MappingProxyType(_FAMILIES)
"""Those in code, those of `devices/mappings/`, and the installation's own once `use_own` ran."""

T = TypeVar("T")


def _set_aside(message: Message, source: SourceView) -> Decoded:
    """Names the device where a level of the topic is the id of a registered one."""
    levels = message.topic.removeprefix(f"{source.prefix}/").split("/")
    child = next((level for level in levels if level in source.roles), None)
    return Decoded(quarantined="unknown_family", culprit=child)


NOT_UNDERSTOOD = DeviceFamily(
    name="not-understood",
    title_zh="无法识别的设备族",
    title_en="Not understood",
    default_prefix="not-understood",
    subscriptions=lambda prefix: (f"{prefix}/#",) if prefix else (),
    decode=_set_aside,
    samples=(),
    capabilities=(),
)
"""Stands in for a source's family that is gone: a broken mapping, or a newer version's. Nothing is
understood, but nothing is lost: an SOS button's message still opens an unconfirmed incident."""


def built_in() -> Mapping[str, DeviceFamily]:
    """The families of every installation."""
    return MappingProxyType(_BUILT_IN)


def use_own(families: Iterable[DeviceFamily]) -> None:
    """Know these beside the built-in ones, in place of any own ones before.

    For the composition root, once at start. Raises `InvalidInput` for a name that is taken.
    """
    own: dict[str, DeviceFamily] = {}
    for each in families:
        if each.name in _BUILT_IN or each.name in own:
            raise InvalidInput("family", f"there are two families called {each.name!r}")
        own[each.name] = each
    _FAMILIES.clear()
    _FAMILIES.update(_BUILT_IN | own)


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


def check_prefix(prefix: str) -> None:
    """Raises `InvalidInput("prefix", …)` when a source must not be given that topic prefix."""
    problem = prefix_problem(prefix)
    if problem is not None:
        raise InvalidInput("prefix", problem)
