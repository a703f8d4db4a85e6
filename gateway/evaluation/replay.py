"""Readings from a file through the very detector code that runs in production."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TextIO
from zoneinfo import ZoneInfo

from alerting.detect import DeviceState, DeviceView, Judged, answered, judge, tick
from alerting.finding import Finding, Sign
from core.errors import InvalidInput
from devices.event import Reading

COLUMNS = ("home", "time", "register_l")
CLOCK_FAULT = timedelta(days=7)
"""A time so far ahead of the rows on both its sides is a wrong clock, not a late row."""

FALSE_WITHIN_S = 24 * 3600
"""A gap that ended sooner was somebody at home: what a call to the elder would have found out."""

TOLD = frozenset({Sign.ROSE, Sign.WORSE})


class Row(NamedTuple):
    """One line of the file: when (as written, and in UTC), and the register in litres."""

    text: str
    at: datetime
    litres: float


class Alarm(NamedTuple):
    """What was found after reading number `row` of a home's rows was taken in."""

    row: int
    at: datetime  # when it would have been raised
    text: str  # the same as the file writes times
    finding: Finding


@dataclass(kw_only=True, slots=True)
class Home:
    """One home's rows in the order of the file."""

    name: str
    zone: str
    rows: list[Row] = field(default_factory=list)


def read_homes(path: Path, zone: str | None = None) -> dict[str, Home]:
    """Every home of a CSV file (`.gz` too) with the columns home, time, register_l.

    Times without a zone are the home's own wall clock, or that of `zone` if it is named. Raises
    InvalidInput with the number of the first line that cannot be used.
    """
    homes: dict[str, Home] = {}
    try:
        with _opened(path) as file:
            rows = csv.reader(file)
            places = _places(path, next(rows, []))
            _read_rows(path, rows, places, zone, homes)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InvalidInput("--readings", f"cannot read {path}: {why}") from error
    if not homes:
        raise InvalidInput("--readings", f"{path} has no readings")
    return homes


def replay(
    home: Home,
    device: DeviceView,
    *,
    feedback: bool = True,
    watch: Callable[[int, DeviceState], None] | None = None,
) -> tuple[list[Alarm], DeviceState]:
    """Every alarm of a home as it would have been raised, and the state at the end.

    A row arrives when it says it was read, and not before the row above it. `feedback` answers
    every alarm as a duty desk would, as soon as water is used again: false when that is within a
    day. `watch` is called with a row's number and the state after it.
    """
    state, alarms = DeviceState(), []
    judge_at: datetime | None = None
    for index, (row, now) in enumerate(zip(home.rows, arrivals(home.rows), strict=True)):
        while judge_at is not None and judge_at < now:
            ticked = tick(state, device, judge_at)
            when = judge_at
            state, judge_at = ticked.state, ticked.judge_at
            alarms += _told(ticked, index - 1, when, _like(row.text, when, device.zone))
        said = Reading(
            child_id=home.name, register="water_total", value=row.litres / 1000, unit="m3"
        )
        judged = judge(state, ((row.at, said),), device, now)
        state, judge_at = judged.state, judged.judge_at
        if judged.findings:
            text = row.text if now == row.at else _like(row.text, now, device.zone)
            alarms += _told(judged, index, now, text)
            if feedback:
                state = _answer(state, judged.findings)
        if watch is not None:
            watch(index, state)
    return alarms, state


def arrivals(rows: list[Row]) -> Iterator[datetime]:
    """When each row arrived: never before the one above it, and not years ahead of the next."""
    if not rows:
        return
    now = rows[0].at
    if len(rows) > 1 and now - rows[1].at > CLOCK_FAULT:
        now = rows[1].at
    for index, row in enumerate(rows):
        at = row.at
        if at > now:
            fault = (
                at - now > CLOCK_FAULT
                and index + 1 < len(rows)
                and at - rows[index + 1].at > CLOCK_FAULT
            )
            if not fault:
                now = at
        yield now


def _answer(state: DeviceState, findings: Iterable[Finding]) -> DeviceState:
    for found in findings:
        if found.kind == "no_water_use" and found.sign is Sign.CLEARED:
            was_false = found.facts.get("gap_s", 0) < FALSE_WITHIN_S
            state = answered(state, found.kind, was_false=was_false)
    return state


def _told(judged: Judged, index: int, now: datetime, text: str) -> list[Alarm]:
    return [Alarm(index, now, text, found) for found in judged.findings if found.sign in TOLD]


def _like(sample: str, at: datetime, zone: str) -> str:
    """`at` written as `sample` writes times."""
    written = datetime.fromisoformat(sample)
    if written.tzinfo is not None:
        local = at.astimezone(written.tzinfo)
    elif zone == "+00:00":
        local = at.replace(tzinfo=None)
    else:
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    precision = "minutes" if len(sample) == len("2026-03-01T00:00") else "seconds"
    return local.isoformat(sep=sample[10:11] or "T", timespec=precision)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if zipped:
            with gzip.open(raw, "rt", encoding="utf-8-sig", newline="") as file:
                yield file
        else:
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _places(path: Path, header: list[str]) -> tuple[int, int, int]:
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        problem = f"{path} line 1 has no column {', '.join(missing)}"
        raise InvalidInput("--readings", f"{problem} (needed: {','.join(COLUMNS)})")
    home, time, register = (names.index(name) for name in COLUMNS)
    return home, time, register


def _read_rows(
    path: Path,
    rows: Iterable[list[str]],
    places: tuple[int, int, int],
    zone: str | None,
    homes: dict[str, Home],
) -> None:
    name_at, time_at, litres_at = places
    named = ZoneInfo(zone) if zone else None
    parse = datetime.fromisoformat
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        try:
            name, text, litres = row[name_at], row[time_at], float(row[litres_at])
            at = parse(text)
        except (IndexError, ValueError):
            raise InvalidInput("--readings", _what_is_wrong(path, number, row, places)) from None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC) if named is None else at.replace(tzinfo=named)
        home = homes.get(name)
        if home is None:
            home = homes[name] = Home(name=name, zone=zone or _zone_of(at))
        home.rows.append(Row(text, at, litres))


def _zone_of(at: datetime) -> str:
    """The hours of a home are those of its times as written."""
    offset = at.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _what_is_wrong(path: Path, number: int, row: list[str], places: tuple[int, int, int]) -> str:
    where = f"{path} line {number}"
    if len(row) <= max(places):
        return f"{where}: {len(row)} columns, too few"
    try:
        datetime.fromisoformat(row[places[1]])
    except ValueError:
        return f"{where}: {row[places[1]][:40]!r} is not a time such as 2026-03-01T08:15"
    return f"{where}: {row[places[2]][:40]!r} is not a number of litres"
