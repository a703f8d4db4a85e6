"""What hour it is where the home stands; pure, and the same on every machine."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerting.detectors.view import moment

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@lru_cache(maxsize=65_536)
def _offset_s(zone: str, hour: int) -> int:
    fixed = _OFFSET.fullmatch(zone)
    if fixed:
        span = int(fixed[2]) * 3600 + int(fixed[3]) * 60
        return -span if fixed[1] == "-" else span
    try:
        offset = moment(hour * 3600).astimezone(ZoneInfo(zone)).utcoffset()
    except (KeyError, ValueError, OverflowError, OSError):
        return 0
    return int((offset or timedelta()).total_seconds())


def local_s(zone: str, at: int) -> int:
    """Seconds since 1970 as the wall clock in `zone` counts them.

    `zone` is a name of the tz database or an offset such as `+08:00`; an unknown one is UTC, which
    shifts every hour of a home alike and so costs a pattern nothing.
    """
    return at + _offset_s(zone, at // 3600)
