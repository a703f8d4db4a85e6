"""What every entry point is handed: settings, database, clock, wake-up signals, health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import Clock
from core.db import Database
from core.settings import Settings


class Signal:
    """Wakes whoever waits; a wake-up that comes while nobody waits is kept."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()

    def set(self) -> None:
        """Wake everybody. Call it on the event loop's own thread."""
        for waiter in self._waiters:
            waiter.set()

    def subscribe(self) -> asyncio.Event:
        """An event of one's own: `clear()` it before looking, so that nothing is missed."""
        event = asyncio.Event()
        event.set()
        self._waiters.add(event)
        return event

    def unsubscribe(self, event: asyncio.Event) -> None:
        self._waiters.discard(event)


@dataclass(slots=True)
class Signals:
    """Nobody relies on a signal alone: every loop also looks by itself now and then."""

    outbox: Signal = field(default_factory=Signal)  # a notice is ready to be sent
    sweep: Signal = field(default_factory=Signal)  # a deadline may have moved closer
    stream: Signal = field(default_factory=Signal)  # a hint was committed
    sources: Signal = field(default_factory=Signal)  # a source was added or changed
    commands: Signal = field(default_factory=Signal)  # a device is to be asked to do something
    rules: Signal = field(default_factory=Signal)  # a watch rule was saved or withdrawn
    supply: Signal = field(default_factory=Signal)  # an interruption was recorded or changed
    stopping: Signal = field(default_factory=Signal)  # open streams should end


HealthCheck = Callable[[], Awaitable[str | None]]
"""Returns None when well, otherwise the reason in one line."""


@dataclass(slots=True)
class Health:
    """What readiness asks, and what the desk shows as a banner."""

    checks: dict[str, HealthCheck] = field(default_factory=dict)
    banners: dict[str, str] = field(default_factory=dict)  # key of wording → detail
    canary_at: datetime | None = None  # the last test message that came back through a lane

    async def reasons(self) -> dict[str, str]:
        """Name → reason of every check that is not well; empty when ready."""
        found: dict[str, str] = {}
        for name, check in self.checks.items():
            try:
                reason = await check()
            except Exception as error:  # a check that breaks is a reason, not a crash
                reason = f"{type(error).__name__}: {error}"
            if reason is not None:
                found[name] = reason
        return found


Intake = Callable[[str, str, bytes], Awaitable[None]]
"""(source id, adapter, body) of an HTTP push → returns once it is stored; raises `Busy` else."""


@dataclass(slots=True)
class Services:
    """Handed down from the composition root; nothing below builds its own."""

    settings: Settings
    db: Database
    clock: Clock
    signals: Signals = field(default_factory=Signals)
    health: Health = field(default_factory=Health)
    back_testing: asyncio.Lock = field(default_factory=asyncio.Lock)  # one at a time
    intake: Intake | None = None  # of what is pushed over HTTP; filled in by the gateway
    stopping: bool = False
