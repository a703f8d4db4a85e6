"""Until when somebody is away, as people say it: tonight, tomorrow, in three days. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import InvalidInput

TONIGHT = time(23)
THAT_EVENING = time(21)
"""Late enough that whoever comes back during the day is back."""

LEAST_LEFT = timedelta(hours=1)
"""Nobody who comes back tonight is offered an absence that is as good as over."""

_DAYS = {"tomorrow": 1, "three_days": 3, "week": 7}


def choices(now: datetime, zone: ZoneInfo) -> tuple[tuple[str, datetime], ...]:
    """(key of the `absence` texts, when it ends in UTC), soonest first."""
    today = now.astimezone(zone).date()
    tonight = _local(today, TONIGHT, zone)
    soonest = (("tonight", tonight),) if tonight - now >= LEAST_LEFT else ()
    return soonest + tuple(
        (name, _local(today + timedelta(days=days), THAT_EVENING, zone))
        for name, days in _DAYS.items()
    )


def until_of(choice: str, day: str, now: datetime, zone: ZoneInfo) -> datetime:
    """What one of the choices, or `day` (`2026-03-05`, with the choice `date`), means in UTC.

    Raises `InvalidInput` for what is neither, and for a day that is over.
    """
    if choice != "date":
        known = dict(choices(now, zone))
        if choice not in known:
            raise InvalidInput("back", "choice")
        return known[choice]
    try:
        wanted = _local(date.fromisoformat(day), THAT_EVENING, zone)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("day", "time") from error
    if wanted <= now:
        raise InvalidInput("day", "range")
    return wanted


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
