"""Elders whose devices speak and notice nothing: shown, and nobody is sent (docs/adr/0027)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.intake.watched import standings, without_a_sure_watch
from alerting.supervision import Standing, Verdict, judge
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, visible_elders
from care.tables import Elder, Supervision

_ORDER = Order(name="idle", key=Elder.created_at, ident=Elder.id)
AT_ONCE = 200
MOST_LOOKED_AT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class IdleElder:
    """An elder at home, and what hangs there and notices nothing, each with its reason."""

    elder: Elder
    devices: tuple[Standing, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
    """How homes are watched that nothing but meters may watch. `slow`: told after a day or more."""

    idle: int = 0
    slow: int = 0
    is_whole: bool = True  # False: there are more than were looked at


async def idle_elders(
    session: AsyncSession, sight: Sight, request: PageRequest, now: datetime, zone: str
) -> Page[IdleElder]:
    """Elders at home whom nothing watches because what they have notices nothing.

    First registered first. Who lost a device is on the list of the unwatched instead. A page may
    hold fewer than its limit though another follows: each of its elders is looked into.
    """
    maybe: Select[Any] = without_a_sure_watch(now).where(
        visible_elders(sight), Elder.id.not_in(select(Supervision.elder_id))
    )
    page = await fetch_page(session, select(Elder).where(Elder.id.in_(maybe)), _ORDER, request)
    verdicts = await _verdicts(session, page.items, now, zone)
    items = tuple(
        IdleElder(elder=elder, devices=verdicts[elder.id].idle)
        for elder in page.items
        if verdicts[elder.id].what == "idle"
    )
    return Page(items=items, next_cursor=page.next_cursor)


async def census(session: AsyncSession, now: datetime, zone: str) -> Census:
    """Count them, everywhere; at most `MOST_LOOKED_AT` elders are looked into."""
    maybe = without_a_sure_watch(now, meters=False).order_by(Elder.id).limit(MOST_LOOKED_AT + 1)
    ids = (await session.scalars(maybe)).all()
    found = Census(is_whole=len(ids) <= MOST_LOOKED_AT)
    for start in range(0, min(len(ids), MOST_LOOKED_AT), AT_ONCE):
        some = Elder.id.in_(ids[start : start + AT_ONCE])
        elders = (await session.scalars(select(Elder).where(some))).all()
        for verdict in (await _verdicts(session, elders, now, zone)).values():
            found = replace(
                found,
                idle=found.idle + (verdict.what == "idle"),
                slow=found.slow + bool(verdict.slow_s),
            )
        session.expunge_all()
    return found


async def _verdicts(
    session: AsyncSession, elders: Sequence[Elder], now: datetime, zone: str
) -> dict[str, Verdict]:
    stands = await standings(session, elders, now, zone)
    return {ident: judge([one for one, _ in found]) for ident, found in stands.items()}
