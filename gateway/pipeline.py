"""A lane's way: take → decode → sieve → ingest → commit → acknowledge → receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from alerting.intake.heard import Heard, Ingested, Receipt
from alerting.intake.ingest import ingest
from alerting.intake.spoken import one_each_first, speakers
from alerting.intake.throttle import (
    Folded,
    Sieved,
    Throttle,
    TooTalkative,
)
from core.logging import get_logger
from core.metrics import BATCH_SECONDS, MESSAGES, THROTTLED
from core.services import Services
from devices.event import LIFE_SAFETY_KINDS, Decoded, Message
from devices.family import SourceView
from devices.listed import of_listed
from devices.registry import FAMILIES, NOT_UNDERSTOOD

log = get_logger("pipeline")
T = TypeVar("T")

AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError, ConnectionError)
"""What a database that is away, locked or restarting raises: the batch waits, nothing is blamed."""
SUSPECT_AFTER = 4
"""So many failures in a row with a database that answers: it is the batch, not the database."""
LONGEST_PAUSE_S = 5.0


class Route(msgspec.Struct, frozen=True):
    """Which source and family a topic belongs to."""

    source_id: str
    family: str
    view: SourceView
    revoked: bool = False  # its account was: what still arrives is set aside, not read
    listed: frozenset[str] | None = None  # children it may speak for; None: any


Router = Callable[[Sequence[Message]], Awaitable[Sequence[Route | None]]]
"""Messages → the route of each; None: nobody's topic."""


class Handled(msgspec.Struct, frozen=True):
    """What one batch came to, for the caller to answer devices with."""

    receipts: tuple[Receipt, ...]
    incidents: tuple[str, ...]


class Pause(Protocol):
    """Waits; tests pass one that does not."""

    async def __call__(self, seconds: float, /) -> None: ...


