"""Wrong keys, second thoughts and withdrawn cases: nothing of it may silence a call for help."""

from __future__ import annotations

from tests.stories.test_quiet_home import known_home, stands_still
from tests.support.world import World


async def test_a_gap_whose_incident_was_cancelled_is_found_again(world: World) -> None:
    _, past = await known_home(world, preset="adaptive-tight")
    await stands_still(world, past, 12)
    incident = await world.incident()
    await world.act("cancel", incident, {"reason": "重复"})
    await stands_still(world, past, 48)
    assert len(await world.incidents()) >= 2
