"""What a cut must not do: hide who lay there before, or be learnt as how a home lives."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerting.detect import load_state
from alerting.fleet.meanwhile import either
from alerting.trial.replay import Act, Happened
from tests.stories import test_interruptions as cut
from tests.stories import test_rebuilding as memory
from tests.stories.test_quiet_home import known_home, stands_still
from tests.support.world import World


async def village(world: World) -> str:
    """Where the one elder lives."""
    [elder] = (await world.admin.get("elders"))["items"]
    await cut.village_of(world, elder)
    return str((await world.admin.get("homes/" + elder["home_id"]))["area_id"])


async def rebuilt_as_it_was(world: World) -> None:
    live = load_state(await memory.state_of(world))
    await world.admin.post(f"devices/{memory.METER}/rebuild")
    made = load_state(await memory.state_of(world))
    assert made.water is not None and live.water is not None
    assert made.water.habit == live.water.habit
    assert made.water.level == live.water.level


async def test_a_rebuilt_memory_knows_of_the_cut(world: World) -> None:
    past = await memory.known_home(world)
    await cut.stops(world, await village(world), 14)
    await memory.reads_on(world, past, 5)
    await rebuilt_as_it_was(world)
    await memory.reads_on(world, past, 9)
    await cut.keep(world)
    await rebuilt_as_it_was(world)
    await memory.reads_on(world, past, 3, litres=30)
    await rebuilt_as_it_was(world)
    assert await world.incidents() == []


async def test_whose_meter_is_rebuilt_while_they_are_away_is_known_as_before(world: World) -> None:
    past = await memory.known_home(world)
    [elder] = (await world.admin.get("elders"))["items"]
    until = world.clock.now() + timedelta(days=9)
    away = {"status": "away", "status_review_at": until.isoformat()}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=away)
    await memory.reads_on(world, past, 2)
    live = await memory.learnt_of(world, memory.METER)
    await world.admin.post(f"devices/{memory.METER}/rebuild")
    made = await memory.learnt_of(world, memory.METER)
    assert (made.cells, made.days) == (live.cells, live.days)


async def test_one_put_down_by_mistake_and_ended_gives_no_one_another_gap(world: World) -> None:
    _, past = await known_home(world)
    area = await village(world)
    await stands_still(world, past, 5)
    made = await cut.stops(world, area)
    world.clock.advance(minutes=20)
    await world.admin.post(f"interruptions/{made['id']}/end")
    await cut.keep(world)
    assert await cut.dry_since(world) is None
    used_at = (await cut.habit_of(world)).used_at
    assert used_at < (world.clock.now() - timedelta(hours=5)).timestamp()
    await stands_still(world, past, 7)
    assert (await world.incident())["kind"] == "no_water_use", "as if nobody had put one down"


async def test_a_home_that_moves_out_of_a_cut_is_watched_from_then_on(world: World) -> None:
    grandma, past = await known_home(world)
    await cut.stops(world, await village(world))
    await stands_still(world, past, 20)
    other = await world.admin.post("areas", {"name": "新区", "level": "town"})
    home = f"homes/{grandma['home_id']}"
    await world.admin.expect(200, "PATCH", home, json={"area_id": other["id"]})
    assert await cut.dry_since(world) is None
    await stands_still(world, past, 3)
    assert await world.incidents() == []
    await stands_still(world, past, 12)
    assert (await world.incident())["kind"] == "no_water_use"


async def test_a_clock_set_back_leaves_no_meter_asleep(world: World) -> None:
    await known_home(world)
    made = await cut.stops(world, await village(world))
    world.clock.step_wall(seconds=-3 * 3600)
    await world.admin.sign_in()
    await world.admin.post(f"interruptions/{made['id']}/end")
    await cut.keep(world)
    assert await cut.dry_since(world) is None


async def test_one_that_is_prolonged_as_it_ends_rests_again(world: World) -> None:
    _, past = await known_home(world)
    made = await cut.stops(world, await village(world), 10)
    world.clock.advance(hours=10, seconds=1)
    [elder] = (await world.admin.get("elders"))["items"]
    renamed = {"name": "李示范"}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=renamed)
    assert await cut.dry_since(world) is None, "it was over, and this page was first to know"
    later = {"until": (datetime.fromisoformat(made["until"]) + timedelta(hours=20)).isoformat()}
    await world.admin.expect(200, "PATCH", f"interruptions/{made['id']}", json=later)
    await cut.keep(world)
    assert await cut.dry_since(world) is not None
    await stands_still(world, past, 15)
    assert await world.incidents() == []


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([(1, 5)], [], [(1, 5)]),
        ([(1, 5)], [(3, 9)], [(1, 9)]),
        ([(1, 5)], [(5, 9)], [(1, 9)]),
        ([(1, 9)], [(3, 5)], [(1, 9)]),
        ([(1, 2)], [(4, 5)], [(1, 2), (4, 5)]),
        ([(1, 0)], [(3, 5)], [(1, 0)]),
    ],
)
def test_a_meter_rests_while_any_reason_holds(
    one: list[tuple[int, int]], other: list[tuple[int, int]], both: list[tuple[int, int]]
) -> None:
    def turns(spans: list[tuple[int, int]]) -> list[Happened]:
        acts = [(Happened(begin, Act.AWAY), Happened(end, Act.HOME)) for begin, end in spans]
        return [act for pair in acts for act in pair if act.at]

    assert either(turns(one), turns(other)) == turns(both)
