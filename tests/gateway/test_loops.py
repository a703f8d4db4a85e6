"""Loops: one slow channel, one broken step, one silent lane must not stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from alerting.detectors.liveness import judge_silence
from alerting.detectors.view import DeviceView
from alerting.finding import Severity
from alerting.handling import sweep
from alerting.tables import DeviceStateRow, Incident, Notice
from care.tables import NATIVE_SOURCE, Binding, Device, Elder, Home, Supervision
from core.services import Services, Signal
from gateway.client import Arrival
from gateway.endpoint import Endpoint
from gateway.lanes import Lane
from gateway.loops import Dispatcher, Escalator, repeat
from gateway.routes import NativeRouter
from gateway.senders import LIFE_SAFETY_SLOTS, SLOTS, Outbox
from gateway.watcher import CANARY_LATE, CONNECTED_FOR, Watcher
from tests.alerting import rows
from tests.alerting.receiver import Receiver
from tests.support.clock import ManualClock
from tests.support.waiting import until


@pytest.fixture
def database_url(sqlite_file: Path, tmp_path: Path) -> str:
    path = tmp_path / "anju.db"
    shutil.copy(sqlite_file, path)
    return f"sqlite+aiosqlite:///{path}"


@contextlib.asynccontextmanager
async def in_background(work: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def put(services: Services, incident: Incident, url: str, count: int = 1) -> list[str]:
    """Webhook notices to `url`."""
    now = services.clock.now()
    made = [rows.notice(incident, now, channel="webhook", address=url) for _ in range(count)]
    async with services.db.transaction() as session:
        session.add_all(made)
    services.signals.outbox.set()
    return [notice.id for notice in made]


async def test_a_flood_on_a_dead_channel_holds_up_no_call_for_help(
    services: Services, clock: ManualClock
) -> None:
    async with services.db.transaction() as session:
        calm = await rows.open_incident(session, clock.now(), severity=Severity.TECHNICAL)
        urgent = await rows.open_incident(session, clock.now())
    client = httpx.AsyncClient(timeout=30)
    async with Receiver().running() as receiver:
        services.settings.webhook_hosts = f"http://127.0.0.1:{receiver.port}"
        box = Outbox(services, lambda _topic, _payload: True, client)
        dispatcher = Dispatcher(services, box)
        await put(services, calm, receiver.url("never"), SLOTS + 10)
        async with in_background(asyncio.create_task(dispatcher.run())):
            kept = SLOTS - LIFE_SAFETY_SLOTS
            await until(lambda: len(receiver.requests) >= kept)
            (ident,) = await put(services, urgent, receiver.url("200"))

            async def delivered() -> bool:
                async with services.db.reading() as session:
                    return (await session.get_one(Notice, ident)).state == "delivered"

            await until(delivered, within_s=5)
            assert [one.path for one in receiver.requests].count("never") == kept
        await client.aclose()


async def test_a_step_that_fails_is_taken_again(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[int] = []

    async def step() -> None:
        taken.append(len(taken))
        if len(taken) < 3:
            raise RuntimeError("a bug of ours")

    async with in_background(asyncio.create_task(repeat(step, 0.01))):
        await until(lambda: len(taken) > 3)


async def test_a_signal_wakes_a_loop_at_once_and_none_is_missed() -> None:
    signal, busy = Signal(), asyncio.Event()
    taken: list[int] = []

    async def step() -> None:
        taken.append(1)
        await busy.wait()

    async with in_background(asyncio.create_task(repeat(step, 3600, signal))):
        await until(lambda: len(taken) == 1)
        signal.set()  # while the step is still at work
        busy.set()
        await until(lambda: len(taken) == 2)
        signal.set()
        await until(lambda: len(taken) == 3)


def lane(services: Services, name: str = "urgent") -> Lane:
    """A lane that is not started: the test says what its session is like."""
    endpoint = Endpoint(host="127.0.0.1", port=1)
    router = NativeRouter(services.settings.zone)
    return Lane(services, name, endpoint, router, None, batch=10, wait_s=0)


async def test_silence_is_judged_only_after_a_minute_of_listening(
    services: Services, clock: ManualClock
) -> None:
    lanes = {"urgent": lane(services), "bulk": lane(services, "bulk")}
    watcher = Watcher(services, lanes)

    def may() -> bool:
        return watcher._may_judge_silence(clock.now())

    assert not may(), "not connected"
    for one in lanes.values():
        one.session._reason = None
    assert not may()
    clock.advance(seconds=CONNECTED_FOR.total_seconds() - 1)
    assert not may(), "connected, but what was sent meanwhile may still be on its way"
    clock.advance(seconds=1)
    assert may()
    waiting = lanes["bulk"].session._arrived
    waiting.add([Arrival("t", b"", 1, 1, False)], clock.now(), None)
    assert not may(), "not caught up"
    await waiting.take(1, 0)
    assert not may(), "the minute begins anew"
    clock.advance(seconds=60)
    assert may()
    lanes["urgent"].session._reason = "connection lost"
    assert not may()
    await watcher.close()
    nobody = Watcher(services, {})
    clock.advance(hours=1)
    assert not nobody._may_judge_silence(clock.now()), "who does not listen cannot say"
    await nobody.close()


async def test_a_canary_that_stays_away_is_said_and_stops_the_dead_mans_ping(
    services: Services, clock: ManualClock
) -> None:
    lanes = {"urgent": lane(services), "foreign": lane(services, "foreign")}
    async with Receiver().running() as receiver:
        services.settings.deadman_url = receiver.url("200")
        watcher, banners = Watcher(services, lanes), services.health.banners
        await watcher.audit()
        assert "canary_late" not in banners, "none can be late yet"
        assert not receiver.requests, "but none has arrived either"
        clock.advance(seconds=CANARY_LATE.total_seconds() + 1)
        await watcher.audit()
        assert banners["canary_late"] == "urgent, foreign"
        for one in lanes.values():
            one.canary_at = clock.now()
        await watcher.audit()
        assert "canary_late" not in banners and len(receiver.requests) == 1
        clock.advance(seconds=CANARY_LATE.total_seconds())
        lanes["urgent"].canary_at = clock.now()
        clock.advance(seconds=1)
        await watcher.audit()
        assert banners["canary_late"] == "foreign" and len(receiver.requests) == 1
        await watcher.close()


async def test_a_deadline_that_nobody_acts_on_is_said_and_stops_the_dead_mans_ping(
    services: Services, clock: ManualClock
) -> None:
    async with services.db.transaction() as session:
        incident = await rows.open_incident(session, clock.now())
    async with Receiver().running() as receiver:
        services.settings.deadman_url = receiver.url("200")
        watcher = Watcher(services, {})
        await watcher.audit()
        assert len(receiver.requests) == 1
        assert incident.due_at is not None
        clock.advance(seconds=(incident.due_at - clock.now()).total_seconds() + 61)
        await watcher.audit()
        assert services.health.banners["deadlines_overdue"] == incident.id
        assert len(receiver.requests) == 1
        await Escalator(services).step()
        await watcher.audit()
        assert "deadlines_overdue" not in services.health.banners
        assert len(receiver.requests) == 2
        await watcher.close()


async def test_an_incident_that_cannot_be_escalated_keeps_no_other_from_it(
    services: Services, clock: ManualClock
) -> None:
    async with services.db.transaction() as session:
        broken = await rows.open_incident(session, clock.now())
        sound = await rows.open_incident(session, clock.now(), severity=Severity.TECHNICAL)
        broken.policy_id = "a ladder that is gone"
    assert sound.due_at is not None
    clock.advance(seconds=(sound.due_at - clock.now()).total_seconds())
    assert await Escalator(services).step() > 0
    async with services.db.reading() as session:
        left, moved = [
            await session.get_one(Incident, one.id, populate_existing=True)
            for one in (broken, sound)
        ]
        assert list(await sweep.overdue(session, clock.now())) == [broken.id]
    assert left.due_at == broken.due_at
    assert moved.due_at is not None and moved.due_at > clock.now()


async def test_a_device_that_cannot_be_judged_keeps_no_other_from_it(
    services: Services, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    names = ("m-1", "m-2", "m-3")
    async with services.db.transaction() as session:
        for name in names:
            session.add(
                Device(
                    id=name,
                    source_id=NATIVE_SOURCE,
                    child_id=name,
                    family="native",
                    role="sos_button",
                    active=True,
                    enrolled_at=now,
                )
            )
    lanes = {"urgent": lane(services)}
    watcher = Watcher(services, lanes)
    lanes["urgent"].session._reason = None
    clock.advance(hours=25)
    await watcher.watch_devices()  # from now on it may say who is silent
    clock.advance(minutes=2)

    def fails_for_one(
        last_heard: datetime | None, device: DeviceView, at: datetime, learned_s: int | None
    ) -> Any:
        if device.id == "m-2":
            raise RuntimeError("a detector's bug")
        return judge_silence(last_heard, device, at, learned_s)

    monkeypatch.setattr("alerting.intake.watching.judge_silence", fails_for_one)
    await watcher.watch_devices()
    async with services.db.reading() as session:
        found = await session.scalars(select(Incident.device_id).order_by(Incident.device_id))
        assert list(found) == ["m-1", "m-3"]
    monkeypatch.undo()
    clock.advance(hours=1)
    await watcher.watch_devices()
    async with services.db.reading() as session:
        found = await session.scalars(select(Incident.device_id).order_by(Incident.device_id))
        assert list(found) == list(names)
    await watcher.close()


async def test_elders_are_judged_only_while_we_listened(
    services: Services, clock: ManualClock
) -> None:
    now = clock.now()
    async with services.db.transaction() as session:
        session.add(Home(id="h", created_at=now))
        await session.flush()
        session.add(Elder(id="e", name="李演示", home_id="h", created_at=now))
        session.add(
            Device(
                id="w",
                source_id=NATIVE_SOURCE,
                child_id="w",
                family="native",
                role="watch",
                enrolled_at=now,
            )
        )
        await session.flush()
        session.add(Binding(id="b", device_id="w", home_id="h", elder_id="e", valid_from=now))
        session.add(
            DeviceStateRow(device_id="w", last_heard_at=now, silent_after=now + timedelta(hours=18))
        )
    clock.advance(hours=19)
    deaf, lanes = Watcher(services, {}), {"urgent": lane(services)}
    lanes["urgent"].session._reason = None
    listening = Watcher(services, lanes)
    await listening.watch_devices()  # from now on it may say who is silent
    clock.advance(minutes=2)
    for watcher, seen in ((deaf, []), (listening, ["e"])):
        await watcher.watch_devices()
        async with services.db.reading() as session:
            assert list(await session.scalars(select(Supervision.elder_id))) == seen
        await watcher.close()


@pytest.mark.parametrize("step_s", [-86400, -61, 61, 86400])
async def test_a_clock_that_was_set_clamps_deadlines_and_is_shown(
    services: Services, clock: ManualClock, step_s: int
) -> None:
    async with services.db.transaction() as session:
        incident = await rows.open_incident(session, clock.now())
    escalator = Escalator(services)
    clock.advance(seconds=1)
    clock.step_wall(seconds=step_s)
    await escalator.step()
    assert services.health.banners["clock_stepped"] == f"{step_s:+} s"
    async with services.db.reading() as session:
        known = await session.get_one(Incident, incident.id)
    assert known.due_at is not None and known.due_delay_s > 0
    assert clock.now() < known.due_at <= clock.now() + timedelta(seconds=known.due_delay_s)


async def test_a_small_correction_of_the_clock_is_no_fault(
    services: Services, clock: ManualClock
) -> None:
    escalator = Escalator(services)
    clock.step_wall(seconds=30)
    await escalator.step()
    assert "clock_stepped" not in services.health.banners
