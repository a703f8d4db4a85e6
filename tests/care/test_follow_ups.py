"""Follow-ups, hazards and visits: done once, by somebody, at a time that can be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from care import follow_ups, people, visits
from care.model import Actor, AreaLevel, UserRole, VisitMode
from care.queries import Sight
from care.tables import Elder, FollowUp, Hazard, Visit
from care.visit_record import VisitRecord
from core.db import Database
from core.errors import Conflict, InvalidInput, NotFound
from tests.care.town import ADMIN, a_user, an_area, an_elder
from tests.support.clock import START, ManualClock


@dataclass
class Village:
    """An elder, the officer of the village, and the officer of another."""

    db: Database
    clock: ManualClock
    elder: Elder
    officer: Actor
    stranger: Actor

    async def follow_up(self, **more: Any) -> FollowUp:
        values: dict[str, Any] = {
            "elder": self.elder,
            "text": "电话回访",
            "due_at": START + timedelta(days=2),
        }
        async with self.db.transaction() as session:
            return await follow_ups.add_follow_up(
                session, self.officer, self.clock.now(), **values | more
            )

    async def complete(self, ident: str, by: Actor, **said: str) -> FollowUp:
        async with self.db.transaction() as session:
            return await follow_ups.complete_follow_up(
                session, by, self.clock.now(), ident, sight=Sight(actor=by), **said
            )

    async def hazard(self, **more: Any) -> Hazard:
        values: dict[str, Any] = {"home_id": self.elder.home_id, "text": "燃气软管老化"}
        async with self.db.transaction() as session:
            return await follow_ups.add_hazard(session, self.clock.now(), **values | more)

    async def remedy(self, ident: str, by: Actor) -> Hazard:
        async with self.db.transaction() as session:
            return await follow_ups.remedy_hazard(
                session, by, self.clock.now(), ident, sight=Sight(actor=by), remedy="已更换"
            )

    async def visit(self, **more: Any) -> Visit:
        values: dict[str, Any] = {
            "elder": self.elder,
            "mode": VisitMode.PHONE,
            "record": VisitRecord(),
        }
        async with self.db.transaction() as session:
            return await visits.record_visit(
                session,
                self.officer,
                self.clock.now(),
                visitor_id=self.officer.id,
                **values | more,
            )


@pytest.fixture
async def village(db: Database, clock: ManualClock) -> Village:
    now = clock.now()
    async with db.transaction() as session:
        here = await an_area(session, now, AreaLevel.VILLAGE)
        there = await an_area(session, now, AreaLevel.VILLAGE)
        elder = await an_elder(session, now)
        await people.update_home(session, ADMIN, now, elder.home_id, {"area_id": here.id})
        return Village(
            db,
            clock,
            elder,
            await a_user(session, now, UserRole.DUTY_OFFICER, "王值班", here),
            await a_user(session, now, UserRole.DUTY_OFFICER, "外村", there),
        )


async def test_a_follow_up_is_completed_once(village: Village) -> None:
    follow_up = await village.follow_up()
    with pytest.raises(InvalidInput):
        await village.complete(follow_up.id, village.officer)
    with pytest.raises(NotFound):
        await village.complete(follow_up.id, village.stranger, result="好")
    village.clock.advance(hours=1)
    done = await village.complete(follow_up.id, village.officer, result="好")
    assert (done.completed_at, done.completed_by) == (village.clock.now(), village.officer.id)
    with pytest.raises(Conflict) as refusal:
        await village.complete(follow_up.id, village.officer, handed_over_to="村卫生站")
    assert refusal.value.winner == "王值班"
    assert refusal.value.at == (START + timedelta(hours=1)).isoformat()
    assert refusal.value.stage is None
    async with village.db.reading() as session:
        row = await session.get_one(FollowUp, follow_up.id)
    assert (row.result, row.handed_over_to) == ("好", None), "the first word stands"


DUE = [(-366, True), (-367, False), (366, True), (367, False)]


async def test_a_follow_up_is_due_within_a_year_either_way(village: Village) -> None:
    for days, fits in DUE:
        due_at = START + timedelta(days=days)
        if fits:
            assert (await village.follow_up(due_at=due_at)).due_at == due_at
            continue
        with pytest.raises(InvalidInput) as refusal:
            await village.follow_up(due_at=due_at)
        assert refusal.value.field == "due_at", days


async def test_a_hazard_is_remedied_once(village: Village) -> None:
    hazard = await village.hazard(elder_id=village.elder.id)
    with pytest.raises(NotFound):
        await village.remedy(hazard.id, village.stranger)
    village.clock.advance(hours=1)
    assert (await village.remedy(hazard.id, village.officer)).remedied_at == village.clock.now()
    with pytest.raises(Conflict) as refusal:
        await village.remedy(hazard.id, village.officer)
    assert refusal.value.winner == "王值班"


NO_HAZARD: list[tuple[dict[str, Any], str]] = [
    ({"found_at": START + timedelta(seconds=1)}, "found_at"),
    ({"elder_id": "elder-nobody"}, "elder_id"),
    ({"home_id": "home-nobody", "elder_id": "elder"}, "elder_id"),
]


async def test_a_hazard_that_cannot_be_is_refused(village: Village) -> None:
    for more, field in NO_HAZARD:
        here = {"elder_id": village.elder.id} if more.get("elder_id") == "elder" else {}
        with pytest.raises(InvalidInput) as refusal:
            await village.hazard(**more | here)
        assert refusal.value.field == field, more


VISITED_AGO = [
    (timedelta(0), True),
    (timedelta(seconds=-1), False),
    (visits.LONGEST_AGO, True),
    (visits.LONGEST_AGO + timedelta(seconds=1), False),
]


async def test_a_visit_may_be_written_down_late_but_not_in_advance(village: Village) -> None:
    for ago, fits in VISITED_AGO:
        at = START - ago
        if fits:
            assert (await village.visit(visited_at=at)).visited_at == at
            continue
        with pytest.raises(InvalidInput) as refusal:
            await village.visit(visited_at=at)
        assert refusal.value.field == "visited_at", ago


async def test_visits_recorded_at_once_get_two_numbers(village: Village) -> None:
    """The elder's row is locked while counting, so neither is lost to the other."""
    both = await asyncio.gather(*(village.visit() for _ in range(6)))
    assert sorted(visit.number for visit in both) == [1, 2, 3, 4, 5, 6]


async def test_a_visit_is_read_by_those_who_may_see_the_elder_or_made_it(
    village: Village,
) -> None:
    visit = await village.visit()
    async with village.db.reading() as session:
        found = await visits.find_visit(session, Sight(actor=village.officer), visit.id)
        assert found.id == visit.id
        with pytest.raises(NotFound):
            await visits.find_visit(session, Sight(actor=village.stranger), visit.id)
