"""The stream: hints in commit order, from the caller's area, resumed without a gap."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import fastapi.sse
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import func, select, text

from alerting.stream import KEEP_HINTS, prune_hints
from alerting.tables import StreamHint
from care.model import UserRole
from tests.support.api import Caller, World
from tests.support.sse import Event, OpenStream, open_stream


def bearer(caller: Caller) -> dict[str, str]:
    return {"authorization": f"Bearer {caller.token}"}


async def named(stream: OpenStream, name: str) -> Event:
    """The next event of that name; others on the way are passed over."""
    while (event := await stream.next()) is not None:
        if event.name == name:
            return event
    raise AssertionError(f"the stream ended without {name}")


async def count_hints(world: World) -> int:
    async with world.db.reading() as session:
        return await session.scalar(select(func.max(StreamHint.seq))) or 0


async def a_device(admin: Caller, ident: str) -> None:
    await admin.made("devices", {"id": ident, "family": "native", "role": "sos_button"})


async def test_a_press_reaches_an_open_page(world: World, app: FastAPI, admin: Caller) -> None:
    async with open_stream(app, **bearer(admin)) as stream:
        ready = await stream.next()
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert ready is not None
        assert ready.name == "ready"
        incident_id = await world.press("btn-1")
        assert (await named(stream, "incident")).data == {"id": incident_id}


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer x"}, {"cookie": "anju_session=x"}]
)
async def test_a_stranger_hears_nothing(app: FastAPI, headers: dict[str, str]) -> None:
    async with open_stream(app, **headers) as stream:
        while await stream.next() is not None:
            pass
        assert stream.status == 401


async def test_the_consoles_cookie_opens_the_stream_and_nothing_else(
    world: World, app: FastAPI, admin: Caller
) -> None:
    """A cookie is sent by any page that asks; only a GET that changes nothing may rely on it."""
    cookie = {"cookie": f"anju_session={admin.token}"}
    async with open_stream(app, **cookie) as stream:
        assert (await named(stream, "ready")).id is not None
    assert (await world.client.get("/api/v1/areas", headers=cookie)).status_code == 401


async def test_a_reader_that_comes_back_misses_nothing(app: FastAPI, admin: Caller) -> None:
    async with open_stream(app, **bearer(admin)) as stream:
        await named(stream, "ready")
        await a_device(admin, "one")
        seen = await named(stream, "device")
    for ident in ("two", "three"):
        await a_device(admin, ident)
    async with open_stream(app, **bearer(admin), last_event_id=seen.id or "") as stream:
        assert (await named(stream, "ready")).id == seen.id
        missed = [await stream.next(), await stream.next()]
        assert [event.data["id"] for event in missed if event] == ["two", "three"]
        assert [int(event.id or 0) for event in missed if event] == [
            int(seen.id or 0) + 1,
            int(seen.id or 0) + 2,
        ]


async def test_far_behind_is_caught_up_over_several_looks(
    world: World, app: FastAPI, admin: Caller
) -> None:
    await a_device(admin, "first")
    start = await count_hints(world)
    now = world.clock.now()
    async with world.db.transaction() as session:
        session.add_all(
            StreamHint(topic="device", ref_id=f"d{n}", area_id=None, at=now) for n in range(450)
        )
    async with open_stream(app, **bearer(admin), last_event_id=str(start)) as stream:
        await named(stream, "ready")
        found = [await named(stream, "device") for _ in range(450)]
        assert [event.data["id"] for event in found] == [f"d{n}" for n in range(450)]


@pytest.mark.parametrize("last", ["999999", "-1", "x", "9" * 30, ""])
async def test_a_position_that_means_nothing_is_a_resync(
    app: FastAPI, admin: Caller, last: str
) -> None:
    await a_device(admin, "one")
    async with open_stream(app, **bearer(admin), last_event_id=last) as stream:
        event = await stream.next()
        assert event is not None
        assert event.name == "resync"


async def test_what_was_forgotten_meanwhile_is_a_resync(
    world: World, app: FastAPI, admin: Caller
) -> None:
    await a_device(admin, "one")
    start = await count_hints(world)
    for ident in ("two", "three", "four"):
        await a_device(admin, ident)
    world.clock.advance(seconds=KEEP_HINTS.total_seconds() + 1)
    async with world.db.transaction() as session:
        await prune_hints(session, world.clock.now())
    caller = await world.sign_in(UserRole.ADMIN, name="next shift")
    async with open_stream(app, **bearer(caller), last_event_id=str(start)) as stream:
        resync = await stream.next()
        assert resync is not None
        assert resync.name == "resync"
        await a_device(caller, "five")
        assert (await named(stream, "device")).data == {"id": "five"}


async def test_a_slow_reader_whose_hints_were_forgotten_is_told(
    world: World, app: FastAPI, admin: Caller
) -> None:
    async with open_stream(app, **bearer(admin)) as stream:
        await named(stream, "ready")
        position = await count_hints(world)
        async with world.db.transaction() as session:
            session.add_all(
                StreamHint(
                    seq=position + n,
                    topic="device",
                    ref_id=f"d{n}",
                    area_id=None,
                    at=world.clock.now() - timedelta(hours=2),
                )
                for n in (5, 6)
            )
        world.services.signals.stream.set()
        resync = await stream.next()
        assert resync is not None
        assert (resync.name, resync.id) == ("resync", str(position + 6))


async def test_only_the_own_area_is_heard_of(world: World, app: FastAPI, admin: Caller) -> None:
    north = await admin.made("areas", {"name": "北", "level": "town"})
    south = await admin.made("areas", {"name": "南", "level": "town"})
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=north["id"])
    async with open_stream(app, **bearer(officer)) as stream:
        await named(stream, "ready")
        body = {"family": "native", "role": "sos_button"}
        await admin.made("devices", body | {"id": "there", "area_id": south["id"]})
        await admin.made("devices", body | {"id": "here", "area_id": north["id"]})
        await admin.made("devices", body | {"id": "nowhere"})
        heard = [(await named(stream, "device")).data["id"] for _ in range(2)]
        assert heard == ["here", "nowhere"]


async def test_a_visitor_hears_of_what_they_are_sent_to(
    world: World, app: FastAPI, admin: Caller
) -> None:
    visitor = await world.sign_in(UserRole.VISITOR, name="陈探访")
    async with open_stream(app, **bearer(visitor)) as stream:
        await named(stream, "ready")
        other, mine = await world.press("btn-1"), await world.press("btn-2")
        await admin.done(f"incidents/{mine}/dispatch", {"visitor_id": visitor.id})
        heard = {(await named(stream, "incident")).data["id"]}
        assert other not in heard
        assert heard == {mine}


async def test_a_stream_ends_when_its_token_is_revoked(
    world: World, app: FastAPI, admin: Caller
) -> None:
    officer = await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    async with open_stream(app, **bearer(officer)) as stream:
        await named(stream, "ready")
        assert (await officer.delete("token")).status_code == 204
        world.clock.advance(seconds=61)
        world.services.signals.stream.set()
        assert await stream.next() is None


async def test_a_stream_follows_its_users_new_area(
    world: World, app: FastAPI, admin: Caller
) -> None:
    north = await admin.made("areas", {"name": "北", "level": "town"})
    south = await admin.made("areas", {"name": "南", "level": "town"})
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=north["id"])
    async with open_stream(app, **bearer(officer)) as stream:
        await named(stream, "ready")
        await admin.patch(f"users/{officer.id}", {"area_id": south["id"]})
        world.clock.advance(seconds=61)
        body = {"family": "native", "role": "sos_button"}
        await admin.made("devices", body | {"id": "old", "area_id": north["id"]})
        await admin.made("devices", body | {"id": "new", "area_id": south["id"]})
        assert (await named(stream, "device")).data == {"id": "new"}


async def test_open_streams_end_when_the_process_stops(
    world: World, app: FastAPI, admin: Caller
) -> None:
    async with open_stream(app, **bearer(admin)) as stream:
        await named(stream, "ready")
        world.services.stopping = True
        world.services.signals.stopping.set()
        assert await stream.next() is None


async def test_an_error_inside_a_stream_is_said_and_logged(
    world: World, app: FastAPI, admin: Caller
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with open_stream(app, **bearer(admin)) as stream:
            await named(stream, "ready")
            async with world.db.transaction() as session:
                await session.execute(text("DROP TABLE stream_hints"))
            world.services.signals.stream.set()
            assert (await named(stream, "failed")).data["detail"].startswith("internal error")
            assert await stream.next() is None
    assert [one["event"] for one in logged if one["log_level"] == "error"] == ["unexpected error"]


async def test_a_quiet_stream_says_now_and_then_that_it_lives(
    app: FastAPI, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fastapi.sse._PING_INTERVAL == 15.0
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    async with open_stream(app, **bearer(admin)) as stream:
        await named(stream, "ready")
        assert (await named(stream, "comment")).data == "ping"


async def test_open_streams_hold_no_connections(app: FastAPI, admin: Caller) -> None:
    """More pages than the pool has connections, all at once, and still somebody can work."""
    async with AsyncExitStack() as pages:
        for _ in range(30):
            stream = await pages.enter_async_context(open_stream(app, **bearer(admin)))
            await named(stream, "ready")
        await a_device(admin, "one")


async def test_a_page_closed_in_the_middle_of_a_look_breaks_no_connection(
    world: World, app: FastAPI, admin: Caller
) -> None:
    before = asyncio.all_tasks()
    for _ in range(10):
        async with open_stream(app, **bearer(admin)) as stream:
            await named(stream, "ready")  # the first look for news begins right now
    assert asyncio.all_tasks() == before
    await a_device(admin, "one")
