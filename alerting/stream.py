"""Hints for open pages, numbered in commit order so that a reader can resume without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check_queries import visible_checks
from alerting.queries import visible_devices, visible_incidents
from alerting.tables import Check, Incident, StreamHint
from care.queries import Sight, in_scope
from care.tables import Device
from core.db import add_hint

_COMMIT_ORDER_LOCK = 0x416E6A75  # "Anju": one advisory lock, held from here to the commit
KEEP_HINTS = timedelta(hours=1)


async def write_hints(session: AsyncSession, hints: Sequence[StreamHint]) -> None:
    """Store hints as the very last thing before the commit.

    On PostgreSQL a lower number could otherwise commit after a higher one and be missed by a
    reader; the lock makes numbering and committing one step. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COMMIT_ORDER_LOCK}
        )
    unique = {(hint.topic, hint.ref_id): hint for hint in hints}
    await session.execute(
        insert(StreamHint),
        [
            {"topic": h.topic, "ref_id": h.ref_id, "area_id": h.area_id, "at": h.at}
            for h in unique.values()
        ],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Hints:
    """What changed since a number: those the caller may see, and how far the look went."""

    seen: tuple[StreamHint, ...]
    upto: int  # look on from here, also where nothing of it was to be seen
    more: bool  # the look brought as many as it may; there is probably more
    lost: bool = False  # hints after the number are no longer stored: fetch everything anew


async def hints(session: AsyncSession, sight: Sight, after: int, limit: int) -> Hints:
    """Hints with a number above `after`, in the order of their commits."""
    shown = case((visible_hints(sight), 1), else_=0)
    query = select(StreamHint, shown).where(StreamHint.seq > after)
    rows = (await session.execute(query.order_by(StreamHint.seq).limit(limit))).all()
    if rows and rows[0][0].seq > after + 1:
        # A gap is either a number that was never committed, or the past being forgotten.
        lowest, highest = await hint_bounds(session)
        if lowest > after + 1:
            return Hints(seen=(), upto=highest, more=False, lost=True)
    return Hints(
        seen=tuple(row[0] for row in rows if row[1]),
        upto=rows[-1][0].seq if rows else after,
        more=len(rows) == limit,
    )


def visible_hints(sight: Sight) -> ColumnElement[bool]:
    """The desk: its area and what has none. A visitor: their incidents and homes' devices."""
    if sight.by_area:
        return in_scope(StreamHint.area_id, sight.actor.scope)
    incidents_seen = select(Incident.id).where(visible_incidents(sight))
    checks_seen = select(Check.id).where(visible_checks(sight))
    devices_seen = select(Device.id).where(visible_devices(sight))
    return or_(
        and_(StreamHint.topic == "incident", StreamHint.ref_id.in_(incidents_seen)),
        and_(StreamHint.topic == "check", StreamHint.ref_id.in_(checks_seen)),
        and_(StreamHint.topic == "device", StreamHint.ref_id.in_(devices_seen)),
    )


async def hint_bounds(session: AsyncSession) -> tuple[int, int]:
    """The lowest and highest number still stored; (0, 0) when there is none."""
    row = (await session.execute(select(func.min(StreamHint.seq), func.max(StreamHint.seq)))).one()
    return int(row[0] or 0), int(row[1] or 0)


async def prune_hints(session: AsyncSession, now: datetime) -> None:
    """Forget what no page will ask for any more; the newest one stays, so numbering goes on."""
    newest = select(func.max(StreamHint.seq)).scalar_subquery()
    await session.execute(
        delete(StreamHint).where(StreamHint.at < now - KEEP_HINTS, StreamHint.seq < newest)
    )


def announce(session: AsyncSession, device: Device, now: datetime) -> None:
    """Tell every open page that this device changed, once the transaction has committed."""
    hint = StreamHint(topic="device", ref_id=device.id, area_id=device.area_id, at=now)
    add_hint(session, hint)