class Pipeline:
    """Handles batches of one lane; knows nothing of MQTT."""

    def __init__(
        self, services: Services, lane: str, router: Router, *, pause: Pause = asyncio.sleep
    ) -> None:
        self._services, self.lane, self._router, self._pause = services, lane, router, pause
        self._throttle = Throttle()

    async def handle(self, messages: Sequence[Message], *, catching_up: bool = False) -> Handled:
        """Decode and commit; returns only when everything is stored, or set aside with a reason.

        Life-safety messages go first, in a transaction of their own, and of those the first of
        every device. What a device says beyond its allowance is only counted, unless we are
        `catching_up` with what the broker kept for us.
        """
        started = self._services.clock.monotonic()
        heard = await self._until_stored(lambda: self._decode(messages, kept=catching_up))
        sieved = self._throttle.sieve(heard, forgiving=catching_up)
        try:
            handled = await self._store_all(sieved)
        except Exception:
            self._throttle.forget(speakers(heard))  # the lane tries the whole batch again
            raise
        MESSAGES.labels(self.lane, "stored").inc(len(messages) - sieved.dropped)
        if sieved.dropped:
            THROTTLED.labels(self.lane).inc(sieved.dropped)
        BATCH_SECONDS.labels(self.lane).observe(self._services.clock.monotonic() - started)
        return handled

    async def _store_all(self, sieved: Sieved) -> Handled:
        urgent = [one for one in sieved.kept if is_urgent(one)]
        rest = [one for one in sieved.kept if not is_urgent(one)] if urgent else sieved.kept
        results: list[Ingested] = []
        for part in (*one_each_first(urgent), rest):
            if part:
                results += await self._store(part)
        if sieved.folded or sieved.talkative:
            results += await self._store_held_back(sieved)
        receipts = [receipt for result in results for receipt in result.receipts]
        incidents = [ident for result in results for ident in result.incidents]
        return Handled((*receipts, *sieved.receipts), tuple(incidents))

    async def _store_held_back(self, sieved: Sieved) -> list[Ingested]:
        """The counts of what was held back; where they cannot be stored, their last alarms."""
        folded, talkative = tuple(sieved.folded), sieved.talkative
        try:
            return [
                await self._until_stored(
                    lambda: self._ingest((), folded=folded, talkative=talkative)
                )
            ]
        except Exception:
            log.exception("not counted", lane=self.lane, dropped=sieved.dropped)
        return [await self._store_one(heard) for one in folded for heard in one.told]

    async def _decode(self, messages: Sequence[Message], *, kept: bool) -> list[Heard]:
        routes = await self._router(messages)
        return [
            Heard(
                source_id=route.source_id if route else "",
                lane=self.lane,
                message=message,
                decoded=decode(message, route),
                kept=kept,
            )
            for message, route in zip(messages, routes, strict=True)
        ]

    async def _store(self, batch: Sequence[Heard]) -> list[Ingested]:
        """One transaction; if the batch itself is at fault, message by message."""
        try:
            return [await self._until_stored(lambda: self._ingest(batch))]
        except Exception as error:
            log.error("batch failed", lane=self.lane, size=len(batch), error=repr(error)[:500])
        return [await self._store_one(heard) for heard in batch]

    async def _store_one(self, heard: Heard) -> Ingested:
        """One message in its own transaction; the culprit is set aside, and that is stored.

        Where even the incident that setting aside may open cannot be stored, the bare message is
        kept. Nobody answers its device then, which goes on repeating it.
        """
        try:
            return await self._until_stored(lambda: self._ingest([heard]))
        except Exception as error:
            log.exception("message set aside", topic=heard.message.topic)
            reason = type(error).__name__
        try:
            set_aside = _set_aside(heard, reason, _speaker(heard.decoded))
            return await self._until_stored(lambda: self._ingest([set_aside]))
        except Exception:
            log.exception("message kept without an incident", topic=heard.message.topic)
        bare = _set_aside(heard, reason, None)
        return await self._until_stored(lambda: self._ingest([bare]))

    async def _ingest(
        self,
        batch: Sequence[Heard],
        *,
        folded: Sequence[Folded] = (),
        talkative: Sequence[TooTalkative] = (),
    ) -> Ingested:
        is_alarm = bool(folded) or any(map(is_urgent, batch[:1]))  # one alarm: all alarms
        patient = self.lane != "urgent" and not is_alarm
        async with self._services.db.transaction(patient=patient) as session:
            zone = self._services.settings.timezone
            result = await ingest(
                session,
                batch,
                self._services.clock.now(),
                zone=zone,
                folded=folded,
                talkative=talkative,
            )
        if result.incidents or result.rang:
            self._services.signals.outbox.set()
            self._services.signals.sweep.set()
        return result

    async def _until_stored(self, action: Callable[[], Awaitable[T]]) -> T:
        """Repeat while the database is away; raise what is the batch's own fault."""
        failures = 0
        while True:
            try:
                return await action()
            except AWAY as error:
                failures += 1
                if failures >= SUSPECT_AFTER and await self._database_answers():
                    raise
                log.warning("database away", lane=self.lane, error=str(error)[:200])
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                failures += 1
            await self._pause(min(0.1 * 2.0 ** min(failures, 6), LONGEST_PAUSE_S))

    async def _database_answers(self) -> bool:
        """Can anything be written at all? A locked SQLite file still answers questions."""
        try:
            async with self._services.db.transaction():
                return True
        except Exception:
            return False


def decode(message: Message, route: Route | None) -> Decoded:
    """A family's reading of a message. Families do not raise; should one, nothing is lost."""
    if route is None:
        return Decoded(quarantined="unknown_topic")
    if route.revoked:
        return Decoded(quarantined="revoked")
    try:
        decoded = FAMILIES.get(route.family, NOT_UNDERSTOOD).decode(message, route.view)
        return decoded if route.listed is None else of_listed(decoded, route.listed)
    except Exception as error:
        log.exception("family raised", family=route.family, topic=message.topic)
        return Decoded(quarantined=f"family_error:{type(error).__name__}")


def is_urgent(heard: Heard) -> bool:
    """Does it carry an alarm, or what may be one?"""
    decoded = heard.decoded
    return any(event.kind in LIFE_SAFETY_KINDS for event in decoded.events) or (
        decoded.quarantined is not None and decoded.culprit is not None
    )


def _set_aside(heard: Heard, reason: str, culprit: str | None) -> Heard:
    return Heard(
        source_id=heard.source_id,
        lane=heard.lane,
        message=heard.message,
        decoded=Decoded(quarantined=f"storing:{reason}", culprit=culprit),
    )


def _speaker(decoded: Decoded) -> str | None:
    children = [event.child_id for event in decoded.events]
    children += [reading.child_id for reading in decoded.readings]
    return children[0] if children else decoded.culprit
