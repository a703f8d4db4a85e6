"""Wrong keys, second thoughts and withdrawn cases: nothing of it may silence a call for help."""

from __future__ import annotations

import pytest

from care.tables import Elder
from tests.stories.test_quiet_home import known_home, stands_still
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
