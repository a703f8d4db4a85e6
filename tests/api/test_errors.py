"""Bad input and faults: a clear problem, never a traceback, and never a lie about the commit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from care.tables import Area
from core.db import Database, add_hint
from core.services import Services
from tests.support.api import Caller, World, http_client, make_app, make_services
from tests.support.clock import ManualClock

AREA = {"name": "村", "level": "village"}


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    return body


async def send(caller: Caller, raw: bytes, kind: str = "application/json") -> httpx.Response:
    return await caller.request("POST", "areas", content=raw, headers={"Content-Type": kind})


async def test_an_unknown_address(world: World) -> None:
    is_problem(await world.client.get("/api/v1/nothing"), 404)
    is_problem(await world.client.get("/nothing"), 404)


async def test_a_method_that_is_not_there(admin: Caller) -> None:
    answer = await admin.request("DELETE", "areas")
    is_problem(answer, 405)
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "raw", [b"{", b"", b"\xff\xfe", b'{"name": 1e999999}', b"[" * 100_000, b'{"level": nul}']
)
async def test_a_body_that_is_not_json(admin: Caller, raw: bytes) -> None:
    answer = await send(admin, raw)
    assert answer.status_code in (400, 422)
    is_problem(answer, answer.status_code)


async def test_a_body_that_does_not_say_it_is_json(admin: Caller) -> None:
    answer = await send(admin, json.dumps(AREA).encode(), "text/plain")
    assert "Content-Type" in is_problem(answer, 415)["detail"]


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"null", b"3"])
async def test_json_that_is_no_object(admin: Caller, raw: bytes) -> None:
    is_problem(await send(admin, raw), 422)


async def test_unknown_fields_are_named(admin: Caller) -> None:
    answer = await admin.post("areas", AREA | {"colour": "red", "size": 3})
    errors = is_problem(answer, 422)["errors"]
    assert {one["field"] for one in errors} == {"colour", "size"}


async def test_every_missing_field_is_named(admin: Caller) -> None:
    errors = is_problem(await admin.post("areas", {}), 422)["errors"]
    assert errors == [
        {"field": "name", "problem": "is required"},
        {"field": "level", "problem": "is required"},
    ]


async def test_null_is_no_change_of_what_must_be_there(admin: Caller) -> None:
    area = await admin.made("areas", AREA)
    errors = is_problem(await admin.patch(f"areas/{area['id']}", {"name": None}), 422)["errors"]
    assert [one["field"] for one in errors] == ["name"]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (rb'{"name": "a\u0000b", "level": "village"}', "name"),
        (rb'{"name": "a\ud800b", "level": "village"}', "name"),
        (rb'{"na\u0000me": "b", "level": "village"}', "body"),
        (rb'{"name": "b", "level": "village", "x": {"y": ["\udfff"]}}', "x.y.0"),
        (rb'{"name": NaN, "level": "village"}', "name"),
        (rb'{"name": [-Infinity], "level": "village"}', "name.0"),
    ],
)
async def test_what_no_database_can_store_is_refused(admin: Caller, raw: bytes, place: str) -> None:
    errors = is_problem(await send(admin, raw), 422)["errors"]
    assert [one["field"] for one in errors] == [place]


@pytest.mark.parametrize("path", ["areas/a%00b", "areas?parent_id=%00", "elders/%00/contacts"])
async def test_a_nul_in_the_address_is_refused(admin: Caller, path: str) -> None:
    is_problem(await admin.get(path), 422)


@pytest.mark.parametrize("path", ["areas/%ff%fe", "areas/' OR 1=1", "areas/%F0%9F%92%A9"])
async def test_a_strange_id_is_just_not_found(admin: Caller, path: str) -> None:
    is_problem(await admin.get(path), 404)


async def test_a_body_that_is_too_large(admin: Caller) -> None:
    raw = json.dumps(AREA | {"name": "x" * 300_000}).encode()
    is_problem(await send(admin, raw), 413)


async def test_a_body_that_hides_its_size(admin: Caller) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"name": "'
        for _ in range(400):
            yield b"x" * 1000
        yield b'"}'

    answer = await admin.request(
        "POST", "areas", content=pieces(), headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 413)


async def test_a_refused_request_changes_nothing(admin: Caller, world: World) -> None:
    await admin.post("areas", AREA | {"parent_id": "area-nowhere"})
    async with world.db.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Area)) == 0


class Broken:
    """A database whose commit fails at the last moment."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, session: AsyncSession, hints: list[Any]) -> None:
        raise self._error


