"""The duty desk as somebody who is told: pages send heartbeats, and armed ones count."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.incident import UNATTENDED
from alerting.tables import DeskPresence, Incident, Notice, StreamHint
from care.tables import Area
from core.db import add_hint

FORGET_AFTER = timedelta(hours=12)


async def heartbeat(
    session: AsyncSession,
    *,
    page_id: str,
    user_id: str,
    area_path: str,
    armed: bool,
    now: datetime,
) -> None:
    """A desk page is open. Once armed, what it missed while nobody watched counts as delivered."""
    row = await session.get(DeskPresence, page_id)
    if row is None:
        row = DeskPresence(
            page_id=page_id, user_id=user_id, area_path=area_path, armed=armed, heartbeat_at=now
        )
        session.add(row)
    row.user_id, row.area_path, row.armed, row.heartbeat_at = user_id, area_path, armed, now
    if armed:
        await _deliver_unseen(session, area_path, now)
    await session.execute(
        delete(DeskPresence).where(DeskPresence.heartbeat_at < now - FORGET_AFTER)
    )


async def leave(session: AsyncSession, page_id: str) -> None:
    """A desk page was closed: it stops counting at once."""
    await session.execute(delete(DeskPresence).where(DeskPresence.page_id == page_id))


async def _deliver_unseen(session: AsyncSession, area_path: str, now: datetime) -> None:
    query = (
        select(Notice, Incident.area_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .where(Notice.state == "unseen", Incident.stage.in_(UNATTENDED))
        .limit(500)
    )
    if area_path:
        below = select(Area.id).where(Area.path.startswith(area_path, autoescape=True))
        query = query.where(Incident.area_id.in_(below) | Incident.area_id.is_(None))
    for notice, area_id in (await session.execute(query)).all():
        notice.state = "delivered"
        notice.delivered_at = now
        add_hint(session, StreamHint(topic="notice", ref_id=notice.id, area_id=area_id, at=now))
