"""Is it night? Hours of the day in the home's zone, as a rule or a default gives them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerting.detectors.view import DEFAULT_ZONE, DeviceView, Seconds, parameter


class Night(NamedTuple):
    """Minutes since midnight; over midnight when `until` is not after `start`."""

    start: int
    until: int


NIGHT = Night(22 * 60, 6 * 60)


def night_of(device: DeviceView, rule: str) -> Night:
    """`from` and `until` of a rule (`"22:00"`); the default for what is missing or no time."""
    return Night(
        _minutes(parameter(device, rule, "from"), NIGHT.start),
        _minutes(parameter(device, rule, "until"), NIGHT.until),
    )


def is_night(at: Seconds, device: DeviceView, rule: str) -> bool:
    """Whether that moment lies in the night of a rule, by the clock on the home's wall."""
    start, until = night_of(device, rule)
    local = datetime.fromtimestamp(at, _zone(device.zone))
    minute = local.hour * 60 + local.minute
    if start < until:
        return start <= minute < until
    return minute >= start or minute < until


def _minutes(text: object, default: int) -> int:
    if not isinstance(text, str):
        return default
    hours, colon, minutes = text.partition(":")
    if not colon or not (hours.isascii() and hours.isdigit()):
        return default
    if not (minutes.isascii() and minutes.isdigit()) or len(text) > 5:
        return default
    total = int(hours) * 60 + int(minutes)
    return total if int(minutes) < 60 and total < 24 * 60 else default


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)
