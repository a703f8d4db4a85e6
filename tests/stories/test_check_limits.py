"""Wrong keys, second thoughts and withdrawn cases: nothing of it may silence a call for help."""

from __future__ import annotations

import pytest

from care.tables import Elder
from tests.stories.test_quiet_home import known_home, stands_still
from tests.support.checks import QuietHome
from tests.support.world import World, kinds


async def test_a_gap_whose_incident_was_cancelled_is_found_again(world: World) -> None:
    _, past = await known_home(world, preset="adaptive-tight")
    await stands_still(world, past, 12)
    incident = await world.incident()
    await world.act("cancel", incident, {"reason": "重复"})
    await stands_still(world, past, 48)
    assert len(await world.incidents()) >= 2


@pytest.mark.parametrize("outcome", ["hospital", "deceased"])
async def test_nobody_is_rung_about_who_was_taken_to_hospital_or_died(
    world: World, outcome: str
) -> None:
    elder, past = await known_home(world, preset="adaptive-tight")
    await stands_still(world, past, 12)
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": outcome, "reason": "送医"})
    assert (await world.row(Elder, elder["id"])).status == outcome
    whole = await world.incident()
    assert f"status_{outcome}" in kinds(whole)
    assert elder["name"] in next(
        one["text"] for one in whole["timeline"] if one["kind"] == f"status_{outcome}"
    )
    await stands_still(world, past, 30)
    assert len(await world.incidents(kind="no_water_use")) == 1


async def test_with_two_in_the_home_nobody_guesses_whose_hospital_and_the_other_is_watched(
    world: World,
) -> None:
    elder, past = await known_home(world, preset="adaptive-tight")
    await world.elder("赵演示", home_id=elder["home_id"], phone=None, contacts=0)
    await stands_still(world, past, 12)
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "hospital", "reason": "送医"})
    assert (await world.row(Elder, elder["id"])).status == "home"
    await stands_still(world, past, 20)
    assert len(await world.incidents(kind="no_water_use")) == 2


@pytest.mark.parametrize("status", ["deceased", "hospital"])
async def test_a_check_ends_with_the_news_and_no_telephone_rings_again(
    world: World, status: str
) -> None:
    home = await QuietHome(world).begin()
    await home.finds()
    rung = len(home.calls())
    path = f"elders/{home.elder['id']}"
    await world.admin.expect(200, "PATCH", path, json={"status": status})
    await world.settle()
    assert (await home.check()).result == "withdrawn"
    await world.advance(minutes=30)
    assert len(home.calls()) == rung
    assert await home.incidents() == []


async def test_a_check_goes_on_while_somebody_is_at_home(world: World) -> None:
    home = await QuietHome(world).begin()
    await world.elder("赵演示", home_id=home.elder["home_id"], contacts=0)
    await home.finds()
    path = f"elders/{home.elder['id']}"
    await world.admin.expect(200, "PATCH", path, json={"status": "deceased"})
    await world.settle()
    assert (await home.check()).state != "ended"
