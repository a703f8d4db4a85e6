"""Elders whom nothing watches any more, as the reader may see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, visible_elders
from care.tables import Elder, Supervision

_UNWATCHED = Order(name="supervision", key=Supervision.since, ident=Supervision.elder_id)


async def unwatched(
    session: AsyncSession, sight: Sight, page: PageRequest
) -> Page[tuple[Supervision, Elder]]:
    """Elders whom nothing watches now, longest first."""
    statement: Any = (
        select(Supervision, Elder)
        .join(Elder, Elder.id == Supervision.elder_id)
        .where(visible_elders(sight))
    )
    return await fetch_page(session, statement, _UNWATCHED, page)


async def count_unwatched(session: AsyncSession, sight: Sight) -> int:
    query = (
        select(func.count())
        .select_from(Supervision)
        .join(Elder, Elder.id == Supervision.elder_id)
        .where(visible_elders(sight))
    )
    return int(await session.scalar(query) or 0)
