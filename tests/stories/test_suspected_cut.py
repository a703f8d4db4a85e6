"""Many homes of a village stand still together: the desk is told once, and nobody is silenced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerting.detect import load_state
from alerting.tables import Check, DeviceStateRow, Incident
from care.tables import Interruption
from gateway.supplykeeper import SupplyKeeper
from tests.console.support import reader, words_of
from tests.detection.test_adaptive import Home, meter
from tests.stories.test_quiet_home import habit_in
from tests.support.world import World

HOMES = 6
Village = tuple[str, Home, list[dict[str, Any]]]


async def village(world: World) -> Village:
    """Six homes that have lived alike for ten weeks, until this morning at eight."""
    await world.phone_channels()
    area = (await world.admin.post("areas", {"name": "青溪村", "level": "village"}))["id"]
    past = Home(meter("adaptive", zone="Asia/Shanghai"))
    past.lives(70 + 8 / 24)
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    elders = [await world.elder(f"老人{number}", area_id=area) for number in range(HOMES)]
    rules = {"no_water_use": {"preset": "adaptive"}}
    for number, elder in enumerate(elders):
        home = elder["home_id"]
        await world.device(f"water-{number}", "water_meter", home_id=home, rules=rules)
    now = world.clock.now()
    async with world.services.db.transaction() as session:
        for number in range(HOMES):
            state = DeviceStateRow(
                device_id=f"water-{number}", state=past.watch.text, last_heard_at=now
            )
            session.add(state)
    return str(area), past, elders


async def an_hour(world: World, past: Home, used_in: int | None = None) -> None:
    """All meters are read after an hour without use; in one home water may have run."""
    world.clock.advance(hours=1)
    more = (world.clock.now() - past.now).total_seconds() / 3600
    for number in range(HOMES):
        used = 8 * more if number == used_in else 0
        await world.reads(f"water-{number}", (past.litres + used) / 1000)


async def until_quiet(world: World, past: Home, used_in: int | None = None) -> None:
    for _ in range(12):
        await an_hour(world, past, used_in)
        if await world.count(Check):
            return
    raise AssertionError("nobody was asked")


def page_ends_with(page: str, name: str) -> bool:
    """Whether this elder is the last of the list."""
    return page[page.rindex('class="supply-who"') :].find(name) > 0


async def suspicions(world: World, state: str = "suspected") -> list[dict[str, Any]]:
    listed = await world.admin.get("interruptions", state=state)
    items: list[dict[str, Any]] = listed["items"]
    return items


async def test_it_is_said_once_and_everybody_is_asked_all_the_same(world: World) -> None:
    _, past, _ = await village(world)
    began = world.clock.now()
    await until_quiet(world, past)
    keeper = SupplyKeeper(world.services)
    assert len(await keeper.suspect()) == 1
    assert await keeper.suspect() == [], "nothing new"
    assert await SupplyKeeper(world.services).suspect() == [], "nor after a restart"
    (said,) = await suspicions(world)
    assert said["data"] == {"homes": HOMES, "still": HOMES, "quiet": HOMES}
    assert abs(datetime.fromisoformat(said["begins_at"]) - began) <= timedelta(hours=1)
    assert await world.count(Check) == HOMES
    await world.advance(minutes=15)
    assert await world.count(Incident) == HOMES, "nobody answered, and nothing is held back"
    incident = (await world.incidents())[0]
    whole = await world.admin.get(f"incidents/{incident['id']}")
    opened = next(one for one in whole["timeline"] if one["kind"] == "opened")
    assert "疑似停水" in opened["text"]


async def test_its_rows_stand_together_and_behind_whoever_needs_help(world: World) -> None:
    _, past, _ = await village(world)
    await until_quiet(world, past)
    await SupplyKeeper(world.services).suspect()
    await world.settle()
    calls = world.phone.messages(kind="call")
    for call, key in zip(calls, "112", strict=False):
        world.phone.answer(call.id, key)
    await world.phone.tick()
    await world.advance(minutes=15)
    rows = words_of((await reader(world, world.admin).open("/desk")).split('id="queue"')[1])
    counts = "未接 3 · 问安中 0 · 报平安 2 · 没人应答 3"
    assert counts in rows
    before, group = rows.split("青溪村：疑似停水")
    assert "老人需要帮助" in before
    assert before.count("长时间未用水") == 1
    assert group.count("长时间未用水") == 3, "all of them, and none is hidden"
    for incident in await world.incidents(stage="open"):
        await world.act("acknowledge", incident)
        await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "停水"})
    for number in range(HOMES):
        state = load_state((await world.device_state(f"water-{number}")).state)
        assert habit_in(state).margins == past.habit.margins, "a cut makes no rule wider"


async def test_who_was_late_before_the_water_stopped_is_not_put_behind(world: World) -> None:
    area, past, _ = await village(world)
    await until_quiet(world, past)
    world.clock.advance(minutes=1)
    until = (world.clock.now() + timedelta(hours=9)).isoformat()
    await world.admin.post("interruptions", {"area_id": area, "until": until, "reason": "抢修"})
    await SupplyKeeper(world.services).step()
    page = await reader(world, world.admin).open("/desk")
    assert "青溪村：" not in words_of(page.split('id="queue"')[1])
    await world.advance(minutes=15)
    assert await world.count(Incident) == HOMES
    page = await reader(world, world.admin).open("/desk")
    assert "青溪村：" not in words_of(page.split('id="queue"')[1])


async def test_one_click_records_it_and_the_desk_says_whom_to_ring(world: World) -> None:
    area, past, elders = await village(world)
    await world.button(elders[0])
    await world.event("btn-1", "heartbeat")
    await until_quiet(world, past)
    await SupplyKeeper(world.services).suspect()
    (said,) = await suspicions(world)
    officer = reader(world, world.admin)
    desk = await officer.open("/desk")
    assert "疑似停水：青溪村 6/6 户" in desk
    form = await officer.open(f"/interruptions?of={said['id']}")
    assert f'value="{area}" selected' in form
    begins, until = world.clock.now() - timedelta(hours=8), world.clock.now() + timedelta(hours=5)
    fields = {"area_id": area, "begins_at": begins.isoformat(), "until": until.isoformat()}
    again = await officer.submit("/interruptions", "/interruptions", code=422, **fields)
    assert f'value="{area}" selected' in again, "what was typed is kept"
    fields["reason"] = "水管爆裂"
    await officer.submit("/interruptions", "/interruptions", code=200, **fields)
    assert await suspicions(world) == []
    assert [one["ended_why"] for one in await suspicions(world, "ended")] == ["recorded"]
    await SupplyKeeper(world.services).step()
    desk = await officer.open("/desk")
    assert "青溪村停水" in desk
    assert "6 户停水" in desk
    page = await officer.open("/interruptions")
    assert page.count("停水期间没人能发现") == HOMES, "a button notices nobody by itself"
    await world.admin.post("visits", {"elder_id": elders[0]["id"], "mode": "phone", "record": {}})
    assert "6 户停水，5 户没人能发现" in await officer.open("/desk")
    assert page_ends_with(await officer.open("/interruptions"), "老人0")
    file = await officer.open(f"/elders/{elders[0]['id']}")
    assert "停水中" in file
    visitor = await world.sign_in("zhou", "visitor")
    mine = {"responsible_visitor_id": visitor.id}
    await world.admin.expect(200, "PATCH", f"elders/{elders[1]['id']}", json=mine)
    phone = words_of(await reader(world, visitor).open("/my"))
    assert "停水：1 户请打电话或上门" in phone
    watch = await officer.open("/watch?show=unable")
    assert "停水：不用水不报警" in watch


async def test_one_that_is_none_is_not_said_again_and_one_use_ends_it(world: World) -> None:
    _, past, _ = await village(world)
    await until_quiet(world, past)
    keeper = SupplyKeeper(world.services)
    await keeper.suspect()
    (said,) = await suspicions(world)
    await world.admin.post(f"interruptions/{said['id']}/dismiss")
    assert await keeper.suspect() == []
    async with world.services.db.transaction() as session:
        row = await session.get_one(Interruption, said["id"])
        row.state, row.ended_at = "suspected", None
    await an_hour(world, past, used_in=3)
    assert await keeper.suspect() == [said["id"]]
    assert [one["ended_why"] for one in await suspicions(world, "ended")] == ["used_again"]


async def test_where_one_home_used_water_nothing_is_suspected(world: World) -> None:
    _, past, _ = await village(world)
    await an_hour(world, past)
    await until_quiet(world, past, used_in=2)
    assert await SupplyKeeper(world.services).suspect() == [], "five of six, and five use none"
