"""Where a battery is heading, and how well a device is heard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from statistics import median

import msgspec

SWAPPED_PCT = 20
"""A rise by so much that lasts is a new battery: what came before says nothing of it."""
LEAST_DAYS = 14
LEAST_POINTS = 4
MOST_POINTS = 25
"""Of more, evenly spread ones are looked at: every pair is one slope."""
NOTICEABLE_PCT = -1.0
"""Less than one percent in thirty days is the gauge's own noise: nobody can say when it ends."""


class BatteryTrend(msgspec.Struct, frozen=True, kw_only=True):
    """How a battery falls. `weeks_left` None: it does not fall noticeably."""

    pct_per_30_days: float
    weeks_left: int | None


def battery_trend(points: Sequence[tuple[datetime, float]]) -> BatteryTrend | None:
    """The trend of `(time, percent)` in order of time, one a day at most; None: too little known.

    The median of all slopes between two points (Theil–Sen): a cold night or a wild value moves
    nothing. Only what came since the last swap counts.
    """
    since_swap = list(points[_last_swap(points) :])
    if len(since_swap) < LEAST_POINTS:
        return None
    stride = len(since_swap) // MOST_POINTS + 1
    since_swap = since_swap[::-stride][::-1]
    begin = since_swap[0][0]
    series = [((at - begin).total_seconds() / 86400, pct) for at, pct in since_swap]
    if series[-1][0] < LEAST_DAYS:
        return None
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(series, 2) if b[0] > a[0]]
    per_day = median(slopes)
    level = median(pct for _, pct in series[-3:])
    falls = per_day * 30 <= NOTICEABLE_PCT
    return BatteryTrend(
        pct_per_30_days=round(per_day * 30, 1),
        weeks_left=max(round(level / -per_day / 7), 0) if falls else None,
    )


def _last_swap(points: Sequence[tuple[datetime, float]]) -> int:
    """Index of the first point after the last rise that lasted; 0 when there was none."""
    for index in range(len(points) - 1, 0, -1):
        before = median(pct for _, pct in points[max(index - 3, 0) : index])
        after = [pct for _, pct in points[index : index + 3]]
        if min(after) - before >= SWAPPED_PCT and len(after) > 1:
            while index > 1 and points[index - 1][1] - before >= SWAPPED_PCT:
                index -= 1
            return index
    return 0


def signal_band(rssi_dbm: float | None, link_quality: float | None = None) -> str | None:
    """`good`, `fair` or `weak`; None when the device says nothing of it.

    Radio in dBm: good from -75 up, weak below -90 (LoRa and NB-IoT still arrive there, but with
    nothing to spare). Zigbee's link quality of 0 to 255: good from 80 up, weak below 30.
    """
    if rssi_dbm is not None:
        return "good" if rssi_dbm >= -75 else "fair" if rssi_dbm >= -90 else "weak"
    if link_quality is not None:
        return "good" if link_quality >= 80 else "fair" if link_quality >= 30 else "weak"
    return None
