"""Why a home counts as quiet, as a picture: five weeks of use by hour, the gap, limit and alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.tables import Incident, ReadingRow
from alerting.usage import HOURS, DayUse, by_hour, midnight_after, place_in_day

KINDS = frozenset({"no_water_use", "tap_left_on", "leak", "cannot_assess"})
DAYS = 35
TALL = 2  # the last days, in which the gap lies, are drawn larger
LEFT, TOP, WIDTH = 64, 28, 360  # px of the drawing
THIN, THICK, RULE = 7, 34, 5
ROOM_FOR_WORDS = 176  # px of a gap that its length is written into
STEPS_L = (0.5, 5.0, 20.0, 60.0)
"""From so many litres an hour on a cell is one shade darker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle of the drawing, with the class that paints it."""

    x: float
    y: float
    width: float
    height: float
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A moment: a line across its day, and what it is called there."""

    x: float
    y: float
    height: float
    name: str  # limit or alarm
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageChart:
    """Everything the template draws; lengths in px."""

    cells: tuple[Box, ...]
    gap: tuple[Box, ...]
    gap_label: Label | None  # where the length of the gap is written
    gap_s: float  # from the last use until now, or until the case was closed
    marks: tuple[Mark, ...]
    days: tuple[Label, ...]
    hours: tuple[Label, ...]
    width: float
    height: float


async def load_chart(
    session: AsyncSession, incident: Incident, zone: ZoneInfo, now: datetime
) -> UsageChart | None:
    """The chart of an incident about water; None where no reading could be drawn."""
    if incident.kind not in KINDS or incident.device_id is None:
        return None
    until = incident.closed_at or now
    readings = await load_readings(session, incident.device_id, until)
    uses = by_hour(readings, zone, until, DAYS)
    return draw(uses, incident.facts, incident.opened_at, until, zone) if _told(uses) else None


async def load_readings(
    session: AsyncSession, device_id: str, until: datetime
) -> list[tuple[datetime, float]]:
    """The stored readings (m³) of a water meter that the picture is made of."""
    rows = await session.execute(
        select(ReadingRow.at, ReadingRow.value).where(
            ReadingRow.device_id == device_id,
            ReadingRow.register == "water_total",
            ReadingRow.at > until - timedelta(days=DAYS + 1),
            ReadingRow.at <= until,
        )
    )
    return [(at, value) for at, value in rows]


def draw_stillness(
    readings: Sequence[tuple[datetime, float]],
    since: str | None,
    limit_s: int,
    now: datetime,
    zone: ZoneInfo,
) -> UsageChart | None:
    """The same of a home without an alarm: the gap that runs `since` then, and its limit."""
    uses = by_hour(readings, zone, now, DAYS)
    return (
        draw(uses, {"since": since, "limit_s": limit_s}, None, now, zone) if _told(uses) else None
    )


def _told(uses: Sequence[DayUse]) -> bool:
    return any(litres is not None for use in uses for litres in use.litres)


def draw(
    uses: Sequence[DayUse],
    facts: Mapping[str, Any],
    alarm_at: datetime | None,
    until: datetime,
    zone: ZoneInfo,
) -> UsageChart:
    """Days from top to bottom, hours from left to right; the last days tall."""
    tops = _tops(len(uses))
    place = {use.day: (top, height) for use, (top, height) in zip(uses, tops, strict=True)}
    since = _moment(facts.get("since"))
    gap = tuple(_gap(since, until, place, zone)) if since is not None else ()
    marks = [("alarm", alarm_at)] if alarm_at is not None else []
    limit_s = facts.get("limit_s") or (facts.get("window_h") or 0) * 3600
    if since is not None and limit_s:
        marks.append(("limit", since + timedelta(seconds=limit_s)))
    return UsageChart(
        cells=tuple(_cells(uses, tops, until.astimezone(zone))),
        gap=gap,
        gap_label=_room_in(gap),
        gap_s=(until - since).total_seconds() if since is not None else 0.0,
        marks=tuple(_marks(marks, place, zone)),
        days=tuple(_day_labels(uses, tops)),
        hours=tuple(
            Label(x=LEFT + WIDTH * hour / HOURS, y=TOP - 9, text=f"{hour:02d}")
            for hour in (0, 6, 12, 18, 24)
        ),
        width=LEFT + WIDTH + 12,
        height=tops[-1][0] + tops[-1][1] + 8,
    )


def _tops(count: int) -> list[tuple[float, float]]:
    """(top, height) of every row."""
    found: list[tuple[float, float]] = []
    y = float(TOP)
    for number in range(count):
        is_tall = number >= count - TALL
        y += RULE if is_tall else 0
        height = THICK if is_tall else THIN
        found.append((y, float(height)))
        y += height + 1
    return found


def _cells(
    uses: Sequence[DayUse], tops: Sequence[tuple[float, float]], now: datetime
) -> Iterator[Box]:
    step = WIDTH / HOURS
    for use, (top, height) in zip(uses, tops, strict=True):
        for hour, litres in enumerate(use.litres):
            if litres is None and (use.day, hour) >= (now.date(), now.hour):
                continue  # not unknown: it is still to come
            yield Box(
                x=LEFT + hour * step, y=top, width=step - 1, height=height, name=shade(litres)
            )


def shade(litres: float | None) -> str:
    """The class of a cell: `unknown`, or `use-0` (none) to `use-4`."""
    if litres is None:
        return "unknown"
    return f"use-{sum(litres >= step for step in STEPS_L)}"


def _gap(
    since: datetime,
    until: datetime,
    place: Mapping[date, tuple[float, float]],
    zone: ZoneInfo,
) -> Iterator[Box]:
    """The stillness from the last use on, a frame on every day it touches."""
    begin = since
    while begin < until:
        day, left = place_in_day(begin, zone)
        end = min(midnight_after(day, zone), until)
        right = 1.0 if end < until else place_in_day(until, zone)[1] or 1.0
        if day in place and right > left:
            top, height = place[day]
            yield Box(
                x=LEFT + left * WIDTH,
                y=top,
                width=(right - left) * WIDTH,
                height=height,
                name="gap",
            )
        begin = midnight_after(day, zone)


def _room_in(gap: Sequence[Box]) -> Label | None:
    """Where words begin in the widest frame that is tall and wide enough for them."""
    fitting = [box for box in gap if box.height == THICK and box.width >= ROOM_FOR_WORDS]
    if not fitting:
        return None
    widest = max(fitting, key=lambda box: box.width)
    return Label(x=widest.x + 8, y=widest.y + THICK / 2 + 5, text="")


def _marks(
    moments: Sequence[tuple[str, datetime]],
    place: Mapping[date, tuple[float, float]],
    zone: ZoneInfo,
) -> Iterator[Mark]:
    for name, at in moments:
        day, share = place_in_day(at, zone)
        if day in place:
            top, height = place[day]
            yield Mark(x=LEFT + share * WIDTH, y=top - 2, height=height + 4, name=name, at=at)


def _day_labels(uses: Sequence[DayUse], tops: Sequence[tuple[float, float]]) -> Iterator[Label]:
    for number, (use, (top, height)) in enumerate(zip(uses, tops, strict=True)):
        if height == THICK or number % 7 == 0:
            yield Label(x=LEFT - 8, y=top + height / 2 + 5, text=f"{use.day:%m-%d}")


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
