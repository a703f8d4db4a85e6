"""An elder's status over time: who said it, until when, and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from care.handing_down import refresh_homes
from care.model import Actor, ElderStatus
from care.tables import Elder, ElderStatusEntry


async def set_status(
    session: AsyncSession,
    elder: Elder,
    status: ElderStatus,
    now: datetime,
    *,
    actor: Actor,
    until: datetime | None = None,
    reason: str,
    text: str | None = None,
) -> None:
    """Change it from `now` on, with its entry, and hand it down to the home's devices."""
    elder.status, elder.status_since, elder.status_review_at = status.value, now, until
    session.add(
        ElderStatusEntry(
            elder_id=elder.id,
            at=now,
            status=status.value,
            until=until,
            actor=actor.name,
            actor_id=actor.id,
            reason=reason,
            text=text,
        )
    )
    await session.flush()
    await refresh_homes(session, [elder.home_id], now)
