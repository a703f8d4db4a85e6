"""A whole gateway in this process, with real loops and a real broker, and a device beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiomqtt
import httpx
from sqlalchemy import func, select

from care.model import UserRole
from core.settings import Role, Settings
from gateway.bootstrap import Anju, running
from tests.gateway.conftest import impatient
from tests.support.api import Caller, World, http_client
from tests.support.clock import ManualClock
from tests.support.waiting import until

SECRET = "a-secret-key-for-tests-only"


class Gateway:
    """Anju without its web server: REST is spoken to the app itself."""

    def __init__(self, anju: Anju, client: httpx.AsyncClient) -> None:
        self.anju, self.client = anju, client
        self.db, self.lanes = anju.services.db, anju.lanes

    async def ready(self) -> dict[str, str]:
        """The reasons of `/health/ready`; empty with a 200."""
        answer = await self.client.get("/health/ready")
        reasons: dict[str, str] = answer.json()["reasons"]
        assert answer.status_code == (503 if reasons else 200)
        return reasons

    async def is_ready(self) -> None:
        async def well() -> bool:
            return not await self.ready()

        await until(well, what=str(await self.ready()))

    async def admin(self) -> Caller:
        clock = ManualClock(self.anju.services.clock.now())
        world = World(self.anju.services, clock, self.client)
        return await world.sign_in(UserRole.ADMIN)

    async def all(self, column: Any) -> list[Any]:
        async with self.db.reading() as session:
            return list(await session.scalars(select(column).order_by(column)))

    async def count(self, column: Any, at_least: int) -> int:
        """How many rows there are, once there are so many."""

        async def enough() -> int:
            async with self.db.reading() as session:
                found = int(await session.scalar(select(func.count(column))) or 0)
            return found if found >= at_least else 0

        return await until(enough, what=f"{at_least} × {column}")


@contextlib.asynccontextmanager
async def gateway(
    mqtt_url: str,
    database_url: str,
    *,
    roles: Sequence[Role] = ("ingest", "alert"),
    wait: bool = True,
) -> AsyncIterator[Gateway]:
    """Started, and by default ready; stopped whatever happens inside."""
    settings = Settings(database_url=database_url, secret_key=SECRET, mqtt_url=mqtt_url)
    anju = Anju(settings, roles=roles)
    impatient(anju.services.db)
    async with http_client(anju.app) as client, running(anju, migrate=False) as started:
        opened = Gateway(started, client)
        if wait:
            await opened.is_ready()
        yield opened


class Device:
    """A native device: speaks, and keeps what it is told on its `ack` topic."""

    def __init__(self, client: aiomqtt.Client, ident: str) -> None:
        self._client, self.ident = client, ident
        self.heard: list[dict[str, Any]] = []

    async def says(self, channel: str, payload: Any) -> None:
        """Publish on one of its own topics; returns once the broker has it."""
        await self.publish(f"anju/v1/{self.ident}/{channel}", payload)

    async def publish(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self._client.publish(topic, raw, qos=1, retain=retain)

    async def press(self, ident: str = "1") -> None:
        await self.says("event", {"id": ident, "kind": "sos"})

    async def answered(self, ident: str = "1", times: int = 1, within_s: float = 10) -> None:
        """Anju has acknowledged this event so often."""
        answer = {"id": ident, "accepted": True}
        await until(
            lambda: self.heard.count(answer) >= times, within_s=within_s, what=f"{self.heard}"
        )

    async def _listen(self) -> None:
        async for message in self._client.messages:
            self.heard.append(json.loads(bytes(message.payload)))


@contextlib.asynccontextmanager
async def device(port: int, ident: str = "btn-1") -> AsyncIterator[Device]:
    """Connected and listening."""
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier=f"dev-{ident}", protocol=aiomqtt.ProtocolVersion.V311
    ) as client:
        made = Device(client, ident)
        await client.subscribe(f"anju/v1/{ident}/ack", qos=1)
        listening = asyncio.create_task(made._listen())
        try:
            yield made
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
