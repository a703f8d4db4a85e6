"""A town in a test: the real app, a real database, a still clock, a fake phone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import func, select

from alerting.handling import sweep
from alerting.outbox import claiming
from alerting.tables import DeviceStateRow, Incident
from alerting.telling import desk
from care import accounts
from care.model import SYSTEM, UserRole
from core.settings import Settings
from devices import registry
from devices.event import Message
from gateway.bootstrap import Anju
from gateway.lanes import receipt_message
from gateway.pipeline import Handled, Pipeline
from gateway.routes import ForeignRouter, NativeRouter
from simulators.fake_phone import FakePhone
from simulators.fake_phone_app import create_app as create_phone_app
from simulators.phone_messages import PhoneMessage
from tests.support.clock import ManualClock
from tests.support.documented import check_documented

PHONE_SECRET = "phone-secret-of-a-test"
SECRET_KEY = "a-secret-key-for-tests-only"
PASSWORD = "correct horse battery"


@dataclass
class Caller:
    """Somebody with a token, speaking REST."""

    client: httpx.AsyncClient
    username: str
    token: str = ""
    id: str = ""

    async def sign_in(self) -> None:
        answer = await self.client.post(
            "/api/v1/token", data={"username": self.username, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    async def get(self, path: str, **params: Any) -> Any:
        return await self.expect(200, "GET", path, params=params)

    async def post(self, path: str, body: Any = None, status: int | None = None) -> Any:
        answer = await self.call("POST", path, json=body if body is not None else {})
        wanted = (200, 201) if status is None else (status,)
        assert answer.status_code in wanted, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def expect(self, status: int, method: str, path: str, **options: Any) -> Any:
        answer = await self.call(method, path, **options)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self._request(method, path, **options)
        if answer.status_code == 401:  # hours have passed in this story
            await self.sign_in()
            answer = await self._request(method, path, **options)
        return answer

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.client.request(method, f"/api/v1/{path}", headers=headers, **options)
        check_documented(self.client, method, answer)
        return answer


@dataclass
class Hooks:
    """A webhook receiver; `status` is what it answers."""

    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    status: int = 200

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/{path:path}")
        async def take(path: str, request: Request) -> Any:
            body = await request.json()
            self.received.append(body | {"path": path})
            self.headers.append(dict(request.headers))
            self.raw.append(await request.body())
            return JSONResponse({}, status_code=self.status)

        return app


Acks = list[tuple[str, dict[str, Any]]]
"""What native devices were told: topic and payload."""


class World:
    """Moves time, lets devices speak, and looks at what people were told."""

    def __init__(
        self, anju: Anju, clock: ManualClock, phone: FakePhone, hooks: Hooks, acks: Acks
    ) -> None:
        self.anju, self.clock, self.phone, self.hooks = anju, clock, phone, hooks
        self.services = anju.services
        self.acks = acks
        self.admin: Caller
        self._numbers = 0
        native = NativeRouter(anju.settings.zone)
        self._lanes = {
            "urgent": Pipeline(self.services, "urgent", native),
            "bulk": Pipeline(self.services, "bulk", native),
            "foreign": Pipeline(self.services, "foreign", ForeignRouter(self.services)),
        }

    # ── people and devices ────────────────────────────────────────────────────────────────────

    async def sign_in(self, username: str, role: str = "duty_officer", **fields: Any) -> Caller:
        """A new user with a token; made by the administrator over REST."""
        made = await self.admin.post(
            "users",
            {"username": username, "password": PASSWORD, "role": role, "name": username, **fields},
        )
        caller = Caller(self.admin.client, username, id=made["id"])
        await caller.sign_in()
        return caller

    def _client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.anju.app)
        return httpx.AsyncClient(transport=transport, base_url="http://anju.test")

    async def begin(self) -> None:
        """The first administrator, as `anju user add` makes one."""
        password_hash = await accounts.hash_password(PASSWORD)
        async with self.services.db.transaction() as session:
            user = await accounts.create_user(
                session,
                SYSTEM,
                self.clock.now(),
                username="admin",
                password_hash=password_hash,
                role=UserRole.ADMIN,
                name="管理员",
            )
        self.admin = Caller(self._client(), "admin", id=user.id)
        await self.admin.sign_in()

    async def phone_channels(self) -> None:
        """SMS and calls leave through the fake phone."""
        for kind in ("sms", "call"):
            await self.admin.post(
                "channels",
                {"kind": kind, "name": kind, "url": "http://phone.test", "secret": PHONE_SECRET},
            )

    async def elder(self, name: str = "李演示", contacts: int = 1, **fields: Any) -> dict[str, Any]:
        """An elder with a home of their own and contacts ranked 1, 2, … who have telephones."""
        elder: dict[str, Any] = await self.admin.post(
            "elders",
            {
                "name": name,
                "birth_date": "1941-05-03",
                "phone": "+8613900000000",
                "address": "演示路 1 号",
                "categories": ["living_alone"],
                **fields,
            },
        )
        elder["contacts"] = [
            await self.admin.post(
                f"elders/{elder['id']}/contacts",
                {
                    "name": f"联系人{rank}",
                    "relation": "女儿",
                    "rank": rank,
                    "phone": contact_phone(rank),
                    "channels": [],
                },
            )
            for rank in range(1, contacts + 1)
        ]
        return elder

    async def button(self, elder: dict[str, Any], ident: str = "btn-1") -> str:
        await self.device(ident, "sos_button", elder_id=elder["id"])
        return ident

    async def device(self, ident: str, role: str, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.admin.post(
            "devices", {"id": ident, "family": "native", "role": role, **fields}
        )
        return made

    # ── devices speak ─────────────────────────────────────────────────────────────────────────

    async def hears(
        self, topic: str, payload: Any, *, retained: bool = False, lane: str | None = None
    ) -> Handled:
        """A message arrives, as the lane would bring it; `payload` is bytes or JSON-able."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        message = Message(topic=topic, payload=raw, received_at=self.clock.now(), retained=retained)
        return await self.hear_all([message], lane or lane_of(topic))

    async def hear_all(self, messages: list[Message], lane: str) -> Handled:
        handled = await self._lanes[lane].handle(messages)
        for receipt in handled.receipts:
            self.anju.publish(*receipt_message(receipt))
        return handled

    async def event(
        self, device: str, kind: str, *, ident: str | None = None, **more: Any
    ) -> Handled:
        """A native event with a fresh id unless one is given."""
        self._numbers += 1
        body = {"id": ident or f"e{self._numbers}", "kind": kind, **more}
        return await self.hears(f"anju/v1/{device}/event", body)

    async def press(self, device: str = "btn-1", **more: Any) -> Handled:
        handled = await self.event(device, "sos", **more)
        await self.settle()
        return handled

    async def reads(
        self,
        device: str,
        value: float,
        register: str = "water_total",
        unit: str = "m3",
        at: datetime | None = None,
    ) -> Handled:
        reading: dict[str, Any] = {"register": register, "value": value, "unit": unit}
        if at is not None:
            reading["at"] = at.isoformat()
        return await self.hears(f"anju/v1/{device}/telemetry", {"readings": [reading]})

    # ── time passes ───────────────────────────────────────────────────────────────────────────

    async def settle(self) -> None:
        """Everything that is due now happens: ladder, outbox, telephones."""
        for _ in range(20):
            moved = await self.anju.escalator.step() + await self.anju.outbox.drain()
            await self.phone.tick()
            if not moved:
                return
        raise AssertionError("the world does not come to rest")

    async def advance(self, **span: float) -> None:
        """Let time pass, stopping wherever something is due on the way."""
        end = self.clock.now() + timedelta(**span)
        await self.settle()
        while (soon := await self._next_moment()) is not None and soon <= end:
            if soon > self.clock.now():
                self.clock.advance(seconds=(soon - self.clock.now()).total_seconds())
            else:
                self.clock.advance(seconds=0.001)
            await self.settle()
        if end > self.clock.now():
            self.clock.advance(seconds=(end - self.clock.now()).total_seconds())
        await self.settle()

    async def _next_moment(self) -> datetime | None:
        async with self.services.db.reading() as session:
            moments = [await sweep.next_due_at(session), await claiming.next_ready_at(session)]
        moments += [m.changes_at for m in self.phone.messages() if m.state in ("ringing", "sent")]
        return min((moment for moment in moments if moment is not None), default=None)

    async def desk_opens(self, officer: Caller, *, armed: bool = True, path: str = "") -> None:
        """A duty officer has the desk page open; call again to keep it alive."""
        async with self.services.db.transaction() as session:
            await desk.heartbeat(
                session,
                page_id=f"page-{officer.id}",
                user_id=officer.id,
                area_path=path,
                armed=armed,
                now=self.clock.now(),
            )

    # ── what people see ───────────────────────────────────────────────────────────────────────

    async def incidents(self, **filters: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.admin.get("incidents", **filters))["items"]
        return items

    async def incident(self, **filters: Any) -> dict[str, Any]:
        """The only incident there is, whole."""
        items = await self.incidents(**filters)
        assert len(items) == 1, [(i["kind"], i["stage"]) for i in items]
        whole: dict[str, Any] = await self.admin.get(f"incidents/{items[0]['id']}")
        return whole

    async def act(
        self,
        move: str,
        incident: dict[str, Any],
        body: Any = None,
        *,
        by: Caller | None = None,
        status: int | None = None,
    ) -> Any:
        """POST incidents/{id}/{move}, then everything due happens."""
        result = await (by or self.admin).post(f"incidents/{incident['id']}/{move}", body, status)
        await self.settle()
        return result

    def calls_to(self, rank: int) -> list[PhoneMessage]:
        return self.phone.messages(to=contact_phone(rank), kind="call")

    def sms_to(self, rank: int) -> list[PhoneMessage]:
        return self.phone.messages(to=contact_phone(rank), kind="sms")

    async def count(self, table: Any) -> int:
        async with self.services.db.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)

    async def row(self, table: Any, ident: Any) -> Any:
        async with self.services.db.reading() as session:
            return await session.get(table, ident)

    async def device_state(self, device: str) -> DeviceStateRow:
        row: DeviceStateRow = await self.row(DeviceStateRow, device)
        return row

    async def stored(self, incident: dict[str, Any]) -> Incident:
        row: Incident = await self.row(Incident, incident["id"])
        return row


