"""Builds one process of Anju from its settings: database, lanes, loops, web; runs and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI

from alerting.intake.heard import Receipt
from api.app import create_app, hand_over
from console.app import mount_console
from core.clock import Clock
from core.logging import get_logger
from core.services import Services
from core.settings import ALL_ROLES, Role, Settings
from gateway.downlink import LOOK_EVERY_S, Commander
from gateway.embedded import EmbeddedBroker
from gateway.endpoint import Endpoint
from gateway.install import build_services, install
from gateway.lanes import (
    BULK_BATCH,
    BULK_WAIT_S,
    FOREIGN_BATCH,
    FOREIGN_WAIT_S,
    URGENT_BATCH,
    URGENT_WAIT_S,
    Lane,
    receipt_message,
)
from gateway.loops import Dispatcher, Escalator, repeat
from gateway.mappings import install_mappings
from gateway.migrate import upgrade
from gateway.push import PushLane
from gateway.routes import (
    ForeignRouter,
    NativeRouter,
    bulk_filters,
    foreign_filters,
    urgent_filters,
)
from gateway.rulekeeper import RULES_EVERY_S, RuleKeeper
from gateway.senders import Outbox, Publish
from gateway.supplykeeper import SUPPLY_EVERY_S, SupplyKeeper
from gateway.watcher import CANARY_EVERY_S, Watcher
from gateway.web import Server, listen

log = get_logger("anju")

SHUTDOWN_WITHIN_S = 3


def make_app(services: Services) -> FastAPI:
    """The REST interface and the pages."""
    app = create_app(services)
    mount_console(app, services)
    return app


class Anju:
    """One process. `start()` returns when everything runs; `stop()` when everything stopped."""

    def __init__(
        self,
        settings: Settings,
        *,
        roles: Sequence[Role] = ALL_ROLES,
        clock: Clock | None = None,
        http: httpx.AsyncClient | None = None,
        publish: Publish | None = None,
        app: FastAPI | None = None,
    ) -> None:
        """`http` and `publish` replace the ways out, and `app` answered for a process that has
        stopped; tests pass their own."""
        self.settings, self.roles = settings, tuple(roles)
        self.services = build_services(settings, clock)
        self.lanes: dict[str, Lane] = {}
        self.publish: Publish = publish or self._over_mqtt
        has_broker = publish is not None or "ingest" in self.roles
        self.outbox = Outbox(self.services, self.publish if has_broker else None, http)
        self.dispatcher = Dispatcher(self.services, self.outbox)
        self.commander = Commander(self.services, self.publish)
        self.escalator = Escalator(self.services)
        self.rules = RuleKeeper(self.services)
        self.supply = SupplyKeeper(self.services)
        self.push = PushLane(self.services)
        self.services.intake = self.push.take
        self.watcher = Watcher(
            self.services, self.lanes, also_stuck=self.push.stuck_for_s, client=http
        )
        self.app: FastAPI = app or make_app(self.services)
        hand_over(self.app, self.services)
        self.broker: EmbeddedBroker | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._server: Server | None = None
        self.failed: asyncio.Event = asyncio.Event()

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def start(
        self, *, migrate: bool = True, http_socket: socket.socket | None = None
    ) -> None:
        """Migrate, install, connect, listen."""
        endpoint = Endpoint.parse(self.settings.mqtt_url, self.settings.mqtt_ca)
        if endpoint.embedded and "ingest" in self.roles:
            self.broker = EmbeddedBroker(endpoint.host, endpoint.port)
        if migrate:
            await upgrade(self.settings)
        await install(self.services)
        install_mappings(self.services)
        self.services.health.checks["database"] = self._database_unwell
        if self.broker is not None:
            await self.broker.start()
        if "ingest" in self.roles:
            await self._start_ingest(endpoint)
        if "alert" in self.roles:
            await self._start_alert()
        if "web" in self.roles:
            await self._start_web(http_socket or listen(self.settings))
        log.info("running", roles=list(self.roles))

    async def stop(self) -> None:
        """Stop listening, let attempts end, leave what is not acknowledged with the broker."""
        self.services.stopping = True
        self.services.signals.stopping.set()
        self.services.signals.stream.set()
        if self._server is not None:
            self._server.should_exit = True
        await self.dispatcher.finish(within_s=SHUTDOWN_WITHIN_S)
        web = [task for task in self._tasks if task.get_name() == "web"]
        if web:
            await asyncio.wait(web, timeout=SHUTDOWN_WITHIN_S + 1)
        await self.push.finish(within_s=SHUTDOWN_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self.lanes.values():
            await lane.session.stop()
        await self.watcher.close()
        await self.outbox.close()
        if self.broker is not None:
            await self.broker.stop()
        await self.services.db.close()

    async def _start_ingest(self, endpoint: Endpoint) -> None:
        services = self.services
        native = NativeRouter(self.settings.zone)
        lanes = {
            "urgent": Lane(
                services,
                "urgent",
                endpoint,
                native,
                self._send_receipts,
                batch=URGENT_BATCH,
                wait_s=URGENT_WAIT_S,
            ),
            "bulk": Lane(
                services, "bulk", endpoint, native, None, batch=BULK_BATCH, wait_s=BULK_WAIT_S
            ),
            "foreign": Lane(
                services,
                "foreign",
                endpoint,
                ForeignRouter(services),
                None,
                batch=FOREIGN_BATCH,
                wait_s=FOREIGN_WAIT_S,
            ),
        }
        self.lanes.update(lanes)
        filters = {
            "urgent": urgent_filters(),
            "bulk": bulk_filters(),
            "foreign": await foreign_filters(services),
        }
        for name, lane in lanes.items():
            await lane.session.start(filters[name])
            services.health.checks[f"lane {name}"] = lane.unwell
            self._spawn(f"lane-{name}", lane.run())
        self._spawn("sources", repeat(self.refresh_sources, 5.0, services.signals.sources))
        self._spawn("canary", self._canaries())
        self._spawn(
            "commands", repeat(self.commander.step, LOOK_EVERY_S, services.signals.commands)
        )

    async def _canaries(self) -> None:
        """The first one as soon as all lanes are up, then one a minute."""
        while any(lane.session.unwell() for lane in self.lanes.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        await repeat(self.watcher.send_canaries, CANARY_EVERY_S)

    async def _start_alert(self) -> None:
        await self.escalator.begin()
        self.services.health.checks["escalation"] = self._escalation_unwell
        self._spawn("escalation", repeat(self.escalator.step, 0.5, self.services.signals.sweep))
        self._spawn("outbox", self.dispatcher.run())
        self._spawn("devices", repeat(self.watcher.watch_devices, 10.0))
        self._spawn("tests", repeat(self.watcher.end_tests, 5.0))
        self._spawn("absences", repeat(self.watcher.end_absences, 10.0))
        self._spawn("audit", repeat(self.watcher.audit, 30.0))
        self._spawn("stuck", repeat(self.watcher.cry_if_stuck, 1.0))
        self._spawn("rules", repeat(self.rules.step, RULES_EVERY_S, self.services.signals.rules))
        self._spawn(
            "supply", repeat(self.supply.step, SUPPLY_EVERY_S, self.services.signals.supply)
        )
        self._spawn("housekeeping", repeat(self.watcher.keep_house, 60.0))

    async def _start_web(self, http_socket: socket.socket) -> None:
        self.services.health.checks["lane push"] = self.push.unwell
        self._server = Server.of(
            self.app,
            shutdown_within_s=SHUTDOWN_WITHIN_S,
            lifespan="off",
            proxy_headers=True,
        )
        self._spawn("web", self._server.serve(sockets=[http_socket]))
        while not self._server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop that ends before the process does is a fault of ours: say it, and stop."""
        if task.cancelled() or self.services.stopping:
            return
        log.error("loop ended", loop=task.get_name(), error=repr(task.exception()))
        self.failed.set()

    # ── between the parts ─────────────────────────────────────────────────────────────────────

    async def refresh_sources(self) -> None:
        """Subscribe what was added over REST, drop what was removed."""
        await self.lanes["foreign"].session.want(await foreign_filters(self.services))

    def _over_mqtt(self, topic: str, payload: bytes) -> bool:
        lane = self.lanes.get("urgent")
        return lane is not None and lane.session.publish(topic, payload)

    def _send_receipts(self, receipts: tuple[Receipt, ...]) -> None:
        for receipt in receipts:
            self.publish(*receipt_message(receipt))

    async def _database_unwell(self) -> str | None:
        async with asyncio.timeout(3.0):
            await self.services.db.ping()
        return None

    async def _escalation_unwell(self) -> str | None:
        last: datetime | None = self.escalator.last_ran_at
        if last is None:
            return "has not run yet"
        age = (self.services.clock.now() - last).total_seconds()
        return f"has not run for {age:.0f} s" if age > 30 else None


@contextlib.asynccontextmanager
async def running(anju: Anju, **options: Any) -> AsyncIterator[Anju]:
    """`async with running(Anju(settings)):`, stopped whatever happens inside."""
    try:
        await anju.start(**options)
        yield anju
    finally:
        await anju.stop()
