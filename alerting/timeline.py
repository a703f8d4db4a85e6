"""Appends to an incident's story; facts are never changed, only added, each with its own time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.tables import Incident, StreamHint, TimelineEntry
from care.model import SYSTEM, Actor
from core.db import add_hint


def append(
    session: AsyncSession,
    incident_id: str,
    *,
    at: datetime,
    now: datetime,
    kind: str,
    actor: Actor = SYSTEM,
    data: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add one fact. `at` is when it happened, `now` when it was recorded (both UTC).

    `kind` and `reason` are keys of alerting/wording; `data` holds the values of its template.
    """
    session.add(
        TimelineEntry(
            incident_id=incident_id,
            at=at,
            recorded_at=now,
            kind=kind,
            actor=actor.name,
            actor_id=None if actor is SYSTEM else actor.id,
            data=dict(data or {}),
            reason=reason,
        )
    )


def touch(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """Tell every open page that this incident changed, once the transaction has committed."""
    add_hint(
        session,
        StreamHint(topic="incident", ref_id=incident.id, area_id=incident.area_id, at=now),
    )
