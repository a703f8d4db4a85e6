"""`anju demo`: broker, server, telephones and an invented town in one process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from rich.console import Console

from care.accounts import create_user, hash_password
from care.model import SYSTEM, UserRole
from core.clock import SystemClock
from core.errors import Conflict
from core.logging import configure_logging
from core.settings import Settings, load_settings
from gateway.bootstrap import Anju
from gateway.demo_folder import DemoFolder, DemoState
from gateway.demo_limits import foreseen
from gateway.demo_ports import HOST, DemoPorts, url_of
from gateway.stopping import on_stop
from gateway.web import Server
from simulators.anju_client import AnjuClient
from simulators.broker import BrokerAddress
from simulators.devices import Fleet
from simulators.fake_phone import FakePhone
from simulators.fake_phone_app import create_app as create_phone_app
from simulators.homes import demo_town
from simulators.life import TownLife
from simulators.live import Address, LiveView
from simulators.meters import HISTORY_DAYS, Meters
from simulators.phone_messages import Rule
from simulators.scenario import PhoneRule, Scenario, load_scenario
from simulators.seed import PhoneAccess, seed
from simulators.town import Town

ADMIN = "admin"
_STOP_S = 4.5
_HISTORY_AT_ONCE, _HISTORY_PAUSE_S = 10, 0.05
"""About 150 messages a second: the embedded broker gives up on what is not taken within 5 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What `anju demo` may be told; the defaults are what a newcomer gets."""

    folder: Path = Path("demo-data")
    scenario: str = "hour"  # a name, or a .toml file
    keep: bool = False  # go on with the database of the last demo
    http_port: int = 8000  # of each port the next free one is taken
    mqtt_port: int = 1883
    phone_port: int = 8025
    seconds: int = 0  # stop by itself after so long; 0: never


def run(options: DemoOptions) -> int:
    """Run the demo until Ctrl-C; returns the exit status 0.

    Raises `ScenarioError` or `SettingsError` for what cannot be used.
    """
    town = demo_town()
    scenario = load_scenario(options.scenario, town)
    folder = DemoFolder(options.folder)
    folder.acquire()
    try:
        with folder.log.open("a", encoding="utf-8") as log, contextlib.redirect_stderr(log):
            configure_logging("info", json_lines=True)
            asyncio.run(_Demo(options, town, scenario, folder).run())
    finally:
        folder.release()
    return 0


class _Demo:
    """One run: the parts, in the order in which they start; they stop the other way round."""

    def __init__(
        self, options: DemoOptions, town: Town, scenario: Scenario, folder: DemoFolder
    ) -> None:
        self._options, self._town, self._scenario = options, town, scenario
        self._folder, self._clock = folder, SystemClock()
        self._console = Console(highlight=False)
        self._ports = DemoPorts(self._console)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Everything, until somebody presses Ctrl-C or a part of it fails."""
        with on_stop(self._stop.set):
            running = asyncio.create_task(self._run(), name="demo")
            stopping = asyncio.create_task(self._stop.wait(), name="demo stops")
            await asyncio.wait(
                (running, stopping),
                timeout=self._options.seconds or None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            stopping.cancel()
            if not running.done():
                self._console.print("正在停止 … / stopping …")
                running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        now = self._clock.now()
        names = (ADMIN, *(user.username for user in self._town.users))
        state = self._folder.open(now, names, keep=self._options.keep)
        async with contextlib.AsyncExitStack() as parts:
            phone_socket = self._ports.listen("fake phone", self._options.phone_port)
            phone_url = url_of(phone_socket)
            await parts.enter_async_context(_serving(self._phone(state), phone_socket))
            anju = await parts.enter_async_context(self._anju(state, phone_url))
            client = await parts.enter_async_context(AnjuClient(anju.settings.link_base))
            await client.sign_in(ADMIN, state.passwords[ADMIN])
            access = PhoneAccess(url=phone_url, secret=state.phone_secret)
            await seed(client, self._town, passwords=state.passwords, phone=access, now=now)
            await self._live(anju, client, state, phone_url)

    # -- parts --------------------------------------------------------------------------------

    def _phone(self, state: DemoState) -> FastAPI:
        phone = FakePhone(self._clock, secret=state.phone_secret, names=self._town.phone_book())
        for rule in self._scenario.phone:
            home = self._town.homes[rule.home - 1]
            for contact in home.elders[0].contacts:
                if contact.rank == rule.rank:
                    phone.set_rule(contact.phone, _behaviour(rule))
            if rule.rank == 0:
                phone.set_rule(home.elders[0].phone, _behaviour(rule))
        return create_phone_app(phone)

    @contextlib.asynccontextmanager
    async def _anju(self, state: DemoState, phone_url: str) -> AsyncIterator[Anju]:
        """The server, with an administrator in it."""
        http_socket = self._ports.listen("console", self._options.http_port)
        mqtt_port = self._ports.free("MQTT", self._options.mqtt_port)
        settings = _settings(state, self._folder, http_socket, mqtt_port, phone_url)
        anju = Anju(settings, clock=self._clock)
        try:
            await anju.start(http_socket=http_socket)
            await _add_admin(anju, state.passwords[ADMIN])
            yield anju
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await anju.stop()

    async def _live(self, anju: Anju, client: AnjuClient, state: DemoState, phone_url: str) -> None:
        """Let the town live and show it, until cancelled."""
        last_uses = await asyncio.to_thread(foreseen, self._town, self._scenario, state.began)
        meters = Meters(self._town, self._scenario, state.began, last_uses=last_uses)
        fleet = Fleet(BrokerAddress.from_url(anju.settings.mqtt_url), self._clock)
        life = TownLife(self._town, self._scenario, meters, fleet, self._clock)
        view = LiveView(
            self._console,
            self._clock,
            addresses=_addresses(anju.settings, phone_url, state),
            incidents=lambda: client.all("incidents"),
            upcoming=lambda: life.upcoming,
        )
        life.on_happening, fleet.on_heard = view.happened, life.heard
        life.untold = {home.water_meter for home in self._town.homes}
        async with fleet.connected():
            life.start_script()
            await _together(
                view.run(),
                life.live(),
                life.announce(),
                self._tell_history(meters, fleet, life, state),
                _until(anju.failed),
            )

    async def _tell_history(
        self, meters: Meters, fleet: Fleet, life: TownLife, state: DemoState
    ) -> None:
        """Hourly readings of the days that the database does not have yet."""
        until = self._clock.now()
        days = HISTORY_DAYS
        if state.told_until is not None:
            days = min(HISTORY_DAYS, (until - state.told_until).days + 1)
        messages = meters.history(until, days)
        while batch := list(itertools.islice(messages, _HISTORY_AT_ONCE)):
            await asyncio.gather(*(fleet.publish(message) for message in batch))
            meters_told = [message.topic.split("/")[2] for message in batch]
            await life.told(set(meters_told) - {meters_told[-1]})  # the last one's goes on
            await asyncio.sleep(_HISTORY_PAUSE_S)
        await life.told(set(life.untold))
        self._folder.save(state.model_copy(update={"told_until": until}))


def _behaviour(rule: PhoneRule) -> Rule:
    return Rule(answers=rule.answers, key=rule.key, busy=rule.busy, fails=rule.fails)


def _settings(
    state: DemoState, folder: DemoFolder, http: socket.socket, mqtt_port: int, phone_url: str
) -> Settings:
    """Every setting is named, so that neither the environment nor an anju.toml gets a say."""
    host, port = http.getsockname()[:2]
    return load_settings(
        database_url=folder.database_url,
        mqtt_url=f"embedded://{HOST}:{mqtt_port}",
        worker_id="anju-demo",
        http_host=host,
        http_port=port,
        public_url=url_of(http),
        secret_key=state.secret_key,
        timezone="Asia/Shanghai",
        region="guangdong",
        webhook_hosts=phone_url,
        operator_url=f"{phone_url.replace('http://', 'json://')}/operator",
        deadman_url="",
        log_level="info",
    )


def _addresses(settings: Settings, phone_url: str, state: DemoState) -> tuple[Address, ...]:
    """One sign-in of every role, with the page it begins at."""
    base, sign_ins = settings.link_base, state.passwords

    def page(zh: str, en: str, url: str, username: str = "") -> Address:
        return Address(
            zh=zh, en=en, url=url, username=username, password=sign_ins.get(username, "")
        )

    return (
        page("值班台", "Duty desk", f"{base}/desk", "duty"),
        page("负责人的规则", "Supervisor's rules", f"{base}/rules", "supervisor"),
        page("探访员手机", "Visitor's phone", f"{base}/my", "visitor1"),
        page("管理", "Administration, API", f"{base}/docs", ADMIN),
        page("全镇的电话", "Everybody's telephones", f"{phone_url}/"),
    )


async def _add_admin(anju: Anju, password: str) -> None:
    hashed = await hash_password(password)
    services = anju.services
    with contextlib.suppress(Conflict):  # there from the last run
        async with services.db.transaction() as session:
            await create_user(
                session,
                SYSTEM,
                services.clock.now(),
                username=ADMIN,
                password_hash=hashed,
                role=UserRole.ADMIN,
                name="管理员（演示）",
            )


@contextlib.asynccontextmanager
async def _serving(app: FastAPI, listening: socket.socket) -> AsyncIterator[None]:
    """A small web application on a socket of its own."""
    server = Server.of(app, shutdown_within_s=1)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="fake phone")
    try:
        yield  # the socket listens already: who is early waits a moment
    finally:
        server.should_exit = True
        await asyncio.wait((serving,), timeout=2)
        serving.cancel()


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all of them until cancelled; when one fails, its error is the one that is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(failed: asyncio.Event) -> None:
    await failed.wait()
    raise RuntimeError("a part of the server ended; its log says why")
