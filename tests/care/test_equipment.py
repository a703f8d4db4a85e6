"""Whose a device was at which time: bindings by valid-from and valid-to."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from care import equipment
from care.equipment import Place, binding_in_force, mosquitto_hash
from care.model import WORN_ROLES
from care.tables import Binding, Device, Elder, Home
from core.db import Database
from core.errors import Conflict
from tests.care.town import ADMIN, an_elder, native
from tests.support.clock import START, ManualClock


@st.composite
def histories(draw: st.DrawFn) -> list[Binding]:
    """Bindings one after another, some with a gap between, the last perhaps still open."""
    bindings: list[Binding] = []
    at = START
    count = draw(st.integers(1, 5))
    for number in range(count):
        at += timedelta(minutes=draw(st.integers(0, 3)))
        end = at + timedelta(minutes=draw(st.integers(1, 5)))
        still = number == count - 1 and draw(st.booleans())
        bindings.append(
            Binding(id=f"bind-{number}", valid_from=at, valid_to=None if still else end)
        )
        at = end
    return bindings


@given(histories(), st.integers(-5, 60), st.randoms(use_true_random=False))
def test_an_event_belongs_to_the_binding_of_its_time(
    history: list[Binding], minute: int, chance: Random
) -> None:
    at = START + timedelta(minutes=minute)
    first = history[0]
    covering = [
        one
        for one in history
        if one.valid_from <= at and (one.valid_to is None or at < one.valid_to)
    ]
    found = binding_in_force(chance.sample(history, len(history)), at)
    if at < first.valid_from:
        assert found is first, "a device's clock may be behind the one that registered it"
    else:
        assert [found] == covering or (found is None and covering == [])


def test_a_device_that_was_never_bound_belongs_to_nobody() -> None:
    assert binding_in_force([], START) is None


def test_a_moment_belongs_to_the_new_binding_and_not_to_the_old() -> None:
    old = Binding(id="old", valid_from=START, valid_to=START + timedelta(hours=1))
    new = Binding(id="new", valid_from=START + timedelta(hours=1), valid_to=None)
    assert binding_in_force([old, new], START + timedelta(hours=1)) is new


async def a_device(db: Database, now: datetime, role: str, place: Place, ident: str) -> Device:
    async with db.transaction() as session:
        device, _ = await equipment.add_device(
            session,
            ADMIN,
            now,
            device_id=ident,
            source=await native(session, now),
            child_id=ident,
            role=role,
            place=place,
        )
    return device


@pytest.fixture
async def elders(db: Database, clock: ManualClock) -> tuple[Elder, Elder]:
    async with db.transaction() as session:
        return (
            await an_elder(session, clock.now()),
            await an_elder(session, clock.now(), "张福生"),
        )


async def place_of(db: Database, elder: Elder) -> Place:
    async with db.reading() as session:
        return Place(home=await session.get_one(Home, elder.home_id), elder=elder)


async def test_bound_anew_given_back_and_bound_again(
    db: Database, clock: ManualClock, elders: tuple[Elder, Elder]
) -> None:
    """Every minute of the story is asked for afterwards."""
    one, two = elders
    await a_device(db, clock.now(), "sos_button", await place_of(db, one), "btn-1")
    story: list[str | None] = []
    for place in (None, await place_of(db, two), await place_of(db, two), Place(), None):
        clock.advance(minutes=10)
        async with db.transaction() as session:
            device = await session.get_one(Device, "btn-1")
            if place is not None:
                changed = await equipment.bind(session, device, place, clock.now())
                story.append("bound" if changed else "the same")
    assert story == ["bound", "the same", "bound"]
    expected = [one.id] * 2 + [two.id] * 2 + [None] * 2
    async with db.reading() as session:
        for number, elder_id in enumerate(expected):
            for second in (0, 599):
                at = START + timedelta(minutes=10 * number, seconds=second)
                found = await equipment.binding_at(session, "btn-1", at)
                assert (found.elder_id if found else None) == elder_id, at
        rows = (await session.scalars(select(Binding).order_by(Binding.valid_from))).all()
    assert [(row.valid_from, row.valid_to) for row in rows] == [
        (START, START + timedelta(minutes=20)),
        (START + timedelta(minutes=20), START + timedelta(minutes=40)),
    ]


async def test_a_new_binding_is_another_life_of_the_device(
    db: Database, clock: ManualClock, elders: tuple[Elder, Elder]
) -> None:
    """Its event ids may start anew, so what it said before must not count as said."""
    one, two = elders
    device = await a_device(db, clock.now(), "sos_button", await place_of(db, one), "btn-1")
    assert device.enrolled_at == START
    clock.advance(minutes=10)
    for place, enrolled in (
        (await place_of(db, one), START),
        (await place_of(db, two), clock.now()),
    ):
        async with db.transaction() as session:
            row = await session.get_one(Device, "btn-1")
            await equipment.bind(session, row, place, clock.now())
        assert row.enrolled_at == enrolled


@pytest.mark.parametrize("role", ["sos_button", "watch", "smoke_detector", "water_meter"])
async def test_what_is_worn_moves_with_the_elder_and_the_rest_stays_at_home(
    db: Database, clock: ManualClock, elders: tuple[Elder, Elder], role: str
) -> None:
    one, two = elders
    await a_device(db, clock.now(), role, await place_of(db, one), "dev-1")
    old_home = one.home_id
    clock.advance(hours=1)
    async with db.transaction() as session:
        moved = await session.get_one(Elder, one.id)
        moved.home_id = two.home_id
        await session.flush()
        await equipment.follow_elder(session, moved, clock.now())
    async with db.reading() as session:
        now = await equipment.binding_at(session, "dev-1", clock.now())
        before = await equipment.binding_at(session, "dev-1", START)
    assert before is not None and (before.home_id, before.elder_id) == (old_home, one.id)
    worn = role in WORN_ROLES
    expected = (two.home_id, one.id) if worn else (old_home, None)
    assert now is not None and (now.home_id, now.elder_id) == expected


async def test_a_child_of_a_source_is_registered_once(
    db: Database, clock: ManualClock, elders: tuple[Elder, Elder]
) -> None:
    await a_device(db, clock.now(), "sos_button", Place(), "btn-1")
    with pytest.raises(Conflict):
        await a_device(db, clock.now(), "sos_button", Place(), "btn-1")
    async with db.reading() as session:
        assert (await session.scalars(select(Binding))).all() == []


@given(st.text(max_size=40), st.binary(min_size=12, max_size=12))
def test_a_hash_is_mosquittos_and_belongs_to_one_password(password: str, salt: bytes) -> None:
    kept = mosquitto_hash(password.encode("utf-8", "replace").decode(), salt)
    empty, scheme, rounds, kept_salt, digest = kept.split("$")
    assert (empty, scheme, rounds) == ("", "7", "101")
    assert base64.b64decode(kept_salt) == salt
    assert len(base64.b64decode(digest)) == 64
    assert mosquitto_hash(password.encode("utf-8", "replace").decode() + "x", salt) != kept
