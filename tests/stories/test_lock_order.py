"""Two who want the same rows of a home, on PostgreSQL: they stand in one line.

Each story holds the first at a point where it has some of its rows, lets the second run until the
database says that it waits, and then lets the first go on. In the wrong order of locks PostgreSQL
ends one of the two, and the story fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Result
from alerting.finding import Finding, Severity, Sign
from alerting.handling import absences, answers, check_answers, check_ending, closing
from alerting.handling.moving import load
from alerting.handling.opening import apply_finding
from alerting.intake import returned
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from alerting.tables import Notice
from care.model import SYSTEM, Actor, UserRole
from care.status import came_home
from care.tables import Elder
from core.errors import NotFound
from tests.support.checks import QuietHome
from tests.support.clock import ManualClock
from tests.support.database import PostgresServer
from tests.support.waiting import until
from tests.support.world import World, open_world

Act = Callable[[], Awaitable[Any]]


@pytest.fixture
async def home(postgres: PostgresServer, clock: ManualClock) -> AsyncIterator[QuietHome]:
    name = postgres.create()
    async with open_world(postgres.url(name), clock) as world:
        opened = await QuietHome(world).begin()
        await world.reads(opened.meter, 1.0)
        yield opened
    postgres.drop(name)


async def somebody_waits(world: World) -> None:
    """Until a transaction of this database waits for another's lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    async def look() -> int:
        async with world.services.db.reading() as session:
            return int(await session.scalar(query) or 0)

    await until(look, what="nobody waits")


class Meeting:
    """The first says when it has its rows; the second begins then."""

    def __init__(self, world: World) -> None:
        self._world, self._held = world, asyncio.Event()

    async def point(self) -> None:
        """Where the first stands while the second comes."""
        self._held.set()
        await somebody_waits(self._world)

    async def of(self, first: Act, second: Act) -> None:
        async def comes() -> None:
            await self._held.wait()
            await second()

        await asyncio.gather(first(), comes())


# ── an absence ends: by its date, by a person, by use ─────────────────────────────────────────


async def by_its_date(home: QuietHome) -> None:
    async with home.world.services.db.transaction() as session:
        await absences.end_absence(session, home.elder["id"], home.world.clock.now())


async def by_a_person(home: QuietHome) -> None:
    path, change = f"elders/{home.elder['id']}", {"status": "home"}
    await home.world.admin.expect(200, "PATCH", path, json=change)


async def the_meter_is_changed(home: QuietHome) -> None:
    path, change = f"devices/{home.meter}", {"expected_every_s": 3600, "room": "厨房"}
    await home.world.admin.expect(200, "PATCH", path, json=change)


@pytest.mark.parametrize("second", [by_its_date, by_a_person, the_meter_is_changed])
async def test_somebody_uses_water_again_at_that_very_moment(
    home: QuietHome, monkeypatch: pytest.MonkeyPatch, second: Callable[[QuietHome], Awaitable[None]]
) -> None:
    world = home.world
    back_at = (world.clock.now() + timedelta(hours=4)).isoformat()
    change = {"status": "away", "status_review_at": back_at}
    await world.admin.expect(200, "PATCH", f"elders/{home.elder['id']}", json=change)
    for hour, value in enumerate((1.0, 1.05)):
        world.clock.advance(hours=1 + hour)
        await world.reads(home.meter, value)
    world.clock.advance(hours=2)
    meeting = Meeting(world)

    async def held(*args: Any) -> Any:
        await meeting.point()
        return await came_home(*args)

    monkeypatch.setattr(returned, "came_home", held)
    await meeting.of(lambda: world.reads(home.meter, 1.2), lambda: second(home))
    row = await world.row(Elder, home.elder["id"])
    assert row.status == "home"
    listed = await world.admin.get(f"elders/{home.elder['id']}/statuses")
    assert listed["items"][0]["reason"] == "used_again"


# ── what ends a case, and what is said about it ───────────────────────────────────────────────


async def waiting_notice(world: World, **wanted: Any) -> str:
    """A notice that is to be sent once more, as after an attempt that nobody knows the end of."""
    async with world.services.db.transaction() as session:
        made = update(Notice).filter_by(**wanted).values(state="waiting", answered_at=None)
        ids = (await session.scalars(made.returning(Notice.id))).all()
    return ids[0]


