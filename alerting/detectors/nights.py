"""What a home draws while everybody sleeps: the base load of the last two weeks' calmest nights."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alerting.detectors.load import UNKNOWN, Closed, Level
from alerting.detectors.view import Seconds
from alerting.detectors.zone import local_s

FROM_S, UNTIL_S = 3600, 5 * 3600
"""From one to five by the home's clock."""

COVERED_S = 9000
"""A night of which less was seen (two and a half of four hours) is not counted."""

NIGHTS = 14
FEWEST = 5
"""Fewer nights are no habit: until then nothing can be said."""

CALMEST_PERCENT = 70
HALF_HOURS = 8
"""In a night. Of the calmest nights' half hours the 95th percentile is the base load."""

_DAY_S = 86_400

Past = Annotated[bytes, msgspec.Meta(max_length=2 * NIGHTS)]


class Nights(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The two busiest half hours of each night, a byte each (`packed`), and of the present one."""

    base: Level = UNKNOWN  # tenths of a watt-hour in half an hour
    past: Past = b""
    past_day: Seconds = 0  # local day of the last night in `past`
    day: Seconds = 0  # local day of the present night; 0: none
    covered_s: Seconds = 0
    peak: Level = 0
    second: Level = 0


def note(nights: Nights, closed: Closed, zone: str, step: int, *, resting: bool) -> Nights:
    """Take in one stretch. `resting`: nobody is at home, and nothing is learnt from it."""
    day, second_of_day = divmod(local_s(zone, (closed.from_at + closed.at) // 2), _DAY_S)
    in_night = FROM_S <= second_of_day < UNTIL_S and not resting
    if nights.day and not (in_night and day == nights.day):
        nights = _ended(nights, step)
    if not in_night:
        return nights
    level, peak = closed.level, nights.peak
    return Nights(
        nights.base,
        nights.past,
        nights.past_day,
        day,
        nights.covered_s + closed.at - closed.from_at,
        max(peak, level),
        max(nights.second, min(peak, level)),
    )


def _ended(nights: Nights, step: int) -> Nights:
    """The night is over: it joins the others, if enough of it was seen."""
    base, past, past_day = nights.base, nights.past, nights.past_day
    if nights.day - past_day > NIGHTS:
        base, past = UNKNOWN, b""  # what is left is of another season
    is_cut = not nights.peak and is_visible(base, step)
    if nights.covered_s < COVERED_S or is_cut:
        return Nights(base, past, past_day)
    past = past[-2 * (NIGHTS - 1) :] + bytes((packed(nights.peak), packed(nights.second)))
    return Nights(_base_of(past), past, nights.day)


def _base_of(past: bytes) -> int:
    count = len(past) // 2
    if count < FEWEST:
        return UNKNOWN
    pairs = sorted(zip(past[::2], past[1::2], strict=True), key=sum)
    calmest = pairs[: count * CALMEST_PERCENT // 100]
    busiest = sorted((one for two in calmest for one in two), reverse=True)
    return unpacked(busiest[len(calmest) * HALF_HOURS // 20])


def is_visible(base: int, step: int) -> bool:
    """Whether the counter shows that the base load is there at all: several steps in four hours."""
    return base > 0 and 2 * base >= step


def packed(level: int) -> int:
    """A level as a byte: whole watt-hours up to 31, then four binary digits; rounded up."""
    wh, shift = -(-level // 10), 0
    while wh >= 32:
        wh, shift = (wh + 1) >> 1, shift + 1
    return min(shift * 16 + wh, 255)


def unpacked(code: int) -> int:
    """The level of a byte, in tenths of a watt-hour."""
    if code < 32:
        return code * 10
    return ((16 + code % 16) << (code // 16 - 1)) * 10