async def test_a_commit_that_fails_is_an_answer_that_says_so(
    db: Database, clock: ManualClock
) -> None:
    """The hints are written at the very end, inside the commit: nothing is left after the body."""
    services = make_services(db, clock)
    world = World(services, clock, http_client(make_app(services)))
    async with world.client:
        admin = await world.admin()
        home = await admin.made("homes", {"address": "桥头 3 号"})
        db.on_hints(Broken(RuntimeError("the disk is on fire")), lambda: None)
        body = {"id": "btn-1", "family": "native", "role": "sos_button", "home_id": home["id"]}
        answer = await admin.post("devices", body)
        problem = is_problem(answer, 500)
        assert "fire" not in answer.text
        assert "err-" in problem["detail"]
        assert (await admin.get("devices/btn-1")).status_code == 404


async def test_an_error_nobody_expected_shows_an_id_and_nothing_else(
    services: Services,
) -> None:
    app = make_app(services)

    @app.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    with structlog.testing.capture_logs() as logged:
        async with http_client(app) as client:
            answer = await client.get("/api/v1/broken")
    problem = is_problem(answer, 500)
    assert "secret" not in answer.text
    error_id = problem["detail"].rsplit(" ", 1)[-1]
    (line,) = [one for one in logged if one["log_level"] == "error"]
    assert line["error_id"] == error_id
    assert str(line["exc_info"]) == "secret detail"


async def test_while_the_database_is_away_clients_are_told_to_come_back(
    tmp_path: Any, clock: ManualClock
) -> None:
    for url in (
        "postgresql+psycopg://nobody@127.0.0.1:1/none",
        f"sqlite+aiosqlite:///{tmp_path}/missing/anju.db",
    ):
        services = make_services(Database(url), clock)
        async with http_client(make_app(services)) as client:
            answer = await client.get("/api/v1/areas", headers={"Authorization": "Bearer x"})
            token = await client.post("/api/v1/token", data={"username": "a", "password": "b"})
        await services.db.close()
        for refused in (answer, token):
            is_problem(refused, 503)
            assert int(refused.headers["retry-after"]) > 0


async def test_a_bug_in_a_query_is_not_taken_for_an_absent_database(
    services: Services, db: Database
) -> None:
    app: FastAPI = make_app(services)

    @app.get("/api/v1/broken")
    async def broken() -> None:
        async with db.reading() as session:
            await session.execute(text("SELECT * FROM no_such_table"))

    async with http_client(app) as client:
        is_problem(await client.get("/api/v1/broken"), 500)


async def test_ready_names_what_is_wrong(world: World, services: Services) -> None:
    assert (await world.client.get("/health/ready")).status_code == 200
    assert (await world.client.get("/health/live")).json() == {"status": "live"}

    async def broker() -> str | None:
        return "urgent-0 is not subscribed"

    async def broken() -> str | None:
        raise OSError("no route")

    services.health.checks |= {"broker": broker, "other": broken}
    answer = await world.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == {
        "broker": "urgent-0 is not subscribed",
        "other": "OSError: no route",
    }
    services.health.checks.clear()


async def test_metrics_are_for_prometheus(world: World) -> None:
    answer = await world.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "anju_incidents_opened_total" in answer.text


async def test_the_hook_of_the_commit_is_only_called_with_hints(db: Database) -> None:
    """Guards the test above: a device is announced, so its commit passes through the hook."""
    seen: list[Any] = []

    async def note(session: AsyncSession, hints: list[Any]) -> None:
        seen.extend(hints)

    db.on_hints(note, lambda: None)
    async with db.transaction() as session:
        add_hint(session, "changed")
    assert seen == ["changed"]