async def test_the_elder_presses_a_key_while_water_runs_again(home: QuietHome) -> None:
    await home.finds()
    world, check = home.world, await home.check()
    notice_id, now = await waiting_notice(world, check_id=check.id), world.clock.now()
    meeting, zone = Meeting(world), world.services.settings.zone

    async def runs_again() -> None:
        async with world.services.db.transaction() as session:
            device = (await load_devices(session, [home.meter]))[home.meter]
            await meeting.point()
            whose = await whose_is(session, (device.source_id, device.child_id), device, now)
            finding = Finding(
                kind="no_water_use",
                severity=Severity.WELFARE,
                sign=Sign.CLEARED,
                at=now,
                reason="used",
            )
            await apply_finding(session, finding, whose, now)

    async def presses() -> None:
        async with world.services.db.transaction() as session:
            await answers.receipt(session, notice_id, state="key", now=now, zone=zone, key="2")

    await meeting.of(runs_again, presses)
    ended = await home.check()
    assert ended.result == Result.USED_AGAIN
    assert len(await home.incidents()) == 1, "help is heard all the same"


async def test_a_contact_answers_while_the_case_is_cancelled(home: QuietHome) -> None:
    world, now = home.world, home.world.clock.now()
    await home.finds("rose", "incident")
    incident = await home.incident(stage="open")
    notice_id = await waiting_notice(world, incident_id=incident["id"], recipient_kind="contact")
    meeting = Meeting(world)

    async def cancels() -> None:
        async with world.services.db.transaction() as session:
            await load(session, incident["id"])
            await meeting.point()
            await closing.cancel(session, incident["id"], SYSTEM, now, reason="x")

    async def answers_the_link() -> None:
        with pytest.raises(NotFound):
            async with world.services.db.transaction() as session:
                await answers.answer(session, notice_id, "will_go", now)

    await meeting.of(cancels, answers_the_link)
    assert (await world.row(Notice, notice_id)).state == "superseded"


async def test_a_late_answer_and_the_ladder_both_leave_their_mark(home: QuietHome) -> None:
    """The check is over and its incident runs; the elder answers while it is escalated."""
    await home.finds()
    world, check = home.world, await home.check()
    world.clock.advance(minutes=11)
    zone = world.services.settings.zone
    now = world.clock.now()
    await world.services.db.settle(lambda session: check_ending.act(session, check.id, now, zone))
    incident = await home.incident(stage="open")
    meeting = Meeting(world)

    async def escalates() -> None:
        async with world.services.db.transaction() as session:
            row = await load(session, incident["id"])
            await meeting.point()
            row.version += 1
            row.facts = row.facts | {"step": "taken"}

    async def says_well() -> None:
        async with world.services.db.transaction() as session:
            ident = (await home.questions())[0].id
            await check_answers.answer_question(session, ident, "well", now, zone)

    await meeting.of(escalates, says_well)
    row = await world.stored(incident)
    assert row.facts["step"] == "taken"
    assert row.facts["check"]["answered"] == "well"
    assert row.version == incident["version"] + 2


async def test_a_visit_is_recorded_while_the_elder_is_taken_to_hospital(home: QuietHome) -> None:
    world, now = home.world, home.world.clock.now()
    await home.finds("rose", "incident")
    incident = await home.incident(stage="open")
    await world.act("acknowledge", incident)
    meeting = Meeting(world)
    actor = Actor(id=world.admin.id, name="值班", role=UserRole.ADMIN)

    async def to_hospital() -> None:
        async with world.services.db.transaction() as session:
            await load(session, incident["id"])
            await meeting.point()
            await closing.record_outcome(session, incident["id"], actor, now, outcome="hospital")

    async def writes_it_down() -> None:
        body = {"elder_id": home.elder["id"], "incident_id": incident["id"]}
        await world.admin.post("visits", {**body, "mode": "on_site", "record": {}})

    await meeting.of(to_hospital, writes_it_down)
    assert (await world.row(Elder, home.elder["id"])).status == "hospital"


async def test_what_the_database_broke_off_is_begun_anew(home: QuietHome) -> None:
    """Two that lock in opposite order: one of them is ended, and does its work again."""
    db, tries = home.world.services.db, 0
    both = asyncio.Barrier(2)
    await home.world.elder("乙")

    async def lock(first: int, second: int) -> None:
        async def locks(session: AsyncSession) -> None:
            nonlocal tries
            tries += 1
            ids = (await session.scalars(select(Elder.id).order_by(Elder.id))).all()
            for place in (first, second):
                await session.execute(
                    select(Elder.id).where(Elder.id == ids[place]).with_for_update()
                )
                if place == first and tries <= 2:
                    await both.wait()

        await db.settle(locks)

    await asyncio.gather(lock(0, 1), lock(1, 0))
    assert tries == 3
