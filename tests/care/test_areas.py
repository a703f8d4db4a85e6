"""Areas: whatever is moved or renamed, a path is the way from the top, and levels nest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from care import areas
from care.model import Actor, AreaLevel, Scope, UserRole
from care.tables import Area
from core.db import Database
from core.errors import InvalidInput, NotAllowed, NotFound
from tests.care.town import ADMIN, an_area
from tests.support.clock import ManualClock

ORDER = [level.value for level in AreaLevel]
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "move", "level"]),
        st.integers(0, 9),
        st.one_of(st.none(), st.integers(0, 9)),
        st.sampled_from(AreaLevel),
    ),
    max_size=12,
)


async def tree(db: Database) -> dict[str, Area]:
    async with db.reading() as session:
        return {area.id: area for area in (await session.scalars(select(Area))).all()}


def check(found: dict[str, Area]) -> None:
    """What has to hold of every area, whatever was done."""
    for area in found.values():
        parent = found.get(area.parent_id or "")
        assert area.path == f"{parent.path if parent else '/'}{area.id}/"
        if parent is not None:
            assert ORDER.index(area.level) > ORDER.index(parent.level)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(todo=steps)
async def test_paths_and_levels_hold_whatever_is_done(
    db: Database, clock: ManualClock, todo: list[tuple[str, int, int | None, AreaLevel]]
) -> None:
    """On a database that keeps what the examples before left in it."""
    refused: set[str] = set()
    for step, which, where, level in todo:
        ids = sorted(await tree(db))[:10]
        parent_id = ids[where % len(ids)] if where is not None and ids else None
        try:
            async with db.transaction() as session:
                if step == "add" or not ids:
                    await areas.create_area(
                        session, ADMIN, clock.now(), name="x", level=level, parent_id=parent_id
                    )
                else:
                    change: dict[str, Any] = (
                        {"parent_id": parent_id} if step == "move" else {"level": level}
                    )
                    await areas.update_area(
                        session, ADMIN, clock.now(), ids[which % len(ids)], change
                    )
        except InvalidInput as refusal:
            refused.add(refusal.field)
    check(await tree(db))
    assert refused <= {"level", "parent_id"}


@pytest.fixture
async def county(db: Database, clock: ManualClock) -> dict[str, Area]:
    """Two towns in a county, with a village in the first."""
    async with db.transaction() as session:
        top = await an_area(session, clock.now(), AreaLevel.COUNTY)
        town = await an_area(session, clock.now(), AreaLevel.TOWN, top)
        other = await an_area(session, clock.now(), AreaLevel.TOWN, top)
        village = await an_area(session, clock.now(), AreaLevel.VILLAGE, town)
    return {"top": top, "town": town, "other": other, "village": village}


def chief(area: Area) -> Actor:
    return Actor(id="usr-1", name="主任", role=UserRole.SUPERVISOR, scope=Scope(path=area.path))


async def test_a_subtree_moves_whole_and_its_neighbours_stay(
    db: Database, clock: ManualClock, county: dict[str, Area]
) -> None:
    async with db.transaction() as session:
        await areas.update_area(
            session, ADMIN, clock.now(), county["town"].id, {"parent_id": None, "name": "新镇"}
        )
    found = await tree(db)
    check(found)
    assert found[county["village"].id].path == f"/{county['town'].id}/{county['village'].id}/"
    assert found[county["other"].id].path == county["other"].path
    assert found[county["town"].id].name == "新镇"


REFUSED: list[tuple[str, str, dict[str, Any], type[Exception]]] = [
    ("town", "other", {"name": "x"}, NotFound),
    ("town", "top", {"name": "x"}, NotFound),
    ("town", "village", {"parent_id": None}, NotAllowed),
    ("town", "village", {"parent_id": "other"}, NotFound),
    ("town", "town", {"parent_id": "other"}, NotAllowed),
    ("top", "town", {"parent_id": "village"}, InvalidInput),
    ("top", "town", {"parent_id": "town"}, InvalidInput),
    ("top", "town", {"level": AreaLevel.VILLAGE}, InvalidInput),
    ("top", "town", {"level": AreaLevel.COUNTY}, InvalidInput),
]


async def test_what_lies_outside_or_does_not_nest_is_refused(
    db: Database, clock: ManualClock, county: dict[str, Area]
) -> None:
    before = {ident: (area.path, area.level) for ident, area in (await tree(db)).items()}
    for who, what, change, error in REFUSED:
        named = {
            key: county[value].id if key == "parent_id" and value else value
            for key, value in change.items()
        }
        with pytest.raises(error):
            async with db.transaction() as session:
                await areas.update_area(
                    session, chief(county[who]), clock.now(), county[what].id, named
                )
    assert {ident: (a.path, a.level) for ident, a in (await tree(db)).items()} == before


async def test_what_is_new_belongs_to_the_area_named_or_to_the_callers_own(
    db: Database, county: dict[str, Area]
) -> None:
    town, village, other = county["town"], county["village"], county["other"]
    async with db.reading() as session:
        assert await areas.area_for_new(session, chief(town), None) == town.id
        assert await areas.area_for_new(session, chief(town), village.id) == village.id
        assert await areas.area_for_new(session, ADMIN, None) is None
        with pytest.raises(NotFound):
            await areas.area_for_new(session, chief(town), other.id)


@given(st.lists(st.sampled_from("abc"), max_size=4), st.lists(st.sampled_from("abc"), max_size=4))
def test_a_scope_covers_itself_what_is_below_and_what_has_no_area(
    own: list[str], other: list[str]
) -> None:
    path, there = ("/" + "".join(f"{part}/" for part in parts) for parts in (own, other))
    scope = Scope(path=path if own else "")
    assert scope.covers(there) == (other[: len(own)] == own)
    assert scope.covers(None)
