"""Loops that act on what is due: the ladder's next steps, and notices that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from alerting.handling import check_ending, sweep
from alerting.outbox import claiming
from core.clock import DriftWatch
from core.logging import about, get_logger
from core.metrics import CLOCK_STEPS
from core.services import Services, Signal
from gateway.senders import SLOTS, Outbox, Prepared

log = get_logger("loops")

LOOK_AGAIN_S = 1.0
"""No loop sleeps longer than this past its next deadline, whatever signals were missed."""
STEP_SHOWN_FOR_S = 3600.0


async def repeat(
    step: Callable[[], Awaitable[object]], every_s: float, signal: Signal | None = None
) -> None:
    """Run `step` for ever, every so often and at once on a signal; errors are logged, not fatal."""
    woken = signal.subscribe() if signal else asyncio.Event()
    while True:
        woken.clear()
        try:
            await step()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("loop step failed", step=getattr(step, "__name__", str(step)))
        try:
            async with asyncio.timeout(every_s):
                await woken.wait()
        except TimeoutError:
            continue


class Escalator:
    """Acts on deadlines; each due incident and check in a transaction of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._drift = DriftWatch(services.clock)
        self.last_ran_at: datetime | None = None
        self._step_shown_until = 0.0

    async def begin(self) -> None:
        """At start deadlines may lie too far off: the clock may have been wrong before."""
        async with self._services.db.transaction() as session:
            await sweep.clamp_deadlines(session, self._services.clock.now())

    async def step(self) -> int:
        """Everything that is due now; returns how many steps were taken."""
        await self._notice_clock_steps()
        services = self._services
        taken = 0
        while True:
            async with services.db.reading() as session:
                due = await sweep.due_incidents(session, services.clock.now())
                checks = await check_ending.due_checks(session, services.clock.now())
            advanced = 0
            for incident_id in due:
                advanced += await self._advance(incident_id)
            for check_id in checks:
                advanced += await self._advance_check(check_id)
            taken += advanced
            self.last_ran_at = services.clock.now()  # it runs, however much there is to catch up
            if not advanced:
                break
        if taken:
            services.signals.outbox.set()
        return taken

    async def _advance(self, incident_id: str) -> bool:
        """One step of one incident, in a transaction of its own."""
        services = self._services
        try:
            return bool(
                await services.db.settle(
                    lambda session: sweep.escalate(session, incident_id, services.clock.now())
                )
            )
        except Exception:
            # The others must not wait for this one; the auditor says that it is overdue.
            with about(incident=incident_id):
                log.exception("incident not escalated")
            return False

    async def _advance_check(self, check_id: str) -> bool:
        """What is due of one check, in a transaction of its own."""
        services = self._services
        try:
            now, zone = services.clock.now(), services.settings.zone
            return bool(
                await services.db.settle(
                    lambda session: check_ending.act(session, check_id, now, zone)
                )
            )
        except Exception:
            with about(check=check_id):
                log.exception("check not acted on")
            return False

    async def _notice_clock_steps(self) -> None:
        clock, banners = self._services.clock, self._services.health.banners
        step = self._drift.step_seconds()
        if not step:
            if clock.monotonic() > self._step_shown_until:
                banners.pop("clock_stepped", None)
            return
        CLOCK_STEPS.inc()
        log.error("clock step", seconds=round(step))
        banners["clock_stepped"] = f"{step:+.0f} s"
        self._step_shown_until = clock.monotonic() + STEP_SHOWN_FOR_S
        async with self._services.db.transaction() as session:
            await sweep.clamp_deadlines(session, self._services.clock.now())


class Dispatcher:
    """Keeps up to SLOTS notices in flight; a slow channel holds only its own slot."""

    def __init__(self, services: Services, box: Outbox) -> None:
        self._services, self._box = services, box
        self._flying: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        signal = self._services.signals.outbox
        woken = signal.subscribe()
        while True:
            woken.clear()
            try:
                await self._fill()
                pause = await self._pause_s()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("outbox step failed")
                pause = LOOK_AGAIN_S
            try:
                async with asyncio.timeout(pause):
                    await woken.wait()
            except TimeoutError:
                continue

    async def _fill(self) -> None:
        while (free := SLOTS - len(self._flying)) > 0:
            claimed = await self._box.claim_some(free)
            for prepared in claimed:
                task = asyncio.create_task(self._fly(prepared))
                self._flying.add(task)
                task.add_done_callback(self._landed)
            if not claimed:
                return

    async def _fly(self, prepared: Prepared) -> None:
        try:
            await self._box.attempt(prepared)
        except Exception:  # the database went away before settling: the lease will run out
            log.exception("attempt not settled", notice=prepared.outgoing.notice_id)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._services.signals.outbox.set()

    async def _pause_s(self) -> float:
        async with self._services.db.reading() as session:
            ready_at = await claiming.next_ready_at(
                session, reaches_devices=self._box.reaches_devices
            )
        if ready_at is None:
            return LOOK_AGAIN_S
        wait = (ready_at - self._services.clock.now()).total_seconds()
        return min(max(wait, 0.05), LOOK_AGAIN_S)

    async def finish(self, within_s: float) -> None:
        """Let attempts that are under way end, so that nobody is rung twice by a restart."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=within_s)
