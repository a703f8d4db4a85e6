"""Do the homes of an area stand still together, more than their habits explain? Pure.

One home gone quiet is a question to the elder. Many at once, and nobody in the whole area who used
water since, is rather a supply that stopped. It suppresses nothing: it says so, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

LEAST_QUIET = 5
"""Homes past their own limit since water was last used anywhere in the area."""

LEAST_SHARE = 0.4
"""Of the area's working meters, so many must have been read since then: and all stood still."""

LEAST_S = 3600
FRESH_S = 3 * 3600
"""A meter that was not read for longer says nothing of the present."""


class Meter(NamedTuple):
    """One home's water meter; seconds since 1970, 0 for never."""

    home_id: str
    areas: tuple[str, ...]  # its home's area and all above it, the widest first
    used_at: int  # last reading with use
    read_at: int  # last trusted reading
    found_at: int  # when this gap passed the home's limit: a check or an incident began


class Together(NamedTuple):
    """The homes of an area that stand still together."""

    area_id: str
    since: int  # the last use of any of them
    homes: int  # with a meter that works
    still: int  # of them read since, all without use
    quiet: tuple[str, ...]  # homes of them that are past their own limit


def together(meters: Sequence[Meter], now: int) -> Sequence[Together]:
    """The widest areas that stand still together; areas inside them are not named again."""
    of_area: dict[str, list[Meter]] = {}
    for meter in meters:
        if now - meter.read_at <= FRESH_S:
            for area_id in meter.areas:
                of_area.setdefault(area_id, []).append(meter)
    found = {
        area_id: said
        for area_id, some in of_area.items()
        if (said := _judge(area_id, some, now)) is not None
    }
    inside = {area_id for meter in meters for area_id in _below_the_first(meter.areas, found)}
    return [said for area_id, said in sorted(found.items()) if area_id not in inside]


def _judge(area_id: str, meters: Sequence[Meter], now: int) -> Together | None:
    since = max(meter.used_at for meter in meters)
    if now - since < LEAST_S:
        return None
    quiet = tuple(sorted({meter.home_id for meter in meters if meter.found_at > since}))
    if len(quiet) < LEAST_QUIET:
        return None
    homes = len({meter.home_id for meter in meters})
    still = len({meter.home_id for meter in meters if meter.read_at > since})
    if still < LEAST_SHARE * homes:
        return None
    return Together(area_id, since, homes, still, quiet)


def _below_the_first(areas: Iterable[str], found: Mapping[str, Together]) -> Sequence[str]:
    """Of a home's areas that stand still, all but the widest."""
    return [area_id for area_id in areas if area_id in found][1:]
