"""An elder's status: dates that are always there, ends that come by themselves, who said so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from care import people
from care.equipment import Place, add_device, bind
from care.handing_down import refresh_homes, resting_since
from care.model import SYSTEM, AreaLevel, ElderStatus, UserRole
from care.queries import Sight
from care.status import (
    ENDING,
    MAX_REVIEW,
    REASONS,
    REVIEW_AFTER,
    SURPRISED_AGAIN_AFTER,
    came_home,
    history,
    returned,
    returned_lately,
    reviews_overdue,
    set_status,
    statuses_to_review,
    used_while_gone,
)
from care.tables import Device, Elder, ElderStatusEntry, Home
from core.db import Database
from core.errors import InvalidInput
from tests.care.town import ADMIN, a_user, an_area, an_elder, native
from tests.support.clock import START, ManualClock

GONE = [one for one in ElderStatus if one is not ElderStatus.HOME]
DAY = timedelta(days=1)


@pytest.fixture
async def elder(db: Database, clock: ManualClock) -> Elder:
    async with db.transaction() as session:
        return await an_elder(session, clock.now())


async def becomes(
    db: Database, elder_id: str, status: ElderStatus, now: datetime, **more: Any
) -> Elder:
    async with db.transaction() as session:
        row = await session.get_one(Elder, elder_id)
        options: dict[str, Any] = {"actor": ADMIN, "reason": "staff"} | more
        await set_status(session, row, status, now, **options)
        return row


async def meter(db: Database, now: datetime, ident: str, elder: Elder, role: str) -> None:
    """A device for the elder: worn or of one person where the role says so, else the home's."""
    async with db.transaction() as session:
        place = Place(home=await session.get_one(Home, elder.home_id), elder=elder)
        if role == "water_meter":
            place = Place(home=place.home)
        await add_device(
            session,
            ADMIN,
            now,
            device_id=ident,
            source=await native(session, now),
            child_id=ident,
            role=role,
            place=place,
        )


async def rests(db: Database, ident: str) -> bool:
    async with db.reading() as session:
        return (await session.get_one(Device, ident)).resting_since is not None


@pytest.mark.parametrize("status", GONE)
async def test_whoever_is_not_at_home_has_a_date(
    db: Database, elder: Elder, status: ElderStatus
) -> None:
    row = await becomes(db, elder.id, status, START)
    assert (row.status, row.status_since) == (status, START)
    assert row.status_review_at == START + REVIEW_AFTER[status]
    async with db.reading() as session:
        (entry,) = await history(session, elder.id)
    assert (entry.status, entry.until, entry.at) == (status, row.status_review_at, START)
    assert (entry.actor, entry.reason) == ("安居", "staff")


def test_what_is_set_without_a_date_is_never_long() -> None:
    assert REVIEW_AFTER[ElderStatus.AWAY] <= timedelta(days=3)
    assert set(REVIEW_AFTER) == set(GONE)
    assert set(GONE) > ENDING, "those who moved or died do not come back by themselves"


