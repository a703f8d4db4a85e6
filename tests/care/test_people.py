"""Homes and elders: dates that can be, absences that end, phones as they are dialled."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care import people
from care.model import AreaLevel, Category, ElderStatus
from care.people import MAX_AGE_YEARS, check_birth_date
from care.reach import CHANNEL_KINDS, check_channels, normal_phone
from care.status import MAX_REVIEW, REVIEW_AFTER
from care.tables import Elder, Home
from core.db import Database
from core.errors import InvalidInput
from tests.care.town import ADMIN, an_area, an_elder
from tests.support.clock import START, ManualClock


@pytest.mark.parametrize(
    ("born", "fits"),
    [
        (None, True),
        (date(1941, 5, 3), True),
        (date(2026, 3, 1), True),
        (date(2026, 3, 2), False),
        (date(1896, 1, 1), True),
        (date(1895, 12, 31), False),
        (date.max, False),
        (date.min, False),
    ],
)
def test_a_birth_date_lies_within_a_life(born: date | None, fits: bool) -> None:
    """START is a Sunday, 00:15 UTC; nowhere on earth has March 2nd begun by then."""
    if fits:
        check_birth_date(born, START)
        return
    with pytest.raises(InvalidInput) as refusal:
        check_birth_date(born, START)
    assert refusal.value.field == "birth_date"


@given(st.dates())
def test_every_date_is_either_plausible_or_refused(born: date) -> None:
    try:
        check_birth_date(born, START)
    except InvalidInput:
        assert born > START.date() or START.year - born.year > MAX_AGE_YEARS
    else:
        assert born <= START.date() and START.year - born.year <= MAX_AGE_YEARS


async def changed(db: Database, clock: ManualClock, ident: str, **changes: Any) -> Elder:
    async with db.transaction() as session:
        return await people.update_elder(session, ADMIN, clock.now(), ident, changes)


@pytest.fixture
async def elder(db: Database, clock: ManualClock) -> Elder:
    async with db.transaction() as session:
        return await an_elder(session, clock.now())


ABSENCES: list[tuple[ElderStatus, datetime | None, datetime | str | None]] = [
    (ElderStatus.AWAY, None, START + REVIEW_AFTER[ElderStatus.AWAY]),
    (ElderStatus.HOSPITAL, None, START + REVIEW_AFTER[ElderStatus.HOSPITAL]),
    (ElderStatus.AWAY, START + timedelta(days=40), START + timedelta(days=40)),
    (ElderStatus.HOSPITAL, START + MAX_REVIEW, START + MAX_REVIEW),
    (ElderStatus.MOVED, None, START + REVIEW_AFTER[ElderStatus.MOVED]),
    (ElderStatus.DECEASED, None, START + REVIEW_AFTER[ElderStatus.DECEASED]),
    (ElderStatus.HOME, None, None),
    (ElderStatus.AWAY, START, "refused"),
    (ElderStatus.AWAY, START + MAX_REVIEW + timedelta(seconds=1), "refused"),
    (ElderStatus.HOME, START + timedelta(days=1), "refused"),
]


async def test_an_absence_never_lasts_for_want_of_a_date(
    db: Database, clock: ManualClock, elder: Elder
) -> None:
    """Welfare rules rest meanwhile: somebody must look again."""
    for status, review, expected in ABSENCES:
        changes: dict[str, Any] = {"status": status} | (
            {"status_review_at": review} if review else {}
        )
        if expected == "refused":
            with pytest.raises(InvalidInput) as refusal:
                await changed(db, clock, elder.id, **changes)
            assert refusal.value.field == "status_review_at", status
            continue
        after = await changed(db, clock, elder.id, **changes)
        assert (after.status, after.status_review_at) == (status, expected)


async def test_a_review_goes_when_the_elder_is_back(
    db: Database, clock: ManualClock, elder: Elder
) -> None:
    await changed(db, clock, elder.id, status=ElderStatus.HOSPITAL)
    clock.advance(hours=5)
    await changed(db, clock, elder.id, name="李桂英")
    async with db.reading() as session:
        row = await session.get_one(Elder, elder.id)
        assert (row.name, row.status_review_at) == ("李桂英", START + timedelta(days=7))
    back = await changed(db, clock, elder.id, status=ElderStatus.HOME)
    assert back.status_review_at is None


async def test_one_place_has_one_area(db: Database, clock: ManualClock, elder: Elder) -> None:
    async with db.transaction() as session:
        area = await an_area(session, clock.now(), AreaLevel.VILLAGE)
        wife = await an_elder(session, clock.now(), "张福生", elder.home_id)
        await people.update_home(session, ADMIN, clock.now(), elder.home_id, {"area_id": area.id})
    async with db.reading() as session:
        found = {
            (await session.get_one(Home, elder.home_id)).area_id,
            (await session.get_one(Elder, elder.id)).area_id,
            (await session.get_one(Elder, wife.id)).area_id,
        }
    assert found == {area.id}
    with pytest.raises(InvalidInput) as refusal:
        await changed(db, clock, elder.id, area_id=None)
    assert refusal.value.field == "area_id", "others live there, too"


async def test_categories_stand_once_in_the_order_given(
    db: Database, clock: ManualClock, elder: Elder
) -> None:
    given_ = [Category.DEMENTIA, Category.LIVING_ALONE, Category.DEMENTIA]
    after = await changed(db, clock, elder.id, categories=given_)
    assert after.categories == ["dementia", "living_alone"]


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("13800138000", "+8613800138000"),
        (" 138-0013-8000 ", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("020-8333 1234", "+862083331234"),
        ("120", "120"),
        ("村部转 3", "村部转 3"),
        ("8333 1234 ext. 5", "8333 1234 ext. 5"),
        ("+44 20 7946 0018", "+442079460018"),
        ("+1", "+1"),
    ],
)
def test_a_number_is_written_one_way_and_what_is_none_is_kept(
    given_: str | None, kept: str | None
) -> None:
    assert normal_phone(given_) == kept


@given(st.text(max_size=40))
def test_writing_a_number_down_again_changes_nothing(given_: str) -> None:
    once = normal_phone(given_)
    assert normal_phone(once) == once
    assert once is None or once.strip()


channels = st.fixed_dictionaries(
    {"kind": st.one_of(st.sampled_from(CHANNEL_KINDS), st.text(max_size=5))},
    optional={
        "address": st.one_of(
            st.text(max_size=30),
            st.sampled_from(["https://[::1", "http://a:b", "li@example.org", "ntfy://x/y", "120"]),
        )
    },
)


@given(st.lists(channels, max_size=11), st.sampled_from([None, "+8613800138000"]))
def test_a_channel_is_complete_or_refused_by_its_place(
    given_: list[dict[str, str]], phone: str | None
) -> None:
    refused = None
    try:
        kept = check_channels(given_, phone)
    except InvalidInput as refusal:
        refused = refusal.field.split(".")[0]
    if refused is not None:
        assert refused == "channels"
    else:
        assert [one["kind"] for one in kept] == [one["kind"] for one in given_]
        assert all(one["kind"] in CHANNEL_KINDS and one["address"] for one in kept)
        assert check_channels(kept, phone) == kept
