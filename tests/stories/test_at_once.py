"""A message and a person at the same moment, on PostgreSQL: neither waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Result
from alerting.finding import Finding, Severity, Sign
from alerting.handling import check_ending, closing, lessons
from alerting.handling.opening import apply_finding
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from care.model import SYSTEM, Actor, UserRole
from core.errors import Conflict
from tests.support.checks import QuietHome
from tests.support.clock import ManualClock
from tests.support.database import PostgresServer
from tests.support.world import open_world

SOONER_S = 0.3


@pytest.fixture
async def home(postgres: PostgresServer, clock: ManualClock) -> AsyncIterator[QuietHome]:
    name = postgres.create()
    async with open_world(postgres.url(name), clock) as world:
        opened = await QuietHome(world).begin()
        await world.reads(opened.meter, 1.0)
        yield opened
    postgres.drop(name)


async def meet(home: QuietHome, sign: Sign, act: Callable[[AsyncSession], Awaitable[Any]]) -> None:
    """`act` begins while a message of the home's meter is being taken in and finds `sign`."""
    world, held = home.world, asyncio.Event()
    now = world.clock.now()

    async def takes_in() -> None:
        async with world.services.db.transaction() as session:
            device = (await load_devices(session, [home.meter], "Asia/Shanghai"))[home.meter]
            held.set()
            await asyncio.sleep(SOONER_S)
            whose = await whose_is(session, (device.source_id, device.child_id), device, now)
            finding = Finding(
                kind="no_water_use",
                severity=Severity.WELFARE,
                sign=sign,
                at=now,
                reason="as told",
                facts={"opens": "incident"},
            )
            await apply_finding(session, finding, whose, now)
            await lessons.learn(session)

    async def acts() -> None:
        await held.wait()
        async with world.services.db.transaction() as session:
            await act(session)

    await asyncio.gather(takes_in(), acts())


async def test_an_outcome_while_a_message_is_taken_in(home: QuietHome) -> None:
    world, now = home.world, home.world.clock.now()
    await home.finds("rose", "incident")
    incident = await home.incident(stage="open")
    await world.act("acknowledge", incident)
    actor = Actor(id=world.admin.id, name="a", role=UserRole.ADMIN)
    await meet(
        home,
        Sign.WORSE,
        lambda session: closing.record_outcome(
            session, incident["id"], actor, now, outcome="assisted", reason="x"
        ),
    )
    assert (await home.incident())["outcome"] == "assisted"


async def test_an_answer_while_a_message_is_taken_in(home: QuietHome) -> None:
    await home.finds()
    check, now = await home.check(), home.world.clock.now()
    late = False

    async def answers(session: AsyncSession) -> None:
        nonlocal late
        try:
            await check_ending.end_check(session, check.id, Result.WELL, now, actor=SYSTEM)
        except Conflict:
            late = True

    await meet(home, Sign.CLEARED, answers)
    assert late, "the water that ran was first"


async def test_a_deadline_while_a_message_is_taken_in(home: QuietHome) -> None:
    await home.finds()
    check, world = await home.check(), home.world
    world.clock.advance(minutes=11)
    now, zone = world.clock.now(), world.services.settings.zone
    await meet(home, Sign.CLEARED, lambda session: check_ending.act(session, check.id, now, zone))
    assert await home.incidents() == []
