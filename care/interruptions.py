"""Interruptions of a supply in the database: put down, moved, ended, dismissed by people.

What follows for the meters is handed down by a loop, in pieces; `due_at` says when it acts next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.listing import within
from care.model import Actor
from care.supply import AHEAD_MOST, BACK_MOST, MOST, SupplyKind, SupplyState
from care.tables import Area, Home, Interruption
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import new_id

OPEN = (SupplyState.SUSPECTED.value, SupplyState.RECORDED.value)
OVERDUE_AFTER = timedelta(minutes=2)
"""Meters that were not told for so long are an alarm about Anju itself."""


async def record(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    area_id: str,
    until: datetime,
    reason: str,
    begins_at: datetime | None = None,
    kind: SupplyKind = SupplyKind.WATER,
) -> Interruption:
    """The supply of an area, and of all below it, does not come from `begins_at` (now) to `until`.

    What Anju suspected there is over with it. Raises `InvalidInput` naming the field, `NotFound`
    for an area that is not the caller's, `Conflict` where one is recorded for these hours.
    """
    area = await queries.area(session, actor.scope, area_id)
    begins_at = begins_at or now
    _check_times(begins_at, until, now)
    other = await session.scalar(
        select(Interruption).where(
            Interruption.area_id == area.id,
            Interruption.kind == kind.value,
            Interruption.state == SupplyState.RECORDED.value,
            Interruption.begins_at < until,
            Interruption.until > begins_at,
        )
    )
    if other is not None:
        raise Conflict(
            "an interruption is recorded there for these hours: move or end that one",
            winner=other.created_by,
            at=other.created_at.isoformat(),
        )
    row = Interruption(
        id=new_id("cut"),
        area_id=area.id,
        kind=kind.value,
        state=SupplyState.RECORDED.value,
        begins_at=begins_at,
        until=until,
        reason=reason,
        data={},
        version=1,
        due_at=max(begins_at, now),
        created_at=now,
        created_by=actor.name,
        created_by_id=actor.id,
    )
    session.add(row)
    inside = select(Area.id).where(Area.path.startswith(area.path, autoescape=True))
    suspected = select(Interruption).where(
        Interruption.state == SupplyState.SUSPECTED.value,
        Interruption.kind == kind.value,
        Interruption.area_id.in_(inside),
    )
    for one in await session.scalars(suspected.with_for_update()):
        close(one, SupplyState.ENDED, "recorded", now, actor.name)
    await session.flush()
    return row


def _check_times(begins_at: datetime, until: datetime, now: datetime) -> None:
    if begins_at < now - BACK_MOST:
        raise InvalidInput("begins_at", "at most a day ago")
    if begins_at > now + AHEAD_MOST:
        raise InvalidInput("begins_at", "at most 30 days ahead")
    if until <= max(begins_at, now):
        raise InvalidInput("until", "must lie in the future, and after the beginning")
    if until > begins_at + MOST:
        raise InvalidInput("until", "at most 72 hours after the beginning; it can be moved later")


async def move_end(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    interruption_id: str,
    *,
    until: datetime | None = None,
    reason: str | None = None,
    version: int | None = None,
) -> Interruption:
    """Somebody looked: it lasts until then, at most 72 h from now (or from when it begins)."""
    row = await _locked(session, actor, interruption_id, SupplyState.RECORDED, version)
    if until is not None:
        if until <= max(row.begins_at, now):
            raise InvalidInput("until", "must lie in the future; to end it now, end it")
        if until > max(row.begins_at, now) + MOST:
            raise InvalidInput("until", "at most 72 hours ahead; it can be moved again")
        row.until = until
        row.due_at = max(row.begins_at, now)  # it had passed, and some meters know: told anew
    if reason is not None:
        row.reason = reason
    row.version += 1
    await session.flush()
    return row


async def end(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    interruption_id: str,
    version: int | None = None,
) -> Interruption:
    """The supply is back, or the announcement was withdrawn: watching resumes."""
    row = await _locked(session, actor, interruption_id, SupplyState.RECORDED, version)
    close(row, SupplyState.ENDED, "staff", now, actor.name)
    await session.flush()
    return row


async def dismiss(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    interruption_id: str,
    version: int | None = None,
) -> Interruption:
    """What Anju suspected is none: nothing more is said of it until water was used again."""
    row = await _locked(session, actor, interruption_id, SupplyState.SUSPECTED, version)
    close(row, SupplyState.DISMISSED, "staff", now, actor.name)
    await session.flush()
    return row


def close(row: Interruption, state: SupplyState, why: str, now: datetime, by: str) -> None:
    """The one way to end one. Meters that rest for it are told at once by the loop.

    They are told even of one that has not begun by this clock: it may have been set back.
    """
    was_recorded = row.state == SupplyState.RECORDED
    row.state, row.ended_why = state.value, why
    row.ended_at, row.ended_by = now, by
    row.due_at = now if was_recorded else None
    row.version += 1


async def _locked(
    session: AsyncSession,
    actor: Actor,
    interruption_id: str,
    wanted: SupplyState,
    version: int | None,
) -> Interruption:
    """Raises `NotFound` unless it lies in the caller's area, `Conflict` for what is over."""
    row = await session.scalar(
        select(Interruption)
        .where(Interruption.id == interruption_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("interruption", interruption_id)
    await queries.area(session, actor.scope, row.area_id)
    ended_at = row.ended_at.isoformat() if row.ended_at else None
    if row.state != wanted:
        raise Conflict(f"it is {row.state}", winner=row.ended_by, at=ended_at, version=row.version)
    if version is not None and version != row.version:
        raise Conflict(f"version {version} is old, it is at {row.version}", version=row.version)
    return row


async def next_due(session: AsyncSession, now: datetime) -> Interruption | None:
    """The interruption whose meters are to be told now, longest due first."""
    return await session.scalar(
        select(Interruption)
        .where(Interruption.due_at <= now)
        .order_by(Interruption.due_at, Interruption.id)
        .limit(1)
    )


async def overdue(session: AsyncSession, now: datetime) -> Sequence[str]:
    """The auditor asks: which meters should have been told, and nobody did?"""
    query = select(Interruption.id).where(Interruption.due_at <= now - OVERDUE_AFTER).limit(50)
    return (await session.scalars(query)).all()


async def pass_date(session: AsyncSession, interruption_id: str, now: datetime) -> None:
    """Its date has passed and nobody moved it: over."""
    row = await session.scalar(
        select(Interruption)
        .where(
            Interruption.id == interruption_id,
            Interruption.state == SupplyState.RECORDED.value,
            Interruption.until <= now,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is not None and row.until is not None:
        close(row, SupplyState.ENDED, "until_passed", row.until, "安居")
        await session.flush()


async def home_ids_after(
    session: AsyncSession, area_id: str, after: str, most: int
) -> Sequence[str]:
    """Homes of an area and of all below it, a page at a time."""
    query = (
        select(Home.id)
        .where(within(Home.area_id, area_id), Home.id > after)
        .order_by(Home.id)
        .limit(most)
    )
    return (await session.scalars(query)).all()


async def mark_told(session: AsyncSession, row: Interruption) -> None:
    """Every meter knows, unless somebody changed it meanwhile: then it is due again."""
    current = await session.scalar(
        select(Interruption)
        .where(Interruption.id == row.id, Interruption.version == row.version)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if current is not None:
        current.due_at = current.until if current.state == SupplyState.RECORDED else None
        await session.flush()
