"""A village without water: standing meters say nothing, everything else does, and it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting.detect import load_state
from alerting.detectors.habit import Habit
from alerting.handling.interrupted import tell_homes
from care.tables import Device, Interruption
from gateway import supplykeeper
from gateway.supplykeeper import SupplyKeeper
from tests.detection.test_adaptive import Home
from tests.stories.test_quiet_home import habit_in, known_home, stands_still
from tests.support.world import World

METER = "water-1"


async def village_of(world: World, elder: dict[str, Any]) -> str:
    """The elder's home lies in a village of a town."""
    town = await world.admin.post("areas", {"name": "石桥镇", "level": "town"})
    body = {"name": "青溪村", "level": "village", "parent_id": town["id"]}
    village = await world.admin.post("areas", body)
    home = f"homes/{elder['home_id']}"
    await world.admin.expect(200, "PATCH", home, json={"area_id": village["id"]})
    return str(town["id"])


async def stops(world: World, area: str, hours: float = 30, **more: Any) -> dict[str, Any]:
    """Staff put it down over REST, and the loop tells the meters."""
    until = world.clock.now() + timedelta(hours=hours)
    body = {"area_id": area, "until": until.isoformat(), "reason": "水厂抢修"}
    made: dict[str, Any] = await world.admin.post("interruptions", body | more)
    await keep(world)
    return made


async def keep(world: World) -> int:
    """What the loop does every ten seconds."""
    return await SupplyKeeper(world.services).step()


async def habit_of(world: World) -> Habit:
    return habit_in(load_state((await world.device_state(METER)).state))


async def dry_since(world: World) -> datetime | None:
    device: Device = await world.row(Device, METER)
    return device.dry_since


async def runs(world: World, past: Home, litres: float = 8) -> None:
    """Water is used, and the meter read an hour later."""
    world.clock.advance(hours=1)
    past.litres += litres
    await world.reads(METER, past.litres / 1000)


async def test_standing_water_says_nothing_and_all_else_does(world: World) -> None:
    await world.phone_channels()
    grandma, past = await known_home(world)
    await stops(world, await village_of(world, grandma))
    button = await world.button(grandma)
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    before = await habit_of(world)
    await stands_still(world, past, 29)
    assert await world.incidents() == []
    assert (await world.admin.get("checks"))["items"] == []
    after = await habit_of(world)
    assert (after.cells, after.days) == (before.cells, before.days), "nothing is learnt from it"
    await world.press(button)
    await world.event("smoke-1", "smoke")
    assert {one["kind"] for one in await world.incidents()} == {"sos", "smoke"}


async def test_at_its_end_gaps_count_anew_and_a_late_loop_is_an_alarm(world: World) -> None:
    grandma, past = await known_home(world)
    made = await stops(world, await village_of(world, grandma))
    await stands_still(world, past, 30)
    world.clock.advance(minutes=3)
    await world.anju.watcher.audit()
    assert made["id"] in world.services.health.banners["deadlines_overdue"]
    assert await keep(world) == 1
    await world.anju.watcher.audit()
    assert "deadlines_overdue" not in world.services.health.banners
    over = await world.admin.get(f"interruptions/{made['id']}")
    assert (over["state"], over["ended_why"]) == ("ended", "until_passed")
    await stands_still(world, past, 3)
    assert await world.incidents() == []
    await stands_still(world, past, 12)
    facts = (await world.stored(await world.incident())).facts
    since, until = datetime.fromisoformat(facts["since"]), datetime.fromisoformat(made["until"])
    assert since == until, "the hours before were nobody's"


async def test_where_water_runs_twice_the_home_is_watched_as_ever(world: World) -> None:
    grandma, past = await known_home(world)
    await stops(world, await village_of(world, grandma), 60)
    await stands_still(world, past, 3)
    await runs(world, past)
    assert await dry_since(world) is not None, "air in the pipes turns a meter, too"
    await runs(world, past)
    assert await dry_since(world) is None
    await SupplyKeeper(world.services).step()
    await stands_still(world, past, 14)
    assert (await world.incident())["kind"] == "no_water_use"


async def test_put_down_late_it_leaves_out_who_had_water_since(world: World) -> None:
    grandma, past = await known_home(world)
    area = await village_of(world, grandma)
    began = world.clock.now()
    for _ in range(3):
        await runs(world, past)
    await stops(world, area, begins_at=began.isoformat())
    assert await dry_since(world) is None
    await stands_still(world, past, 14)
    assert len(await world.incidents()) == 1


async def test_an_announced_one_begins_at_its_time_and_may_be_moved_and_ended(
    world: World,
) -> None:
    grandma, _ = await known_home(world)
    area = await village_of(world, grandma)
    begins = world.clock.now() + timedelta(hours=20)
    made = await stops(world, area, 30, begins_at=begins.isoformat())
    assert await dry_since(world) is None
    world.clock.advance(hours=20)
    assert await keep(world) == 1
    assert await dry_since(world) == begins
    later = {"until": (begins + timedelta(hours=40)).isoformat(), "version": 1}
    path = f"interruptions/{made['id']}"
    await world.admin.expect(200, "PATCH", path, json=later)
    world.clock.advance(hours=20)
    assert await keep(world) == 0
    old = await world.admin.expect(409, "PATCH", path, json=later)
    assert "version 1 is old" in old["detail"]
    await world.admin.post(f"{path}/end")
    assert await keep(world) == 1
    assert await dry_since(world) is None
    again = await world.admin.post(f"{path}/end", status=409)
    assert again["winner"] == "管理员"


async def test_a_question_that_was_put_before_goes_on(world: World) -> None:
    await world.phone_channels()
    grandma, past = await known_home(world, "adaptive")
    area = await village_of(world, grandma)
    began = world.clock.now()
    for _ in range(12):
        await stands_still(world, past, 1)
        if (await world.admin.get("checks"))["items"]:
            break
    assert await world.incidents() == []
    await stops(world, area, begins_at=began.isoformat())
    await world.advance(minutes=20)
    incident = await world.incident()
    assert incident["kind"] == "no_water_use", "nobody answered: somebody has to look"


class Killed(BaseException):
    """The process ended here."""


async def test_a_process_that_ends_while_telling_leaves_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supplykeeper, "MOST_AT_ONCE", 1)
    area = (await world.admin.post("areas", {"name": "村", "level": "village"}))["id"]
    for number in range(4):
        elder = await world.elder(area_id=area)
        await world.device(f"water-{number}", "water_meter", home_id=elder["home_id"])
    real, left = tell_homes, [2]

    async def dying(*args: Any) -> int:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return await real(*args)

    monkeypatch.setattr("gateway.supplykeeper.tell_homes", dying)
    with pytest.raises(Killed):
        await stops(world, area)
    monkeypatch.setattr("gateway.supplykeeper.tell_homes", real)
    assert await keep(world) == 2, "the others, and nobody twice"
    assert await keep(world) == 0
    row = (await world.admin.get("interruptions", state="recorded"))["items"][0]
    stored: Interruption = await world.row(Interruption, row["id"])
    assert stored.due_at == stored.until
