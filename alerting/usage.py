"""What a register moved hour by hour, from stored readings: for charts, never for alarms. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

HOURS = 24
LONGEST_SPAN = timedelta(hours=3)
"""Readings further apart do not say when something was used between them."""

MOST_L = 5_000.0
"""More within one span is a swapped or restarted register."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayUse:
    """One local day: litres by hour; None where no two readings tell."""

    day: date
    litres: tuple[float | None, ...]


def by_hour(
    readings: Iterable[tuple[datetime, float]], zone: ZoneInfo, until: datetime, days: int
) -> tuple[DayUse, ...]:
    """The last `days` local days up to `until`, oldest first.

    `readings` are (time, cumulative register in m3), in any order. A difference belongs to the
    hours between its two readings, in equal parts; a register that went back tells nothing.
    """
    last = until.astimezone(zone).date()
    first = last - timedelta(days=days - 1)
    table: dict[date, list[float | None]] = {
        first + timedelta(days=number): [None] * HOURS for number in range(days)
    }
    ordered = sorted((at.astimezone(UTC), value) for at, value in readings if at <= until)
    for (since, before), (at, value) in pairwise(ordered):
        litres = (value - before) * 1000
        if not (0 <= litres <= MOST_L and timedelta(0) < at - since <= LONGEST_SPAN):
            continue
        touched = list(_hours(since, at, zone))
        for day, hour in touched:
            row = table.get(day)
            if row is not None:
                row[hour] = (row[hour] or 0.0) + litres / len(touched)
    return tuple(DayUse(day=day, litres=tuple(row)) for day, row in table.items())


def _hours(since: datetime, at: datetime, zone: ZoneInfo) -> Iterator[tuple[date, int]]:
    """Every local (day, hour) that the span from `since` to `at` touches."""
    step = since.replace(minute=0, second=0, microsecond=0)
    seen: set[tuple[date, int]] = set()
    while step < at:
        local = step.astimezone(zone)
        if (local.date(), local.hour) not in seen:
            seen.add((local.date(), local.hour))
            yield local.date(), local.hour
        step += timedelta(hours=1)


def place_in_day(at: datetime, zone: ZoneInfo) -> tuple[date, float]:
    """The local day of a moment, and how far into it: 0.0 at midnight, 1.0 at the next."""
    local = at.astimezone(zone)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    return local.date(), since_midnight / timedelta(days=1)


def midnight_after(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)
