"""The watch list: every home with a water meter, by how near it is to its limit."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import seconds
from alerting.watchlist.rows import Wanted, WatchRow, load_rows, with_people
from alerting.watchlist.standing import is_soon, sections
from care.paging import MAX_LIMIT, PageRequest
from care.queries import Sight
from core.errors import InvalidInput

Show = Literal["near", "silent", "learning", "unable", "away"]
SHOWN: tuple[str, ...] = get_args(Show)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watchlist:
    """One page of a section. `soon` are those of `near` whose limit has passed or comes in 2 h."""

    items: tuple[WatchRow, ...]
    next_cursor: str | None
    counts: Mapping[str, int]  # section → homes in it
    soon: int


async def watchlist(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    wanted: Wanted,
    now: datetime,
    zone: str,
) -> Watchlist:
    """One page of one section, nearest first, and how many homes each section has.

    `zone`: the name of the one that the homes lie in. Raises `InvalidInput` for a cursor that
    this section did not give out, and for a limit outside 1 to 500.
    """
    if not 1 <= page.limit <= MAX_LIMIT:
        raise InvalidInput("limit", f"must be 1 to {MAX_LIMIT}")
    after = _decode(page.cursor, wanted.show) if page.cursor is not None else None
    rows = await load_rows(session, sight, wanted, now, zone)
    placed = [(sections(row.standing), row) for row in rows]
    found = _sorted((row for names, row in placed if wanted.show in names), wanted.show)
    if after is not None:
        found = [one for one in found if one[0] > after]
    shown = found[: page.limit]
    now_s = seconds(now)
    return Watchlist(
        items=await with_people(session, [row for _, row in shown]),
        next_cursor=_encode(wanted.show, shown[-1][0]) if len(found) > page.limit else None,
        counts={name: sum(name in names for names, _ in placed) for name in SHOWN},
        soon=sum(is_soon(row.standing, now_s) for row in rows),
    )


async def whole_watchlist(
    session: AsyncSession, sight: Sight, wanted: Wanted, now: datetime, zone: str
) -> tuple[WatchRow, ...]:
    """Every row of one section, for an export."""
    rows = await load_rows(session, sight, wanted, now, zone)
    found = _sorted((row for row in rows if wanted.show in sections(row.standing)), wanted.show)
    filled: list[WatchRow] = []
    for start in range(0, len(found), MAX_LIMIT):
        filled += await with_people(session, [row for _, row in found[start : start + MAX_LIMIT]])
    return tuple(filled)


# ── order and cursors ─────────────────────────────────────────────────────────────────────────

Key = tuple[int, str]
_WHYS = ("dry", "no_meter", "register_silent", "doubted", "no_reading", "rule_changed", "off")


def _why_rank(row: WatchRow) -> int:
    why = row.standing.why
    return _WHYS.index(why) if why in _WHYS else len(_WHYS)


_ORDER: dict[str, Callable[[WatchRow], int]] = {
    "near": lambda row: row.standing.marks[0].at,  # passed longest ago, or comes soonest
    "silent": lambda row: seconds(row.heard_at) if row.heard_at else 0,  # longest silent
    "learning": lambda row: row.standing.day,  # newest
    "unable": _why_rank,  # nothing watched at all before watched less well
    "away": lambda row: seconds(row.until) if row.until else 0,  # without an end, then next back
}


def _sorted(rows: Iterable[WatchRow], show: str) -> list[tuple[Key, WatchRow]]:
    order = _ORDER[show]
    return sorted((((order(row), row.ident), row) for row in rows), key=lambda one: one[0])


def _encode(show: str, key: Key) -> str:
    text = json.dumps([show, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(cursor: str, show: str) -> Key:
    """Where the page before ended; everything a stranger may put into it is refused."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        name, place, ident = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor", "is not one that this list gave out") from error
    if name != show or type(place) is not int or not isinstance(ident, str):
        raise InvalidInput("cursor", "is not one that this list gave out")
    return place, ident
