"""The push lane: what arrives over HTTP, in small batches, each answered once it is stored."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from care.tables import Source, SourceChild
from core.errors import Busy
from core.logging import get_logger
from core.metrics import LANE_BACKLOG
from core.services import Services
from devices.event import Message
from devices.family import SourceView
from devices.registry import FAMILIES
from gateway.known import Known, registered
from gateway.lanes import stuck_for_s
from gateway.pipeline import Pause, Pipeline, Route, decode

log = get_logger("push")

BATCH, WAIT_S = 200, 0.01
ANSWER_WITHIN_S = 4.0
"""OneNET gives up after 5 s, IoTDA after 15: what is not stored by then shall come again."""
MOST_WAITING = 2000
MOST_BYTES = 64 * 1024 * 1024


class Pushed(Message, frozen=True, kw_only=True):
    """A message that was pushed, with the source that its token or signature named."""

    source_id: str
    adapter: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Pushed
    stored: asyncio.Future[bool]


class PushRouter:
    """Looks up, for each batch, what is known of the devices that speak in it, and only of those.

    Which ones do tells a first reading; a platform's source may have a hundred thousand.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Route | None]:
        names, strangers = self._mentioned(messages)
        sources = {message.source_id for message in messages if isinstance(message, Pushed)}
        async with self._services.db.reading() as session:
            limited = select(Source.id).where(Source.id.in_(sources), Source.only_listed)
            only_listed = set(await session.scalars(limited))
            known = await registered(session, sources, names)
            unknown = strangers - {child for each in known.values() for child in each.roles}
            if unknown:
                children = await session.execute(
                    select(SourceChild.source_id, SourceChild.name, SourceChild.child_id).where(
                        SourceChild.source_id.in_(sources), SourceChild.child_id.in_(unknown)
                    )
                )
                for source_id, name, child_id in children:
                    known[source_id].aliases[name] = child_id
        return [
            self._route(message, known[message.source_id], message.source_id in only_listed)
            if isinstance(message, Pushed)
            else None
            for message in messages
        ]

    def _mentioned(self, messages: Sequence[Message]) -> tuple[set[str], set[str]]:
        """Every name in the batch; and of those, the ones that come with a label (an IMEI)."""
        names: set[str] = set()
        strangers: set[str] = set()
        for message in messages:
            if isinstance(message, Pushed):
                decoded = decode(message, self._route(message, Known()))
                strangers |= {item.child_id for item in decoded.inventory}
                names |= decoded.speakers() | {item.name for item in decoded.inventory}
        return names | strangers, strangers

    def _route(self, message: Pushed, known: Known, only_listed: bool = False) -> Route:
        zone = self._services.settings.zone
        return Route(
            message.source_id,
            message.adapter,
            SourceView(zone=zone, roles=known.roles, aliases=known.aliases),
            listed=frozenset(known.active) if only_listed else None,
        )


class PushLane:
    """Takes pushes from as many requests as there are, and answers each after its commit.

    It works while something waits and needs no loop of its own.
    """

    def __init__(
        self,
        services: Services,
        *,
        pause: Pause = asyncio.sleep,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._services = services
        self._pipeline = Pipeline(services, "push", PushRouter(services), pause=pause)
        self.answer_within_s = answer_within_s
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._busy_since: float | None = None

    async def take(self, source_id: str, adapter: str, body: bytes) -> None:
        """Returns once the message is stored, or set aside with a reason.

        Raises `Busy` when that takes too long, cannot be done, or too much waits already. It may
        still be stored then: when the platform comes again, what it repeats is folded.
        """
        is_full = len(self._waiting) >= MOST_WAITING or self._bytes + len(body) > MOST_BYTES
        if is_full or self._services.stopping:
            raise Busy("too much is waiting to be stored; nothing was taken, come again")
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        message = Pushed(
            topic=FAMILIES[adapter].default_prefix,
            payload=body,
            received_at=self._services.clock.now(),
            source_id=source_id,
            adapter=adapter,
        )
        self._waiting.append(_Waiting(message, stored))
        self._bytes += len(body)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="push")
        await asyncio.wait((stored,), timeout=self.answer_within_s)
        if not (stored.done() and stored.result()):
            raise Busy("not stored yet; come again")

    async def finish(self, within_s: float) -> None:
        """Store what still waits. What is not stored in time was not answered either."""
        if self._worker is None:
            return
        await asyncio.wait((self._worker,), timeout=within_s)
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def unwell(self) -> str | None:
        """For readiness: is it able to commit?"""
        stuck = self.stuck_for_s()
        return f"a batch has been waiting {stuck:.0f} s for its commit" if stuck else None

    def stuck_for_s(self) -> float:
        """See `gateway.lanes.stuck_for_s`."""
        return stuck_for_s(self._busy_since, self._services.clock.monotonic())

    async def _work(self) -> None:
        while self._waiting:
            if len(self._waiting) < BATCH:
                await asyncio.sleep(WAIT_S)
            size = min(len(self._waiting), BATCH)
            batch = [self._waiting.popleft() for _ in range(size)]
            self._bytes -= sum(len(one.message.payload) for one in batch)
            LANE_BACKLOG.labels("push").set(len(self._waiting))
            self._busy_since = self._services.clock.monotonic()
            await self._store(batch)
            self._busy_since = None

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        """Together, or else one by one: a message that nothing can be done about is not answered
        well, and the others are."""
        if len(batch) > 1 and await self._handled(batch):
            return
        for one in batch:
            if not await self._handled([one]):
                one.stored.set_result(False)

    async def _handled(self, batch: Sequence[_Waiting]) -> bool:
        try:
            await self._pipeline.handle([one.message for one in batch])
        except Exception:
            log.exception("batch failed", lane="push", size=len(batch))
            return False
        for one in batch:
            if not one.stored.done():
                one.stored.set_result(True)
        return True
