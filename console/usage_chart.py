"""Why a home counts as quiet, as a picture: five weeks of use by hour, the gap and its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Purpose, is_asking_line
from alerting.tables import Check, Incident, ReadingRow
from alerting.usage import HOURS, DayUse, by_hour, midnight_after, place_in_day
from console.stillness import moment_of

KINDS = frozenset({"no_water_use", "tap_left_on", "leak", "cannot_assess"})
DAYS = 35
TALL = 2  # the last days, in which the gap lies, are drawn larger
LEFT, TOP, WIDTH = 64, 28, 360  # px of the drawing
THIN, THICK, RULE = 5, 34, 5
DOT = 7  # px, the radius of a moment
DOT_AT = {"asked": 0.27, "seen": 0.5, "opened": 0.73}
"""How far down its row a moment stands: asked and opened are minutes apart."""
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
    """A limit: a line across its day. Dashed for the one that asks, solid for the incident's."""

    x: float
    y: float
    height: float
    name: str  # check or incident
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """A moment at which something happened."""

    x: float
    y: float
    r: float
    name: str  # asked, opened; seen: somebody knew that all was well
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
    dots: tuple[Dot, ...]
    days: tuple[Label, ...]
    hours: tuple[Label, ...]
    width: float
    height: float


async def load_chart(
    session: AsyncSession, incident: Incident, zone: ZoneInfo, now: datetime
) -> UsageChart | None:
    """The chart of an incident about water; None where no reading could be drawn."""
    moments = [("opened", incident.opened_at)]
    check = incident.facts.get("check") or {}
    asked_at = moment_of(check.get("asked_at"))
    if asked_at is not None and check.get("purpose") == Purpose.WELLBEING:
        moments.insert(0, ("asked", asked_at))
    until = incident.closed_at or now
    return await _load(session, incident, incident.facts, moments, until, zone)


async def load_check_chart(
    session: AsyncSession, check: Check, zone: ZoneInfo, now: datetime
) -> UsageChart | None:
    """The same of a check: nobody has been alarmed yet, or ever was."""
    facts = check.finding.get("facts", {})
    moments = [("asked", check.opened_at)]
    return await _load(session, check, facts, moments, check.ended_at or now, zone)


async def _load(
    session: AsyncSession,
    subject: Incident | Check,
    facts: Mapping[str, Any],
    moments: Sequence[tuple[str, datetime]],
    until: datetime,
    zone: ZoneInfo,
) -> UsageChart | None:
    if subject.kind not in KINDS or subject.device_id is None:
        return None
    readings = await load_readings(session, subject.device_id, until)
    uses = by_hour(readings, zone, until, DAYS)
    return draw(uses, facts, moments, until, zone) if _told(uses) else None


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
    return draw(uses, {"since": since, "limit_s": limit_s}, (), now, zone) if _told(uses) else None


def _told(uses: Sequence[DayUse]) -> bool:
    return any(litres is not None for use in uses for litres in use.litres)


def draw(
    uses: Sequence[DayUse],
    facts: Mapping[str, Any],
    moments: Sequence[tuple[str, datetime]],
    until: datetime,
    zone: ZoneInfo,
) -> UsageChart:
    """Days from top to bottom, hours from left to right; the last days tall.

    `moments`: what happened when, by the names of `Dot`.
    """
    tops = _tops(len(uses))
    place = {use.day: (top, height) for use, (top, height) in zip(uses, tops, strict=True)}
    since = moment_of(facts.get("since"))
    gap = tuple(_gap(since, until, place, zone)) if since is not None else ()
    marks = (
        [(name, since + timedelta(seconds=limit_s)) for name, limit_s in limits_of(facts)]
        if since is not None
        else []
    )
    if since is not None and facts.get("seen_at"):
        moments = [("seen", since), *moments]
    return UsageChart(
        cells=tuple(_cells(uses, tops, until.astimezone(zone))),
        gap=gap,
        gap_label=_room_in(gap),
        gap_s=(until - since).total_seconds() if since is not None else 0.0,
        marks=tuple(_marks(marks, place, zone)),
        dots=tuple(_dots(moments, place, zone)),
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


def _dots(
    moments: Sequence[tuple[str, datetime]],
    place: Mapping[date, tuple[float, float]],
    zone: ZoneInfo,
) -> Iterator[Dot]:
    for name, at in moments:
        day, share = place_in_day(at, zone)
        if day in place:
            top, height = place[day]
            x, r = LEFT + share * WIDTH, min(DOT, height / 2)
            yield Dot(x=x, y=top + height * DOT_AT[name], r=r, name=name, at=at)


def limits_of(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Every limit that the facts name, in seconds from their `since`: check, incident."""
    limit_s = facts.get("limit_s") or (facts.get("window_h") or 0) * 3600
    if not limit_s:
        return []
    if not is_asking_line(facts):
        return [("incident", limit_s)]
    later_s = facts.get("quiet_limit_s") or 0
    return [("check", limit_s)] + ([("incident", later_s)] if later_s > limit_s else [])


def _day_labels(uses: Sequence[DayUse], tops: Sequence[tuple[float, float]]) -> Iterator[Label]:
    for number, (use, (top, height)) in enumerate(zip(uses, tops, strict=True)):
        if height == THICK or number % 7 == 0:
            yield Label(x=LEFT - 8, y=top + height / 2 + 5, text=f"{use.day:%m-%d}")
