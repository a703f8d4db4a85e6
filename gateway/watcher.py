"""Watches devices, and Anju itself: silence, late judgements, canaries, the audit, old rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import httpx

from alerting.channels.base import DeliveryError
from alerting.channels.message import notify
from alerting.fleet import rebuilding
from alerting.handling import absences, sweep
from alerting.intake import run_out, unwatched, watching
from care import interruptions
from care.policy import load_policy
from core.logging import get_logger
from core.metrics import CANARY_AGE, DEADLINES_OVERDUE
from core.services import Services
from gateway.housekeeping import prune, prune_quarantine
from gateway.lanes import Lane
from gateway.routes import CANARY, FOREIGN_CANARY_TOPIC, NATIVE_ROOT

log = get_logger("watcher")

CANARY_EVERY_S = 60.0
CANARY_LATE = timedelta(seconds=150)
CONNECTED_FOR = timedelta(seconds=60)
ELDERS_EVERY = timedelta(seconds=60)


class Watcher:
    """Silent devices, late judgements, the audit, the canary, the dead-man's ping."""

    def __init__(
        self,
        services: Services,
        lanes: Mapping[str, Lane],
        *,
        also_stuck: Callable[[], float] = lambda: 0.0,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`also_stuck`: for how many seconds another way in has waited for its commit."""
        self._services, self._lanes, self._also_stuck = services, lanes, also_stuck
        self._connected_since: datetime | None = None
        self._client = client or httpx.AsyncClient(timeout=5.0)
        self._called_for_stuck = False
        self._began_at = services.clock.now()
        self._elders_at: datetime | None = None

    async def watch_devices(self) -> None:
        now = self._services.clock.now()
        judge_silent = self._may_judge_silence(now)
        async with self._services.db.transaction(patient=True) as session:
            due = await watching.due_devices(session, now, judge_silent=judge_silent)
        await self._heal(due)
        try:
            touched = await self._judge(due, now, judge_silent)
        except Exception:
            log.exception("devices not judged", due=len(due))
            touched = await self._judge_one_by_one(due, now, judge_silent)
        if judge_silent:
            touched += await self._watch_elders(now)
        if touched:
            self._services.signals.outbox.set()
            self._services.signals.sweep.set()

    async def _watch_elders(self, now: datetime) -> list[str]:
        """Once a minute: elders whom nothing watches any more, in pieces that nobody waits for."""
        if self._elders_at is not None and now - self._elders_at < ELDERS_EVERY:
            return []
        self._elders_at = now
        settings = self._services.settings
        rules = load_policy(settings.region).supervision
        async with self._services.db.reading() as session:
            ids = await unwatched.elders_to_judge(session, now)
            mass = await unwatched.look_for_mass_outage(session, now, rules)
        touched: list[str] = []
        for start in range(0, len(ids), unwatched.MOST_AT_ONCE):
            some = ids[start : start + unwatched.MOST_AT_ONCE]
            try:
                async with self._services.db.transaction(patient=True) as session:
                    touched += await unwatched.watch_elders(
                        session, some, now, rules, mass, settings.timezone
                    )
            except Exception:
                log.exception("elders not judged", elders=len(some))
        return touched

    async def _judge(self, due: Sequence[str], now: datetime, judge_silent: bool) -> list[str]:
        if not due:
            return []
        async with self._services.db.transaction(patient=True) as session:
            zone = self._services.settings.timezone
            return await watching.watch(session, due, now, judge_silent=judge_silent, zone=zone)

    async def _heal(self, due: Sequence[str]) -> None:
        """States that could not be read ask to be judged at once: first they are made anew."""
        database, zone = self._services.db, self._services.settings.timezone
        async with database.reading() as session:
            unreadable = await rebuilding.unreadable(session, due)
        for device_id in unreadable:
            try:
                made = await rebuilding.heal(database, device_id, self._services.clock, zone)
            except Exception:
                log.exception("state not rebuilt", device=device_id)
                continue
            log.warning("state rebuilt", device=device_id, readings=made.readings if made else 0)

    async def _judge_one_by_one(
        self, due: Sequence[str], now: datetime, judge_silent: bool
    ) -> list[str]:
        """One device that cannot be judged must not keep the others from it."""
        touched: list[str] = []
        for device_id in due:
            try:
                touched += await self._judge([device_id], now, judge_silent)
            except Exception:
                log.exception("device not judged", device=device_id)
                async with self._services.db.transaction(patient=True) as session:
                    await watching.postpone(session, device_id, now)
        return touched

    async def end_tests(self) -> None:
        """Installation tests that ran out; each in a transaction of its own."""
        services = self._services
        async with services.db.reading() as session:
            due = await run_out.due_tests(session, services.clock.now())
        for test_id in due:
            try:
                async with services.db.transaction() as session:
                    opened = await run_out.end_test(session, test_id, services.clock.now())
            except Exception:  # the others must not wait for this one
                log.exception("test not ended", test=test_id)
                continue
            if opened is not None:
                services.signals.outbox.set()
                services.signals.sweep.set()

    async def end_absences(self) -> None:
        """Elders whose time away is over are watched again; each in a transaction of its own."""
        services = self._services
        async with services.db.reading() as session:
            due = await absences.due_absences(session, services.clock.now())
        for elder_id in due:
            try:
                await services.db.settle(
                    partial(absences.end_absence, elder_id=elder_id, now=services.clock.now())
                )
            except Exception:  # the others must not wait for this one; the audit says so
                log.exception("absence not ended", elder=elder_id)

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
            overdue = [*await sweep.overdue(session, now), *await absences.overdue(session, now)]
            overdue += await interruptions.overdue(session, now)
        DEADLINES_OVERDUE.set(len(overdue))
        banners = self._services.health.banners
        _set(banners, "deadlines_overdue", ", ".join(overdue[:5]) if overdue else None)
        late = self._late_canaries(now)
        _set(banners, "canary_late", ", ".join(late) or None)
        arrived = all(lane.canary_at is not None for lane in self._lanes.values())
        if arrived and not overdue and not late and not stuck:
            await self._ping()

    def _late_canaries(self, now: datetime) -> list[str]:
        late = []
        for name, lane in self._lanes.items():
            if lane.canary_at is not None:
                CANARY_AGE.labels(name).set((now - lane.canary_at).total_seconds())
            if now - (lane.canary_at or self._began_at) > CANARY_LATE:
                late.append(name)
        return late

    async def cry_if_stuck(self) -> bool:
        """Alarms or pushes cannot be stored: say so outside the database, once per stretch.

        Asks the database nothing: it may be what is wrong.
        """
        lane = self._lanes.get("urgent")
        stuck = max(lane.stuck_for_s() if lane else 0.0, self._also_stuck())
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
        async with database.transaction(patient=True) as session:
            await prune(session, self._services.clock.now())
        has_more = True
        while has_more:  # a flood is forgotten in small pieces, so that nothing waits for them
            async with database.transaction(patient=True) as session:
                has_more = await prune_quarantine(session)

    async def close(self) -> None:
        await self._client.aclose()


def _set(banners: dict[str, str], key: str, detail: str | None) -> None:
    if detail:
        banners[key] = detail
    else:
        banners.pop(key, None)
