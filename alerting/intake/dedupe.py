"""Did we have this event before? The same id and payload within a day is the same event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.intake.heard import Child
from alerting.tables import EventRow
from devices.event import LEVEL_KINDS, DeviceEvent

REMEMBER = timedelta(hours=24)
SAME_PRESS = timedelta(seconds=2)
"""One press may arrive as JSON and as plain text (Zigbee2MQTT)."""

_encode = msgspec.json.Encoder(order="sorted").encode


def digest(event: DeviceEvent) -> str:
    """What "the same payload" means: kind, the device's own time, and everything it said."""
    text = _encode([event.kind, event.at, event.data])
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    is_duplicate: bool
    id_reused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Last:
    kind: str
    digest: str
    received_at: datetime


class Memory:
    """The events of the last day that matter for one batch, loaded once and kept current."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[Child, str], dict[str, datetime]] = {}
        self._last: dict[Child, _Last] = {}

    async def load(
        self, session: AsyncSession, events: Sequence[tuple[Child, DeviceEvent]], now: datetime
    ) -> None:
        """Look up what `events` could repeat."""
        numbered = {(child, e.event_id) for child, e in events if e.event_id is not None}
        await self._load_numbered(session, numbered, now)
        for child in {child for child, e in events if e.event_id is None and needs_memory(e)}:
            await self._load_last(session, child)

    async def _load_numbered(
        self, session: AsyncSession, wanted: set[tuple[Child, str]], now: datetime
    ) -> None:
        if not wanted:
            return
        rows = await session.execute(
            select(
                EventRow.source_id,
                EventRow.child_id,
                EventRow.event_id,
                EventRow.digest,
                EventRow.received_at,
            ).where(
                EventRow.child_id.in_({child[1] for child, _ in wanted}),
                EventRow.source_id.in_({child[0] for child, _ in wanted}),
                EventRow.event_id.in_({event_id for _, event_id in wanted}),
                EventRow.received_at > now - REMEMBER,
            )
        )
        for source_id, child_id, event_id, known, received_at in rows:
            if event_id is None:
                continue
            self._by_id.setdefault(((source_id, child_id), event_id), {})[known] = received_at

    async def _load_last(self, session: AsyncSession, child: Child) -> None:
        row = (
            await session.execute(
                select(EventRow.kind, EventRow.digest, EventRow.received_at)
                .where(EventRow.source_id == child[0], EventRow.child_id == child[1])
                .order_by(EventRow.received_at.desc(), EventRow.id.desc())
                .limit(1)
            )
        ).first()
        if row is not None:
            self._last[child] = _Last(kind=row[0], digest=row[1], received_at=row[2])

    def judge(
        self,
        child: Child,
        event: DeviceEvent,
        mark: str,
        received_at: datetime,
        enrolled_at: datetime | None,
    ) -> Verdict:
        """Is `event` (with digest `mark`) one that is stored already?

        What came before the enrolment belongs to another life of the device and does not count.
        """
        if event.event_id is not None:
            known = {
                seen: when
                for seen, when in self._by_id.get((child, event.event_id), {}).items()
                if enrolled_at is None or when >= enrolled_at
            }
            return Verdict(is_duplicate=mark in known, id_reused=bool(known) and mark not in known)
        last = self._last.get(child)
        if last is None:
            return Verdict(is_duplicate=False)
        if event.retained and last.digest == mark:
            return Verdict(is_duplicate=True)
        soon = received_at - last.received_at < SAME_PRESS
        return Verdict(is_duplicate=soon and last.kind == event.kind)

    def remember(self, child: Child, event: DeviceEvent, mark: str, received_at: datetime) -> None:
        """A new event was stored; the rest of the batch must know."""
        if event.event_id is not None:
            self._by_id.setdefault((child, event.event_id), {})[mark] = received_at
        self._last[child] = _Last(kind=event.kind, digest=mark, received_at=received_at)


def needs_memory(event: DeviceEvent) -> bool:
    """Repeated levels are folded by the detectors; only edges and retained ones are looked up."""
    return event.retained or (event.kind not in LEVEL_KINDS and event.kind != "heartbeat")
