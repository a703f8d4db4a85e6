"""Whose turn it is to write: the patient let everybody else go first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

FOLLOW_UP_S = 0.005
"""After somebody's turn the patient wait so long: an alarm's notice is claimed just after it."""

LONGEST_COURTESY_S = 0.25
"""Where nothing but our courtesy holds up the patient, it ends after this."""


class Turns(Protocol):
    """How transactions of one process share the database, and the processor."""

    def turn(self, *, patient: bool) -> AbstractAsyncContextManager[None]:
        """One transaction's turn is the block."""
        ...


class OneWriter:
    """A lock for one event loop, handed on in order of arrival, patient ones last.

    SQLite has one writer. Left to itself a second one asks again after growing pauses of up to
    100 ms, and whoever begins anew at once gets in before it: a stream of meter readings kept
    alarms waiting for two seconds.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._holder: asyncio.Task[Any] | None = None
        self._eager: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()
        self._following: asyncio.TimerHandle | None = None  # while the patient still wait

    @asynccontextmanager
    async def turn(self, *, patient: bool) -> AsyncIterator[None]:
        """Hold the lock in the block. Raises `RuntimeError` for a task that holds it already."""
        me = asyncio.current_task()
        if me is not None and self._holder is me:
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        await self._wait(patient)
        self._holder = me
        try:
            yield
        finally:
            self._hand_on(patient)

    async def _wait(self, patient: bool) -> None:
        if not self._is_taken and (not patient or self._following is None):
            self._is_taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        (self._patient if patient else self._eager).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._hand_on(patient)  # it had just become ours
            raise

    def _hand_on(self, patient: bool) -> None:
        self._holder, self._is_taken = None, False
        if not patient:
            if self._following is not None:
                self._following.cancel()
            loop = asyncio.get_running_loop()
            self._following = loop.call_later(FOLLOW_UP_S, self._let_the_patient)
        if not self._give(self._eager) and self._following is None:
            self._give(self._patient)

    def _let_the_patient(self) -> None:
        self._following = None
        if not self._is_taken:
            self._give(self._patient)

    def _give(self, queue: deque[asyncio.Future[None]]) -> bool:
        while queue:
            following = queue.popleft()
            if not following.done():
                following.set_result(None)
                self._is_taken = True
                return True
        return False


class Courtesy:
    """For a database that many may write to at once: only the patient wait, while others are at it.

    What they share is this process: a batch of meter readings between two statements of an alarm's
    transaction costs it milliseconds, twenty times.
    """

    def __init__(self) -> None:
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._following: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, *, patient: bool) -> AsyncIterator[None]:
        if patient:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_COURTESY_S):
                    await self._quiet.wait()
            yield
            return
        self._busy += 1
        self._quiet.clear()
        if self._following is not None:
            self._following.cancel()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                loop = asyncio.get_running_loop()
                self._following = loop.call_later(FOLLOW_UP_S, self._quiet.set)
