"""The real app on a real database, spoken to over HTTP without a socket."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from alerting.stream import write_hints
from api.app import create_app
from care import accounts
from care.model import SYSTEM, UserRole
from care.tables import User
from core.db import Database
from core.services import Services
from core.settings import load_settings
from devices.event import Message
from gateway.pipeline import Handled, Pipeline
from gateway.routes import ForeignRouter, NativeRouter
from tests.support.clock import ManualClock
from tests.support.documented import check_documented

# One argon2 hash for every test user: hashing costs more than most tests.
PASSWORD = "a long pass phrase"
_hashes: dict[str, str] = {}


async def password_hash(password: str = PASSWORD) -> str:
    """The hash of a password, made once a run."""
    if password not in _hashes:
        _hashes[password] = await accounts.hash_password(password)
    return _hashes[password]


def make_services(db: Database, clock: ManualClock, **settings: Any) -> Services:
    """Services as the composition root builds them, on a test's database and clock."""
    chosen = load_settings(
        **{"database_url": db.url, "secret_key": "only for tests, really", **settings}
    )
    services = Services(settings=chosen, db=db, clock=clock)
    db.on_hints(write_hints, services.signals.stream.set)
    return services


@dataclass(kw_only=True)
class Caller:
    """Somebody signed in: calls paths below /api/v1 with their token."""

    client: httpx.AsyncClient
    user: User
    token: str

    @property
    def id(self) -> str:
        return self.user.id

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        answer = await self.client.request(method, f"/api/v1/{path}", headers=headers, **options)
        check_documented(self.client, method, answer)
        return answer

    async def get(self, path: str, **params: Any) -> httpx.Response:
        # httpx drops the query of an address when it is handed empty parameters.
        return await self.request("GET", path, **({"params": params} if params else {}))

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json={} if body is None else body, **options)

    async def patch(self, path: str, body: Any) -> httpx.Response:
        return await self.request("PATCH", path, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.request("DELETE", path)

    async def made(self, path: str, body: Any = None) -> dict[str, Any]:
        """What a POST created; fails with the problem when it did not."""
        answer = await self.post(path, body)
        assert answer.status_code == 201, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def done(self, path: str, body: Any = None) -> dict[str, Any]:
        """What a POST on something that exists answered with 200."""
        answer = await self.post(path, body)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def read(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result


class World:
    """An installation: its app, its clock, and whoever signs in."""

    def __init__(self, services: Services, clock: ManualClock, client: httpx.AsyncClient) -> None:
        self.services, self.clock, self.client = services, clock, client
        self.db = services.db

    async def sign_in(
        self, role: UserRole, *, area_id: str | None = None, name: str | None = None
    ) -> Caller:
        """A new user with this role and area, signed in."""
        now = self.clock.now()
        name = name or f"{role.value}-{area_id or 'everywhere'}"
        hashed = await password_hash()
        async with self.db.transaction() as session:
            user = await accounts.create_user(
                session,
                SYSTEM,
                now,
                username=name,
                password_hash=hashed,
                role=role,
                name=name,
                area_id=area_id,
            )
            opened = await accounts.open_session(session, user.id, now)
        return Caller(client=self.client, user=user, token=opened.token)

    async def admin(self) -> Caller:
        return await self.sign_in(UserRole.ADMIN)

    async def hears(self, topic: str, payload: Any, *, lane: str = "urgent") -> Handled:
        """A message arrives, as if a broker had delivered it just now."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        router = (
            ForeignRouter(self.services)
            if lane == "foreign"
            else NativeRouter(self.services.settings.zone)
        )
        message = Message(topic=topic, payload=raw, received_at=self.clock.now())
        return await Pipeline(self.services, lane, router).handle([message])

    async def press(self, device_id: str, event_id: str | None = None) -> str:
        """Somebody presses a native SOS button; returns the incident it opened or joined."""
        body = {"id": event_id or secrets.token_hex(8), "kind": "sos"}
        handled = await self.hears(f"anju/v1/{device_id}/event", body)
        (incident_id,) = handled.incidents
        return incident_id


def http_client(app: FastAPI) -> httpx.AsyncClient:
    """Answers like a server would: an exception in the app is a 500, not the test's."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://anju.test")


def make_app(services: Services) -> FastAPI:
    return create_app(services)
