"""Loops that act on what is due: escalation, outbox, devices, audit, canary, housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import httpx

from alerting import outbox, sweep
from alerting.channels.base import DeliveryError
from alerting.channels.message import notify
from alerting.watching import watch
from core.clock import DriftWatch
from core.logging import get_logger
from core.metrics import CANARY_AGE, CLOCK_STEPS, DEADLINES_OVERDUE
from core.services import Services, Signal
from gateway.housekeeping import prune, prune_quarantine
from gateway.lanes import Lane
from gateway.routes import CANARY, FOREIGN_CANARY_TOPIC, NATIVE_ROOT
from gateway.senders import SLOTS, Outbox, Prepared

log = get_logger("loops")

LOOK_AGAIN_S = 1.0
"""No loop sleeps longer than this past its next deadline, whatever signals were missed."""
CANARY_EVERY_S = 60.0
CANARY_LATE = timedelta(seconds=150)
CONNECTED_FOR = timedelta(seconds=60)


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
            await asyncio.wait_for(woken.wait(), every_s)
        except TimeoutError:
            continue


class Escalator:
    """Acts on deadlines; each due incident in a transaction of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._drift = DriftWatch(services.clock)
        self.last_ran_at: datetime | None = None

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
            advanced = 0
            for incident_id in due:
                async with services.db.transaction() as session:
                    if await sweep.escalate(session, incident_id, services.clock.now()):
                        advanced += 1
            taken += advanced
            if not advanced:
                break
        self.last_ran_at = services.clock.now()
        if taken:
            services.signals.outbox.set()
        return taken

    async def _notice_clock_steps(self) -> None:
        step = self._drift.step_seconds()
        if not step:
            return
        CLOCK_STEPS.inc()
        log.error("clock step", seconds=round(step))
        self._services.health.banners["clock_fault"] = f"{step:+.0f} s"
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
                await asyncio.wait_for(woken.wait(), pause)
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
            ready_at = await outbox.next_ready_at(
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


class Watcher:
    """Silent devices, late judgements, the audit, the canary, the dead-man's ping."""

    def __init__(self, services: Services, lanes: Mapping[str, Lane]) -> None:
        self._services, self._lanes = services, lanes
        self._connected_since: datetime | None = None
        self._client = httpx.AsyncClient(timeout=5.0)
        self._called_for_stuck = False

    async def watch_devices(self) -> None:
        now = self._services.clock.now()
        async with self._services.db.transaction() as session:
            touched = await watch(session, now, judge_silent=self._may_judge_silence(now))
        if touched:
            self._services.signals.outbox.set()
            self._services.signals.sweep.set()

    def _may_judge_silence(self, now: datetime) -> bool:
        """Only while our own lanes are connected, and were for a minute, and nothing waits."""
        well = all(
            lane.session.unwell() is None and not lane.session.backlog
            for lane in self._lanes.values()
        )
        if not self._lanes or not well:
            self._connected_since = None
            return False
        self._connected_since = self._connected_since or now
        return now - self._connected_since >= CONNECTED_FOR

    async def send_canaries(self) -> None:
        """One message through each lane, every minute."""
        urgent = self._lanes.get("urgent")
        if urgent is None:
            return
        for topic in (
            f"{NATIVE_ROOT}/{CANARY}/event",
            f"{NATIVE_ROOT}/{CANARY}/telemetry",
            FOREIGN_CANARY_TOPIC,
        ):
            urgent.session.publish(topic, b"{}")

    async def audit(self) -> None:
        """Is every deadline acted on, does every lane bring its canary? Only then ping outside."""
        stuck = await self.cry_if_stuck()
        now = self._services.clock.now()
        async with self._services.db.reading() as session:
            overdue = await sweep.overdue(session, now)
        DEADLINES_OVERDUE.set(len(overdue))
        banners = self._services.health.banners
        _set(banners, "deadlines_overdue", ", ".join(overdue[:5]) if overdue else None)
        late = self._late_canaries(now)
        _set(banners, "canary_late", ", ".join(late) or None)
        if not overdue and not late and not stuck:
            await self._ping()

    def _late_canaries(self, now: datetime) -> list[str]:
        late = []
        for name, lane in self._lanes.items():
            if lane.canary_at is not None:
                CANARY_AGE.labels(name).set((now - lane.canary_at).total_seconds())
            if lane.canary_at is None or now - lane.canary_at > CANARY_LATE:
                late.append(name)
        return late

    async def cry_if_stuck(self) -> bool:
        """The urgent lane cannot commit: say so outside the database, once per stretch.

        Asks the database nothing: it may be what is wrong.
        """
        lane = self._lanes.get("urgent")
        stuck = lane.stuck_for_s() if lane else 0.0
        _set(self._services.health.banners, "urgent_stuck", f"{stuck:.0f} s" if stuck else None)
        url = self._services.settings.operator_url
        if stuck and not self._called_for_stuck and url:
            self._called_for_stuck = True
            try:
                await notify(
                    url, "安居 Anju", f"紧急通道无法写入 / urgent lane stuck {stuck:.0f} s"
                )
            except DeliveryError as error:
                log.error("operator not reached", error=str(error))
        if not stuck:
            self._called_for_stuck = False
        return bool(stuck)

    async def _ping(self) -> None:
        url = self._services.settings.deadman_url
        if not url:
            return
        try:
            await self._client.get(url)
        except httpx.HTTPError as error:
            log.warning("dead-man's ping failed", error=str(error))

    async def keep_house(self) -> None:
        database = self._services.db
        async with database.transaction() as session:
            await prune(session, self._services.clock.now())
        has_more = True
        while has_more:  # a flood is forgotten in small pieces, so that nothing waits for them
            async with database.transaction() as session:
                has_more = await prune_quarantine(session)

    async def close(self) -> None:
        await self._client.aclose()


def _set(banners: dict[str, str], key: str, detail: str | None) -> None:
    if detail:
        banners[key] = detail
    else:
        banners.pop(key, None)
