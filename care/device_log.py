"""A device's own story: facts of its life, each with its time and who did it; only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from care.model import SYSTEM, Actor
from care.tables import DeviceLog


def note(
    session: AsyncSession,
    device_id: str,
    what: str,
    at: datetime,
    actor: Actor = SYSTEM,
    **data: Any,
) -> None:
    """Add one fact. `what` is a key of the console's `device_log` texts, `data` its figures."""
    session.add(
        DeviceLog(
            device_id=device_id,
            at=at,
            kind=what,
            actor=actor.name,
            actor_id=None if actor is SYSTEM else actor.id,
            data=data,
        )
    )
