"""Two transactions open at the same time on PostgreSQL: claims and hints keep apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime

import pytest

from alerting.outbox import claiming
from alerting.stream import hint_bounds, hints, prune_hints, write_hints
from alerting.tables import StreamHint
from care.model import Actor, UserRole
from care.queries import Sight
from core.db import Database
from tests.alerting import rows
from tests.support.clock import ManualClock
from tests.support.database import PostgresServer

EVERYTHING = Sight(actor=Actor(id="adm", name="A", role=UserRole.ADMIN))


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """Only where two writers can be at work at once; SQLite has one."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def ready(db: Database, clock: ManualClock) -> Database:
    await rows.begin(db, clock.now())
    return db


async def test_a_claim_steps_over_what_another_open_transaction_holds(
    ready: Database, clock: ManualClock
) -> None:
    async with ready.transaction() as session:
        incident = await rows.open_incident(session, clock.now())
        made = [rows.notice(incident, clock.now()) for _ in range(4)]
        session.add_all(made)
    ids = [notice.id for notice in made]
    async with ready.transaction() as first, ready.transaction() as second:
        mine = await claiming.claim(first, "w1", clock.now(), slots=2, life_safety_slots=0)
        theirs = await asyncio.wait_for(
            claiming.claim(second, "w2", clock.now(), slots=4, life_safety_slots=0), 5
        )
        assert [row.id for row in mine] == ids[:2]
        assert [row.id for row in theirs] == ids[2:], "without waiting for the other"
    held = {row.id: row.leased_by for row in await rows.notices(ready)}
    assert [held[ident] for ident in ids] == ["w1", "w1", "w2", "w2"]


def hint(name: str, at: datetime) -> StreamHint:
    return StreamHint(topic="incident", ref_id=name, area_id=None, at=at)


async def names(db: Database, after: int = 0) -> list[str]:
    async with db.reading() as session:
        found = await hints(session, EVERYTHING, after, limit=200)
    return [one.ref_id for one in found.seen]


async def test_a_later_commit_never_gets_a_lower_number(
    ready: Database, clock: ManualClock
) -> None:
    """The slow one has its number first; the quick one must wait for it, not overtake it."""
    async with ready.transaction() as slow:
        await write_hints(slow, [hint("slow", clock.now())])

        async def quick() -> None:
            async with ready.transaction() as session:
                await write_hints(session, [hint("quick", clock.now())])

        other = asyncio.create_task(quick())
        done, _ = await asyncio.wait([other], timeout=0.3)
        assert not done, "it waits where it would overtake"
        assert await names(ready) == [], "and no reader sees a number to resume from"
    await asyncio.wait_for(other, 5)
    assert await names(ready) == ["slow", "quick"]


async def test_a_reader_that_resumes_never_misses_a_hint(
    ready: Database, clock: ManualClock
) -> None:
    writers, each = 5, 12

    async def write(name: str) -> None:
        for number in range(each):
            async with ready.transaction() as session:
                await write_hints(session, [hint(f"{name}-{number}", clock.now())])

    seen: list[str] = []
    work = asyncio.gather(*(write(f"w{number}") for number in range(writers)))
    after = 0
    while len(seen) < writers * each:
        finished = work.done()
        async with ready.reading() as reader:
            found = await hints(reader, EVERYTHING, after, limit=7)
        assert not found.lost
        seen += [one.ref_id for one in found.seen]
        after = found.upto
        if finished and not found.seen:
            break
        await asyncio.sleep(0)
    await work
    wanted = {f"w{writer}-{number}" for writer in range(writers) for number in range(each)}
    assert len(seen) == len(set(seen)) and set(seen) == wanted


async def test_numbering_goes_on_after_old_hints_are_forgotten(
    ready: Database, clock: ManualClock
) -> None:
    async with ready.transaction() as session:
        await write_hints(session, [hint("a", clock.now()), hint("b", clock.now())])
    async with ready.reading() as session:
        _, newest = await hint_bounds(session)
    clock.advance(hours=2)
    async with ready.transaction() as session:
        await prune_hints(session, clock.now())
    async with ready.reading() as session:
        assert await hint_bounds(session) == (newest, newest), "the newest one stays"
