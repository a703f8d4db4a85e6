"""Times as people read them: a clock in the home's zone, spans that fit a narrow column. Pure."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, for scripts: `2026-03-01T00:15:30.120Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`12:03:50` today, `02-28 12:03` this year, `2025-12-31 12:03` otherwise."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d %H:%M")


def span(seconds: float, day: str) -> str:
    """`00:42`, `3:10:05`, from a day on `2 天 04:12`; `day` is the word for days.

    `static/clock.js` ticks on in the same form.
    """
    total = max(int(seconds), 0)
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days} {day} {hours:02d}:{minutes:02d}"
    if hours:
        return f"{hours}:{minutes:02d}:{secs:02d}"
    return f"{minutes:02d}:{secs:02d}"


def age_on(birth: date | None, today: date) -> int | None:
    """Completed years; None when the birth date is unknown."""
    if birth is None:
        return None
    had_birthday = (today.month, today.day) >= (birth.month, birth.day)
    return today.year - birth.year - (0 if had_birthday else 1)


def clock_of_iso(moment: str, zone: ZoneInfo, now: datetime) -> str:
    """`clock` of an RFC 3339 time; the text itself when it is none."""
    try:
        return clock(datetime.fromisoformat(moment), zone, now)
    except ValueError:
        return moment


def phone_text(number: str | None) -> str:
    """`+8613900001234` → `139 0000 1234`; every other number as it is."""
    if number is None:
        return ""
    local = number.removeprefix("+86")
    if local != number and len(local) == 11 and local.isdigit():
        return f"{local[:3]} {local[3:7]} {local[7:]}"
    return number


def local_field(moment: datetime, zone: ZoneInfo) -> str:
    """The value of a `datetime-local` field, to the minute, in the home's zone."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
