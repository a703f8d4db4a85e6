"""The stream: hints that something changed, so that a page or program fetches it anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import APIRouter, Cookie, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from alerting.queries import sight_of
from alerting.stream import hint_bounds, hints
from api.dependencies import Now, ServicesDep, bearer
from api.problems import of_unexpected
from care.accounts import actor_of_token
from care.model import Actor
from care.permissions import require
from core.errors import NotSignedIn
from core.services import Services

router = APIRouter(tags=["stream"])
T = TypeVar("T")

LOOK_EVERY_S = 2.0
"""Without a wake-up: another process may have committed."""

CHECK_TOKEN_EVERY_S = 60.0
BATCH = 200
"""Hints a look; a client that is further behind gets them over several."""


async def _token(
    token: Annotated[str | None, Depends(bearer)],
    anju_session: Annotated[str | None, Cookie(include_in_schema=False)] = None,
) -> str:
    """The bearer token, or the console's cookie: a browser's EventSource sends no headers."""
    found = token or anju_session
    if found is None:
        raise NotSignedIn("send a token: Authorization: Bearer …; get one at POST /api/v1/token")
    return found


async def _listener(
    services: ServicesDep, now: Now, token: Annotated[str, Depends(_token)]
) -> Actor:
    async with services.db.reading() as session:
        actor = await actor_of_token(session, token, now)
    if actor is None:
        raise NotSignedIn("this token is unknown or has run out; get a new one")
    require(actor, "stream.read")
    return actor


class Reader:
    """One open stream: where it is, and for whom."""

    def __init__(self, services: Services, actor: Actor, token: str) -> None:
        self._services, self._actor, self._token = services, actor, token
        self._position = 0
        self.behind = False  # more is waiting than one look brought
        self._checked_at = services.clock.monotonic()

    async def begin(self, last_event_id: str | None) -> ServerSentEvent:
        """Take position: after the last event seen, or at the present.

        `ready` says from where on events will follow; `resync` that some were missed for good,
        because they are no longer stored, so that everything has to be fetched anew.
        """
        async with self._services.db.reading() as session:
            lowest, highest = await hint_bounds(session)
        self._position = highest
        if last_event_id is None:
            return self._event("ready", "")
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
            return self._event("resync", "")
        seen = int(last_event_id)
        if seen > highest or seen < lowest - 1:
            return self._event("resync", "")
        self._position = seen
        return self._event("ready", "")

    async def news(self) -> list[ServerSentEvent]:
        """What was committed since, in the order of the commits, cut to what may be seen."""
        sight = sight_of(self._actor)
        async with self._services.db.reading() as session:
            found = await hints(session, sight, self._position, BATCH)
        if found.lost:
            self._position = found.upto
            return [self._event("resync", "")]
        events = []
        for hint in found.seen:
            self._position = hint.seq
            events.append(self._event(hint.topic, hint.ref_id))
        self._position, self.behind = found.upto, found.more
        return events

    async def still_welcome(self) -> bool:
        """Asked every minute: a token that was revoked, or a user whose area changed."""
        clock = self._services.clock
        if clock.monotonic() - self._checked_at < CHECK_TOKEN_EVERY_S:
            return True
        self._checked_at = clock.monotonic()
        async with self._services.db.reading() as session:
            actor = await actor_of_token(session, self._token, clock.now())
        self._actor = actor or self._actor
        return actor is not None

    def _event(self, topic: str, ident: str) -> ServerSentEvent:
        return ServerSentEvent(event=topic, data={"id": ident}, id=str(self._position))


@router.get("/stream", summary="Hints to refetch", response_class=EventSourceResponse)
async def stream(
    services: ServicesDep,
    token: Annotated[str, Depends(_token)],
    actor: Annotated[Actor, Depends(_listener)],
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Events `incident`, `notice`, `check` and `device`, each `{"id": …}` of what changed.

    First comes `ready`, or `resync` when what happened since `Last-Event-ID` is no longer known:
    then fetch everything. Events come in the order of the commits, and only from the caller's
    area. A comment every 15 s keeps the connection; it ends when the token does.
    """
    wake = services.signals.stream.subscribe()
    stop = services.signals.stopping.subscribe()
    stop.clear()  # set at subscribing; from here on only by a stop, which `stopping` tells too
    try:
        reader = Reader(services, actor, token)
        yield await _undisturbed(reader.begin(last_event_id))
        while not services.stopping and await _undisturbed(reader.still_welcome()):
            wake.clear()
            events = await _undisturbed(reader.news())
            for event in events:
                yield event
            if not events and not reader.behind:
                await _first_of(wake, stop)
    except Exception as error:
        # Raised out of here it would be a stream that just ends, and nobody would know why.
        of_unexpected(error, "GET", "/api/v1/stream")
        yield ServerSentEvent(event="failed", data={"detail": "internal error; reconnect"})
    finally:
        services.signals.stream.unsubscribe(wake)
        services.signals.stopping.unsubscribe(stop)


async def _undisturbed(look: Coroutine[Any, Any, T]) -> T:
    """Finish a look at the database though the reader hangs up in the middle of it.

    A query that is cancelled breaks its connection: the pool loses one for every page closed.
    """
    task = asyncio.create_task(look)
    try:
        return await asyncio.shield(task)
    finally:
        if not task.done():
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])


async def _first_of(*events: asyncio.Event) -> None:
    """Until one of them is set, or it is time to look anyway."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