def contact_phone(rank: int) -> str:
    return f"+861390000000{rank}"


def lane_of(topic: str) -> str:
    if not topic.startswith("anju/"):
        return "foreign"
    return "urgent" if topic.endswith("/event") else "bulk"


def kinds(incident: dict[str, Any]) -> list[str]:
    """The kinds of an incident's timeline, in order."""
    return [entry["kind"] for entry in incident["timeline"]]


def reasons(incident: dict[str, Any]) -> list[str]:
    return [entry["reason"] for entry in incident["timeline"]]


@asynccontextmanager
async def open_world(
    database_url: str,
    clock: ManualClock,
    *,
    operator: bool = False,
    mqtt_url: str | None = None,
    mappings: str = "",
    devices_listen: bool = False,
) -> AsyncIterator[World]:
    """Build the process without its loops: the test moves everything itself.

    With `mqtt_url` the three lanes run and listen to that broker, and commands are sent; nothing
    else does. With `devices_listen` devices are told over that broker, too, and not in `acks`.
    `mappings` is a folder with device mappings of this installation's own.
    """
    hooks = Hooks()
    settings = Settings(
        database_url=database_url,
        secret_key=SECRET_KEY,
        public_url="http://anju.test",
        webhook_hosts="http://hooks.test",
        mqtt_url=mqtt_url or "mqtt://127.0.0.1:1",
        operator_url="json://phone.test/operator" if operator else "",
        mappings=mappings,
    )
    apps: dict[str, httpx.ASGITransport] = {}
    acks: Acks = []

    def device_hears(topic: str, payload: bytes) -> bool:
        acks.append((topic, json.loads(payload)))
        return True

    phone = FakePhone(clock, secret=PHONE_SECRET, http=httpx.AsyncClient(transport=ByHost(apps)))
    http = httpx.AsyncClient(transport=ByHost(apps))
    anju = Anju(
        settings,
        roles=("ingest",) if mqtt_url else (),
        clock=clock,
        http=http,
        publish=None if devices_listen else device_hears,
        app=_idle_apps.pop() if _idle_apps else None,
    )
    apps["http://anju.test"] = httpx.ASGITransport(anju.app)
    apps["http://hooks.test"] = httpx.ASGITransport(hooks.app())
    apps["http://phone.test"] = httpx.ASGITransport(create_phone_app(phone))
    await anju.start(migrate=False)
    world = World(anju, clock, phone, hooks, acks)
    await world.begin()
    try:
        yield world
    finally:
        await world.admin.client.aclose()
        await phone.aclose()
        await anju.stop()
        registry.use_own(())
        for host in ("http://hooks.test", "http://phone.test"):
            take_apart(apps[host].app)
        forget(anju.app)
        _idle_apps.append(anju.app)


_idle_apps: list[FastAPI] = []
"""Making the routes takes longer than most stories; all that differs is what they are handed."""


def forget(app: Any) -> None:
    """Let go of a world that is over: what an application was handed, and remembered of it."""
    vars(app.state)["_state"].clear()


def take_apart(app: Any) -> None:
    """Let go of an application's routes: libraries keep hold of the application for good."""
    app.router.routes.clear()
    forget(app)


class ByHost(httpx.AsyncBaseTransport):
    """The world outside: a few hosts, each an application in this process; others are away."""

    def __init__(self, apps: dict[str, httpx.ASGITransport]) -> None:
        self.apps = apps

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self.apps.get(f"{request.url.scheme}://{request.url.host}")
        if transport is None:
            raise httpx.ConnectError(f"{request.url.host} is away")
        return await transport.handle_async_request(request)
