"""Checks as they are looked at: lists and single ones, cut to what the caller may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import CheckState
from alerting.tables import Check
from care.listing import equal, within
from care.model import UserRole
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, in_scope, visible_elder_ids, visible_home_ids
from care.tables import Elder
from core.errors import NotFound

_CHECKS = Order(name="checks", key=Check.opened_at, ident=Check.id, newest_first=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """A check that runs: somebody who lives there is being asked whether all is well."""

    check_id: str
    since: datetime
    until: datetime | None  # when the incident opens if nobody answers


def visible_checks(sight: Sight) -> ColumnElement[bool]:
    """The desk: its area and what has none. A visitor: their elders' and homes'."""
    if sight.by_area:
        return in_scope(Check.area_id, sight.actor.scope)
    if sight.actor.role != UserRole.VISITOR:
        return false()
    return or_(
        Check.elder_id.in_(visible_elder_ids(sight)), Check.home_id.in_(visible_home_ids(sight))
    )


async def checks(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    states: Sequence[str] = (),
    elder_id: str | None = None,
    home_id: str | None = None,
    area_id: str | None = None,
    since: datetime | None = None,
) -> Page[Check]:
    """Checks, latest opened first. An elder's are those of their home, too."""
    statement = equal(select(Check).where(visible_checks(sight)), home_id=home_id)
    if states:
        statement = statement.where(Check.state.in_(states))
    if elder_id is not None:
        statement = statement.where(of_elder(elder_id))
    if area_id is not None:
        statement = statement.where(within(Check.area_id, area_id))
    if since is not None:
        statement = statement.where(Check.opened_at >= since)
    return await fetch_page(session, statement, _CHECKS, page)


def of_elder(elder_id: str) -> ColumnElement[bool]:
    """An elder's own, and those of the home where they live."""
    home = select(Elder.home_id).where(Elder.id == elder_id).scalar_subquery()
    return or_(Check.elder_id == elder_id, Check.home_id == home)


async def check(session: AsyncSession, sight: Sight, check_id: str) -> Check:
    """A check the caller may see; raises `NotFound` for any other."""
    query = select(Check).where(Check.id == check_id, visible_checks(sight))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound("check", check_id)
    return found


async def latest_of(session: AsyncSession, elder_id: str, limit: int = 10) -> tuple[Check, ...]:
    """The latest checks of an elder or their home, for their page."""
    query = select(Check).where(of_elder(elder_id)).order_by(Check.opened_at.desc()).limit(limit)
    return tuple((await session.scalars(query)).all())


async def running(session: AsyncSession, sight: Sight, limit: int = 100) -> Sequence[Check]:
    """Questions to elders that are not answered yet, oldest first."""
    query = (
        select(Check)
        .where(
            Check.state != CheckState.ENDED.value,
            Check.purpose == "wellbeing",
            visible_checks(sight),
        )
        .order_by(Check.opened_at, Check.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def asking_about(session: AsyncSession, device_ids: Collection[str]) -> dict[str, Asking]:
    """Device → the check that its stillness led to, while it runs."""
    checks = await session.scalars(
        select(Check).where(
            Check.device_id.in_(device_ids),
            Check.state != CheckState.ENDED.value,
            Check.purpose == "wellbeing",
        )
    )
    return {
        str(one.device_id): Asking(
            check_id=one.id, since=one.opened_at, until=one.until or one.due_at
        )
        for one in checks
    }