@pytest.mark.parametrize("status", GONE)
@pytest.mark.parametrize("until", [START, START - DAY, START + MAX_REVIEW + timedelta(seconds=1)])
async def test_a_date_that_is_past_or_beyond_a_year_is_refused(
    db: Database, elder: Elder, status: ElderStatus, until: datetime
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await becomes(db, elder.id, status, START, until=until)
    assert refusal.value.field == "status_review_at"
    async with db.reading() as session:
        assert (await session.get_one(Elder, elder.id)).status == ElderStatus.HOME
        assert await history(session, elder.id) == ()


async def test_at_home_has_no_date_and_saying_so_twice_is_not_news(
    db: Database, elder: Elder
) -> None:
    with pytest.raises(InvalidInput):
        await becomes(db, elder.id, ElderStatus.HOME, START, until=START + DAY)
    await becomes(db, elder.id, ElderStatus.HOME, START)
    async with db.reading() as session:
        assert await history(session, elder.id) == ()
    await becomes(db, elder.id, ElderStatus.AWAY, START)
    row = await becomes(db, elder.id, ElderStatus.HOME, START + DAY)
    assert (row.status_review_at, row.status_since) == (None, START + DAY)


async def test_a_reason_nobody_has_words_for_is_a_mistake_of_ours(
    db: Database, elder: Elder
) -> None:
    with pytest.raises(ValueError, match="no reason"):
        await becomes(db, elder.id, ElderStatus.AWAY, START, reason="no_answer")
    assert "no_answer" not in REASONS, "no answer is never away"


async def test_confirming_an_absence_moves_its_date_and_keeps_since_when(
    db: Database, elder: Elder
) -> None:
    await becomes(db, elder.id, ElderStatus.MOVED, START)
    row = await becomes(db, elder.id, ElderStatus.MOVED, START + 20 * DAY, reason="review")
    assert row.status_since == START
    assert row.status_review_at == START + 20 * DAY + REVIEW_AFTER[ElderStatus.MOVED]
    async with db.reading() as session:
        assert [one.reason for one in await history(session, elder.id)] == ["review", "staff"]


# ── what rests ────────────────────────────────────────────────────────────────────────────────

HOME, AWAY, DEAD = ElderStatus.HOME, ElderStatus.AWAY, ElderStatus.DECEASED


@pytest.mark.parametrize(
    ("statuses", "resting"),
    [
        ((), False),
        ((HOME,), False),
        ((AWAY,), True),
        ((AWAY, HOME), False),
        ((DEAD, HOME), False),
        ((AWAY, ElderStatus.HOSPITAL), True),
        ((DEAD, AWAY), True),
    ],
)
def test_a_home_rests_when_nobody_is_there(
    statuses: tuple[ElderStatus, ...], resting: bool
) -> None:
    living = [
        Elder(status=status.value, status_since=START + number * DAY)
        for number, status in enumerate(statuses)
    ]
    since = resting_since(living, START)
    assert (since is not None) is resting
    if resting:
        assert since == START + (len(statuses) - 1) * DAY, "since the last of them left"


async def test_the_meter_waits_for_both_the_watch_for_its_wearer(
    db: Database, elder: Elder
) -> None:
    async with db.transaction() as session:
        husband = await an_elder(session, START, "张福生", elder.home_id)
    await meter(db, START, "water", elder, "water_meter")
    await meter(db, START, "watch", elder, "watch")
    await meter(db, START, "bed", elder, "bed_sensor")
    await becomes(db, elder.id, ElderStatus.HOSPITAL, START)
    assert [await rests(db, one) for one in ("water", "watch", "bed")] == [False, True, True]
    await becomes(db, husband.id, ElderStatus.AWAY, START)
    assert await rests(db, "water")
    await becomes(db, husband.id, ElderStatus.HOME, START + DAY)
    assert [await rests(db, one) for one in ("water", "watch", "bed")] == [False, True, True]


async def test_a_device_rests_or_not_from_the_moment_it_is_bound(
    db: Database, elder: Elder
) -> None:
    await becomes(db, elder.id, ElderStatus.AWAY, START)
    await meter(db, START, "water", elder, "water_meter")
    assert await rests(db, "water")
    async with db.transaction() as session:
        await bind(session, await session.get_one(Device, "water"), Place(), START + DAY)
    assert not await rests(db, "water"), "it hangs nowhere"


async def test_whoever_moves_in_is_watched_and_whoever_moves_out_is_not_waited_for(
    db: Database, elder: Elder
) -> None:
    await meter(db, START, "water", elder, "water_meter")
    await becomes(db, elder.id, ElderStatus.AWAY, START)
    async with db.transaction() as session:
        lodger = await an_elder(session, START, "张福生", elder.home_id)
    assert not await rests(db, "water")
    async with db.transaction() as session:
        elsewhere = await people.create_home(session, ADMIN, START)
        await people.update_elder(session, ADMIN, START, lodger.id, {"home_id": elsewhere.id})
    assert await rests(db, "water")


async def test_what_was_forgotten_is_mended(db: Database, elder: Elder) -> None:
    await meter(db, START, "water", elder, "water_meter")
    async with db.transaction() as session:
        row = await session.get_one(Elder, elder.id)
        row.status, row.status_since = ElderStatus.AWAY.value, START
    assert not await rests(db, "water")
    async with db.transaction() as session:
        assert await refresh_homes(session, [elder.home_id], START) == 1
        assert await refresh_homes(session, [elder.home_id], START) == 0
    assert await rests(db, "water")


# ── how it ends ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", GONE)
async def test_use_ends_an_absence_but_brings_nobody_back_who_is_gone(
    db: Database, elder: Elder, status: ElderStatus
) -> None:
    await becomes(db, elder.id, status, START)
    later = START + timedelta(hours=5)
    async with db.transaction() as session:
        back = await came_home(session, elder.home_id, later)
        surprising = await used_while_gone(session, elder.home_id, later)
    async with db.reading() as session:
        row = await session.get_one(Elder, elder.id)
        entry = (await history(session, elder.id))[0]
    ended = status in ENDING
    assert [bool(back), bool(surprising)] == [ended, not ended]
    assert row.status == (ElderStatus.HOME if ended else status)
    assert row.status_review_at == (None if ended else later), "people are to look at once"
    assert (entry.reason, entry.actor_id) == ("used_again", None)


async def test_people_are_asked_once_in_a_while_about_an_empty_home_that_is_used(
    db: Database, elder: Elder
) -> None:
    await becomes(db, elder.id, ElderStatus.MOVED, START)
    asked = []
    for hours in (1, 2, 30):
        now = START + timedelta(hours=hours)
        async with db.transaction() as session:
            asked.append(len(await used_while_gone(session, elder.home_id, now)))
        if hours == 2:
            await becomes(db, elder.id, ElderStatus.MOVED, now, text="租给别人了")
    assert asked == [1, 0, 0]
    much_later = START + SURPRISED_AGAIN_AFTER + timedelta(hours=2)
    async with db.transaction() as session:
        assert len(await used_while_gone(session, elder.home_id, much_later)) == 1


# ── who looks at it ───────────────────────────────────────────────────────────────────────────


async def test_the_review_list_has_what_is_overdue_first_and_what_ends_soon(
    db: Database, clock: ManualClock
) -> None:
    async with db.transaction() as session:
        village = await an_area(session, START, AreaLevel.VILLAGE)
        other = await an_area(session, START, AreaLevel.VILLAGE)
        officer = await a_user(session, START, UserRole.DUTY_OFFICER, "王值班", village)
        named = {}
        for name, area in (("甲", village), ("乙", village), ("丙", village), ("丁", other)):
            named[name] = await people.create_elder(
                session, ADMIN, START, name=name, area_id=area.id
            )
    await becomes(db, named["甲"].id, ElderStatus.MOVED, START, until=START + 2 * DAY)
    await becomes(db, named["乙"].id, ElderStatus.AWAY, START, until=START + 5 * DAY)
    await becomes(db, named["丙"].id, ElderStatus.DECEASED, START, until=START + DAY)
    await becomes(db, named["丁"].id, ElderStatus.MOVED, START, until=START + DAY)
    seen: list[list[tuple[str, bool]]] = []
    counted = []
    for days in (0, 1.5, 3):
        async with db.reading() as session:
            found = await statuses_to_review(session, Sight(actor=officer), START + days * DAY)
            counted.append(await reviews_overdue(session, officer.scope, START + days * DAY))
        seen.append([(one.elder.name, one.overdue) for one in found])
        assert all(one.entry is not None and one.entry.actor == "安居" for one in found)
    assert seen == [
        [("丙", False), ("甲", False)],
        [("丙", True), ("甲", False)],
        [("丙", True), ("甲", True), ("乙", False)],
    ]
    assert counted == [0, 1, 2]


async def test_a_status_of_before_there_was_a_date_is_overdue(db: Database, elder: Elder) -> None:
    async with db.transaction() as session:
        (await session.get_one(Elder, elder.id)).status = ElderStatus.MOVED.value
    async with db.reading() as session:
        (one,) = await statuses_to_review(session, Sight(actor=SYSTEM), START)
        assert (one.overdue, one.entry, one.until) == (True, None, None)
        assert await reviews_overdue(session, SYSTEM.scope, START) == 1


async def test_who_came_back_by_themselves_is_shown_for_a_day(db: Database, elder: Elder) -> None:
    await becomes(db, elder.id, ElderStatus.AWAY, START)
    async with db.transaction() as session:
        await came_home(session, elder.home_id, START + DAY)
    found = []
    for hours in (25, 47, 49):
        now = START + timedelta(hours=hours)
        async with db.reading() as session:
            listed = await returned(session, Sight(actor=SYSTEM), now)
            found.append((len(listed), await returned_lately(session, SYSTEM.scope, now)))
    assert found == [(1, 1), (1, 1), (0, 0)]
    async with db.reading() as session:
        entries = (await session.scalars(select(ElderStatusEntry))).all()
    assert {one.elder_id for one in entries} == {elder.id}
