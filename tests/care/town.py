"""People for tests of care: made by the use cases themselves, on a real database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from care import accounts, areas, people
from care.equipment import ensure_native_source
from care.model import SYSTEM, Actor, AreaLevel, Scope, UserRole
from care.tables import Area, Elder, Source, User

ADMIN = Actor(id="system", name="安居", role=UserRole.ADMIN)


async def a_user(
    session: AsyncSession, now: datetime, role: UserRole, name: str, area: Area | None = None
) -> Actor:
    """Somebody who may sign in (with no password that fits), as the one who acts."""
    user: User = await accounts.create_user(
        session,
        SYSTEM,
        now,
        username=name,
        password_hash="-",
        role=role,
        name=name,
        area_id=area.id if area else None,
    )
    return Actor(id=user.id, name=user.name, role=role, scope=Scope(path=area.path if area else ""))


async def an_area(
    session: AsyncSession, now: datetime, level: AreaLevel, parent: Area | None = None
) -> Area:
    return await areas.create_area(
        session, ADMIN, now, name=level.value, level=level, parent_id=parent.id if parent else None
    )


async def an_elder(
    session: AsyncSession, now: datetime, name: str = "李桂兰", home_id: str | None = None
) -> Elder:
    return await people.create_elder(session, ADMIN, now, name=name, home_id=home_id)


async def native(session: AsyncSession, now: datetime) -> Source:
    return await ensure_native_source(session, now)
