"""Readings of many homes from a CSV file, however it was exported."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TextIO

from alerting.detectors.view import MAX_SECONDS
from core.errors import InvalidInput
from gateway.evaluation.home import Home, zone_of
from gateway.evaluation.source import Source

COLUMNS = ("home", "time", "register_l")
NOTHING = frozenset({"", "-", "na", "n/a", "nan", "nil", "none", "null"})
"""What exports write where there is no value, in small letters."""

ABSURD_L = 1e15
"""No register has so many digits; infinity is beyond it."""

SHUFFLED_SHARE = 0.1
"""With more of its rows after a newer one, a home's rows did not arrive in the file's order."""

MOST_CLOCKS = 200_000
"""Twice as many clock times as a day has seconds: times with fractions are not remembered."""

_FIRST_YEAR, _LAST_YEAR = 1970, 2286
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(slots=True)
class _Read:
    """What was read so far."""

    homes: dict[str, Home] = field(default_factory=dict)
    without_value: int = 0


class _Places(NamedTuple):
    home: int
    time: int
    register: int


def read_homes(path: Path, zone: str | None = None) -> Source:
    """Every home of a CSV file (`.gz` too) with the columns home, time, register_l.

    Further columns and any order of them are fine. Times without a zone are the home's own wall
    clock, or that of `zone` if it is named. Rows without a value are left out and counted. Raises
    InvalidInput with the number of the first line that cannot be used.
    """
    if zone is not None:
        zone_of(zone)
    found = _Read()
    try:
        with _opened(path) as file:
            rows = csv.reader(file, skipinitialspace=True)
            places = _places(path, next(rows, []))
            _read_rows(path, rows, places, zone, found)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise InvalidInput("--readings", f"cannot read {path}: {_reason(error)}") from error
    if not found.homes:
        raise InvalidInput("--readings", f"{path} has no readings")
    homes = found.homes.values()
    in_order = sum(_put_in_order(home) for home in homes)
    return Source(
        homes=homes,
        count=len(homes),
        without_value=found.without_value,
        sorted_homes=in_order,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if isinstance(error, EOFError):
        return "it is cut off: the compressed file has no end"
    return (isinstance(error, OSError) and error.strerror) or str(error)


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


def _places(path: Path, header: list[str]) -> _Places:
    names = [name.strip().casefold() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if not missing:
        return _Places(*(names.index(name) for name in COLUMNS))
    where, needed = f"{path} line 1", f"(needed: {','.join(COLUMNS)})"
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and mark in header[0]:
            problem = f"{where} has {name} between its columns; commas are needed"
            raise InvalidInput("--readings", problem)
    raise InvalidInput("--readings", f"{where} has no column {', '.join(missing)} {needed}")


def _read_rows(
    path: Path, rows: Iterable[list[str]], places: _Places, zone: str | None, found: _Read
) -> None:
    name_at, time_at, litres_at = places
    times, homes = Times(zone), found.homes
    days, clocks = times.days, times.clocks
    last: str | None = None  # a home's rows mostly follow each other
    home = Home(name="", zone="")
    for number, row in enumerate(rows, 2):
        try:
            name, text, litres = row[name_at], row[time_at], float(row[litres_at])
            at = days[text[:10]] + clocks[text[10:]]
            if name != last:
                last, home = name, homes[name]
            if not -ABSURD_L < litres < ABSURD_L:
                raise ValueError(litres)
        except (IndexError, ValueError, KeyError):
            known = _first_time(path, number, row, places, times, found)
            if known is None:
                continue
            home, text, at, litres = known
            last = home.name
        home.times.append(at)
        home.litres.append(litres)
        home.texts.append(text)


def _first_time(
    path: Path, number: int, row: list[str], places: _Places, times: Times, found: _Read
) -> tuple[Home, str, int, float] | None:
    """A row with anything in it that was not met before; None: it holds no reading."""
    if not any(cell.strip() for cell in row):
        return None
    where = f"{path} line {number}"
    if len(row) <= max(places):
        raise InvalidInput("--readings", f"{where}: {len(row)} columns, too few")
    name, text, value = (row[place].strip() for place in places)
    if (name.casefold(), text.casefold(), value.casefold()) == COLUMNS:
        return None  # two exports one after the other
    if not name:
        raise InvalidInput("--readings", f"{where}: no home is named")
    litres = _litres(where, value)
    if litres is None or text.casefold() in NOTHING:
        found.without_value += 1
        return None
    home = found.homes.get(name)
    at, zone = times.parse(where, text, home.times[-1] if home and home.times else None)
    if home is None:
        home = found.homes[name] = Home(name=name, zone=zone)
    return home, text, at, litres


def _litres(where: str, value: str) -> float | None:
    if value.casefold() in NOTHING:
        return None
    try:
        litres = float(value)
    except ValueError:
        problem = f"{where}: {value[:40]!r} is not a number of litres"
        raise InvalidInput("--readings", problem) from None
    return litres if -ABSURD_L < litres < ABSURD_L else None


class Times:
    """Times as files write them, in seconds since 1970.

    Nearly every row has a date and a clock time that were met before: `days` and `clocks` keep
    both, and their sum is the time. A day on which the zone's clocks are set has no entry.
    """

    def __init__(self, zone: str | None) -> None:
        """`zone`: of times without one; None: they are a wall clock, counted as UTC is."""
        self.days: dict[str, int] = {}
        self.clocks: dict[str, int] = {}
        self._name, self._zone = zone, zone_of(zone) if zone is not None else UTC

    def parse(self, where: str, text: str, last: int | None) -> tuple[int, str]:
        """Seconds, and the zone that a home with this time has. Raises `InvalidInput`.

        `last` is the home's time before: in the hour that comes twice in autumn the second one is
        meant when the first has been.
        """
        try:
            written = datetime.fromisoformat(text)
        except ValueError:
            problem = f"{where}: {text[:40]!r} is not a time such as 2026-03-01T08:15"
            raise InvalidInput("--readings", problem) from None
        self._remember(text, written)
        named = written if written.tzinfo is not None else written.replace(tzinfo=self._zone)
        at = _seconds(named)
        if written.tzinfo is None and last is not None and at <= last:
            again = _seconds(named.replace(fold=1))
            at = again if again > last else at
        return at, self._name or _offset_of(named)

    def _remember(self, text: str, written: datetime) -> None:
        """So that the next row with this day or this clock time is a matter of two look-ups."""
        has_offset = written.tzinfo is not None
        if not _DAY.match(text) or (has_offset and self._zone is not UTC):
            return  # a file with both kinds of times has the one that is named remembered
        day_s = _midnight(text[:10], self._zone)
        if day_s is None or len(self.clocks) > MOST_CLOCKS:
            return
        offset = (written.utcoffset() or timedelta()).total_seconds()
        clock_s = written.hour * 3600 + written.minute * 60 + written.second
        self.days[text[:10]] = day_s
        self.clocks[text[10:]] = clock_s - int(offset)


def _midnight(day: str, zone: tzinfo) -> int | None:
    """When a day begins in a zone; None for one on which its clocks are set, or far from now."""
    begins = datetime.fromisoformat(day).replace(tzinfo=zone)
    if not _FIRST_YEAR < begins.year < _LAST_YEAR:
        return None
    if begins.utcoffset() != (begins + timedelta(days=1)).utcoffset():
        return None
    return int(begins.timestamp())


def _seconds(at: datetime) -> int:
    if not _FIRST_YEAR < at.year < _LAST_YEAR:
        return 0 if at.year <= _FIRST_YEAR else MAX_SECONDS
    return int(at.timestamp())


def _offset_of(at: datetime) -> str:
    """The hours of a home are those of its times as written."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _put_in_order(home: Home) -> bool:
    """Whether the home's rows had to be sorted by time: exports need not be in that order.

    A few rows after one that is newer came late, as they do in life; those stay.
    """
    times, heard = home.times, home.arrivals()
    if heard is times:
        return False
    late = sum(at < now for at, now in zip(times, heard, strict=True))
    if late <= SHUFFLED_SHARE * len(times):
        return False
    order = list(range(len(times)))
    if sum(after < before for before, after in pairwise(times)) * 2 > len(times):
        order.reverse()  # newest first: rows of one time stand the wrong way round, too
    order.sort(key=times.__getitem__)
    home.times = [times[row] for row in order]
    home.litres = [home.litres[row] for row in order]
    home.texts = [home.texts[row] for row in order]
    return True
