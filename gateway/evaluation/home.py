"""One home's readings, and the alarms that a rule would have raised there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import islice
from operator import le
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerting.detect import DeviceState, DeviceView
from alerting.detectors.view import moment
from alerting.finding import Finding
from alerting.trial.replay import Replay
from core.errors import InvalidInput

CLOCK_FAULT_S = 7 * 86_400
"""A time so far ahead of the rows on both its sides is a wrong clock, not a late row."""

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_MINUTES = len("2026-03-01T00:00")


class Alarm(NamedTuple):
    """What was found after reading number `row` of a home's rows was taken in."""

    row: int
    at: int  # seconds, when it would have been raised
    text: str  # the same as the file writes times
    finding: Finding


@dataclass(kw_only=True, slots=True)
class Home:
    """One home's rows, in the order in which they arrived."""

    name: str
    zone: str  # of its hours: a name, or an offset such as +08:00
    times: list[int] = field(default_factory=list)  # seconds
    litres: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # times as written; empty: not from a file
    device: DeviceView | None = None  # the meter, where it is a registered one

    def arrivals(self) -> Sequence[int]:
        """When each row arrived: never before the one above it, not years ahead of the next."""
        return _arrivals(self.times)

    def text(self, row: int, at: int) -> str:
        """The moment `at`, soon after a row, as the row's own time is written."""
        if not self.texts:
            return moment(at).astimezone(zone_of(self.zone)).isoformat()
        row = max(row, 0)
        sample = self.texts[row]
        return sample if at == self.times[row] else _like(sample, at, self.zone)


def replay(
    home: Home,
    device: DeviceView,
    *,
    feedback: bool = True,
    watch: Callable[[int, DeviceState], None] | None = None,
) -> tuple[list[Alarm], DeviceState]:
    """Every alarm of a home as it would have been raised, and the state at the end.

    `feedback` and `watch` are those of `alerting.trial.replay`.
    """
    course = Replay(device, feedback=feedback)
    values = [litres / 1000 for litres in home.litres]
    course.run(home.times, values, home.arrivals(), watch)
    alarms = [Alarm(row, at, home.text(row, at), found) for row, at, found in course.told]
    return alarms, course.state


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone of a name or an offset. Raises `InvalidInput` for one that there is not."""
    fixed = _OFFSET.fullmatch(name)
    if fixed:
        span = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        if span < timedelta(days=1):
            return timezone(-span if fixed[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problem = f"{name!r} is no zone such as Europe/Madrid or +08:00"
        raise InvalidInput("--zone", problem) from None


def _like(sample: str, at: int, zone: str) -> str:
    """`at` written as `sample` writes times."""
    written = datetime.fromisoformat(sample)
    local = moment(at).astimezone(written.tzinfo or zone_of(zone))
    if written.tzinfo is None:
        local = local.replace(tzinfo=None)
    precision = "minutes" if len(sample) == _MINUTES else "seconds"
    return local.isoformat(sep=sample[10:11] or "T", timespec=precision)


def _arrivals(times: Sequence[int]) -> Sequence[int]:
    if all(map(le, times, islice(times, 1, None))):
        return times
    now = times[1] if times[0] - times[1] > CLOCK_FAULT_S else times[0]
    heard: list[int] = []
    last = len(times) - 1
    for row, at in enumerate(times):
        if at > now:
            ahead = at - now > CLOCK_FAULT_S
            if not (ahead and row < last and at - times[row + 1] > CLOCK_FAULT_S):
                now = at
        heard.append(now)
    return heard
