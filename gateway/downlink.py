"""Sends commands to devices, each after its commit, and lets those expire that nobody heard."""

from __future__ import annotations

from collections.abc import Callable

from alerting.fleet import commands
from core.logging import get_logger
from core.services import Services

log = get_logger("downlink")
LOOK_EVERY_S = 1.0


class Commander:
    """One pass is `step()`; the loop in bootstrap.py repeats it in a process with a broker."""

    def __init__(self, services: Services, publish: Callable[[str, bytes], bool]) -> None:
        self._services, self._publish = services, publish

    async def step(self) -> int:
        """Send everything that waits; returns how many went out."""
        services = self._services
        async with services.db.reading() as session:
            if not await commands.anything_due(session, services.clock.now()):
                return 0
        async with services.db.transaction() as session:
            now = services.clock.now()
            await commands.expire(session, now)
            taken = await commands.take(session, now)
        kept = [one.id for one in taken if not self._publish(one.topic, one.payload)]
        if kept:
            log.warning("commands wait for the broker", count=len(kept))
            async with services.db.transaction() as session:
                await commands.put_back(session, kept)
        return len(taken) - len(kept)
