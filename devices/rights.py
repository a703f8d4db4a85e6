"""What an MQTT account may say and hear: the one rule behind every broker's access list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devices.families.native import FAMILY as NATIVE
from devices.families.native import ROOT
from devices.registry import FAMILIES, roots_of

_UP = ("event", "telemetry", "status")
_DOWN = ("ack", "command")


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A native device, or a bridge."""

    name: str  # MQTT user name, and client id
    family: str = NATIVE.name
    prefix: str = ""  # a bridge's topic prefix
    listed: tuple[str, ...] | None = None  # all that a bridge may speak for, by id and by name;
    # None: for whatever is below its prefix


def may_publish(account: Account, topic: str) -> bool:
    """Whether the account may publish to `topic`."""
    return any(matches(wanted, topic) for wanted in publishing(account))


def may_hear(account: Account, topic: str) -> bool:
    """Whether a message on `topic` may be delivered to the account."""
    return any(matches(wanted, topic) for wanted in hearing(account))


def may_subscribe(account: Account, wanted: str) -> bool:
    """Whether the account may ask for `wanted`, a topic filter.

    Only where it may hear everything that the filter matches. (Mosquitto lets anybody subscribe
    and checks each delivery; the same messages arrive.)
    """
    return any(covers(allowed, wanted) for allowed in hearing(account))


def publishing(account: Account) -> tuple[str, ...]:
    """Topic filters that the account may publish below."""
    if account.family == NATIVE.name:
        return tuple(f"{ROOT}/{account.name}/{channel}" for channel in _UP)
    family = FAMILIES.get(account.family)
    if family is not None and account.listed is not None:
        narrow = family.child_topics(account.prefix, tuple(filter(_is_plain, account.listed)))
        if narrow is not None:
            return narrow
    return _all_of(account)


def hearing(account: Account) -> tuple[str, ...]:
    """Topic filters of what may be delivered to the account. A bridge hears all of its own."""
    if account.family == NATIVE.name:
        return tuple(f"{ROOT}/{account.name}/{channel}" for channel in _DOWN)
    family = FAMILIES.get(account.family)
    spoken_to = family.downlink if family is not None else None
    return _all_of(account) + (spoken_to.listens(account.prefix) if spoken_to else ())


def downlinks(sources: Iterable[tuple[str, str]]) -> list[str]:
    """Filters that Anju itself must be able to write to, for bridges given as (family, prefix)."""
    found: set[str] = set()
    for name, prefix in sources:
        family = FAMILIES.get(name)
        if family is not None and family.downlink is not None:
            found.update(family.downlink.filters(prefix))
    return sorted(found)


def matches(wanted: str, topic: str) -> bool:
    """Whether the topic filter `wanted` matches `topic` (MQTT 5, 4.7).

    What begins with $ is matched by no wildcard in the first level.
    """
    if topic.startswith("$") and wanted[:1] in ("+", "#"):
        return False
    return covers(wanted, topic)


def covers(allowed: str, wanted: str) -> bool:
    """Whether every topic that the filter `wanted` matches is matched by `allowed`, too."""
    mine, theirs = allowed.split("/"), wanted.split("/")
    for index, level in enumerate(mine):
        if level == "#":
            return True
        if index == len(theirs) or theirs[index] == "#":
            return False
        if level not in ("+", theirs[index]):
            return False
    return len(mine) == len(theirs)


def _all_of(account: Account) -> tuple[str, ...]:
    return tuple(f"{root}/#" for root in roots_of(account.family, account.prefix))


def _is_plain(name: str) -> bool:
    """Bridges choose names. One with a wildcard or a line break would open the whole list."""
    return bool(name) and name.isprintable() and "+" not in name and "#" not in name
