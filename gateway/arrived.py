"""What a lane's connections brought and the lane did not take in yet, in order of arrival."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from core.metrics import LANE_BACKLOG
from devices.event import Message
from gateway.client import Arrival

ENOUGH_BATCHES = 3
"""With so many batches waiting, a lane stops reading; the rest waits with the broker."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message with what its acknowledgement needs: the very connection that brought it."""

    message: Message
    mid: int
    qos: int
    connection: Any  # None: one whose session the broker lost; never acknowledged


class Arrived:
    """Filled by the connection, emptied by the lane's pipeline, batch by batch."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._waiting: deque[Delivery] = deque()
        self._something = asyncio.Event()
        self._enough = 10_000  # until the first batch is taken; see ENOUGH_BATCHES

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self) -> bool:
        """Whether more should be read."""
        return len(self._waiting) < self._enough

    def add(self, arrivals: Iterable[Arrival], now: datetime, connection: Any) -> None:
        """Keep what a connection brought `now`."""
        for topic, payload, mid, qos, retained in arrivals:
            message = Message(topic=topic, payload=payload, received_at=now, retained=retained)
            self._waiting.append(Delivery(message, mid, qos, connection))
        self._something.set()

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        """At least one message and at most `most`; lingers up to `wait_s` for more."""
        self._enough = ENOUGH_BATCHES * most
        while not self._waiting:
            self._something.clear()
            if not self._waiting:
                await self._something.wait()
        if wait_s > 0 and len(self._waiting) < most:
            await asyncio.sleep(wait_s)
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        LANE_BACKLOG.labels(self._lane).set(len(waiting))
        return batch

    def settle(self, connection: Any, session_present: bool) -> None:
        """A broker that kept our session sends again what we did not acknowledge: drop our copies.

        One that lost it will not: then our copies are the only ones and stay, for good. They no
        longer belong to any connection, so that a later one does not drop them.
        """
        older: list[Delivery] = []
        while self._waiting and self._waiting[0].connection is not connection:
            older.append(self._waiting.popleft())
        if session_present:
            kept = [one for one in older if one.connection is None or not one.qos]
        else:
            kept = [msgspec.structs.replace(one, connection=None) for one in older]
        self._waiting.extendleft(reversed(kept))
