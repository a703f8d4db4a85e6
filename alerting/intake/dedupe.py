"""Did we have this event before? The same id and payload within a day is the same event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.intake.heard import Child
from alerting.tables import EventRow
from devices.event import CLEARING_KINDS, LEVEL_KINDS, DeviceEvent

REMEMBER = timedelta(hours=24)
SAME_PRESS = timedelta(seconds=2)
"""One press may arrive as JSON and as plain text (Zigbee2MQTT)."""
STAMPED_AGAIN = timedelta(seconds=60)
"""Network servers hand a frame on again up to 48 s later, with a new time of their own."""

_FOLDED = frozenset({*LEVEL_KINDS, *LEVEL_KINDS.values(), "heartbeat"})
_ENDS = {kind: clear for clear, kind in CLEARING_KINDS.items()}
_LAST_WORD = (
    select(EventRow.digest, EventRow.received_at, EventRow.kind, EventRow.at, EventRow.data)
    .where(
        EventRow.source_id == bindparam("source"),
        EventRow.child_id == bindparam("child"),
        EventRow.kind.in_((bindparam("matter"), bindparam("end"))),
    )
    .order_by(EventRow.received_at.desc(), EventRow.id.desc())
    .limit(1)
)
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
class _Kept:
    """An event that is stored already."""

    digest: str
    received_at: datetime
    kind: str
    at: datetime
    data: dict[str, Any]

    def is_told_again(self, event: DeviceEvent, mark: str) -> bool:
        """Under the same id: all of it the same, or all but a time stamped anew."""
        if mark == self.digest:
            return True
        if event.at is None or abs(event.at - self.at) > STAMPED_AGAIN:
            return False
        return event.kind == self.kind and event.data == self.data


class Memory:
    """The events of the last day that matter for one batch, loaded once and kept current."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[Child, str], list[_Kept]] = {}
        self._last: dict[tuple[Child, str], _Kept] = {}  # (child, matter) → the last word on it

    async def load(
        self, session: AsyncSession, events: Sequence[tuple[Child, DeviceEvent]], now: datetime
    ) -> None:
        """Look up what `events` could repeat."""
        numbered = {(child, e.event_id) for child, e in events if e.event_id is not None}
        await self._load_numbered(session, numbered, now)
        unnumbered = {
            (child, _matter(e.kind))
            for child, e in events
            if e.event_id is None and needs_memory(e)
        }
        for child, matter in unnumbered:
            await self._load_last(session, child, matter)

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
                EventRow.kind,
                EventRow.at,
                EventRow.data,
            ).where(
                EventRow.child_id.in_({child[1] for child, _ in wanted}),
                EventRow.source_id.in_({child[0] for child, _ in wanted}),
                EventRow.event_id.in_({event_id for _, event_id in wanted}),
                EventRow.received_at > now - REMEMBER,
            )
        )
        for source_id, child_id, event_id, mark, received_at, kind, at, data in rows:
            if event_id is None:
                continue
            self._by_id.setdefault(((source_id, child_id), event_id), []).append(
                _Kept(digest=mark, received_at=received_at, kind=kind, at=at, data=data)
            )

    async def _load_last(self, session: AsyncSession, child: Child, matter: str) -> None:
        """The last word on one matter: a message may tell of a press and of a flat battery."""
        named = {
            "source": child[0],
            "child": child[1],
            "matter": matter,
            "end": _ENDS.get(matter, matter),
        }
        row = (await session.execute(_LAST_WORD, named)).first()
        if row is not None:
            mark, received_at, kind, at, data = row
            self._last[child, matter] = _Kept(
                digest=mark, received_at=received_at, kind=kind, at=at, data=data
            )

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
            known = [
                kept
                for kept in self._by_id.get((child, event.event_id), ())
                if enrolled_at is None or kept.received_at >= enrolled_at
            ]
            is_known = any(kept.is_told_again(event, mark) for kept in known)
            return Verdict(is_duplicate=is_known, id_reused=bool(known) and not is_known)
        last = self._last.get((child, _matter(event.kind)))
        if last is None or last.kind != event.kind:
            return Verdict(is_duplicate=False)
        is_from_memory = event.retained and last.digest == mark
        return Verdict(is_duplicate=is_from_memory or received_at - last.received_at < SAME_PRESS)

    def remember(self, child: Child, event: DeviceEvent, mark: str, received_at: datetime) -> None:
        """A new event was stored; the rest of the batch must know."""
        kept = _Kept(
            digest=mark,
            received_at=received_at,
            kind=event.kind,
            at=event.at or received_at,
            data=event.data,
        )
        if event.event_id is not None:
            self._by_id.setdefault((child, event.event_id), []).append(kept)
        self._last[child, _matter(event.kind)] = kept


def _matter(kind: str) -> str:
    """A level or a call and the kinds that end it are one matter."""
    return CLEARING_KINDS.get(kind, kind)


def needs_memory(event: DeviceEvent) -> bool:
    """Repeated levels and repeated ends of levels are folded by the detectors, and a bridge says
    "all is well" with every update; only edges and retained ones are looked up."""
    return event.retained or event.kind not in _FOLDED
