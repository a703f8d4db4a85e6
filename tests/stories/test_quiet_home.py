"""A home gone quiet under its own rule: found the same day, explained, and learnt from."""

from __future__ import annotations

from alerting.detect import DeviceState, load_state
from alerting.detectors.habit import Habit
from alerting.tables import DeviceStateRow
from tests.detection.test_adaptive import Home, meter
from tests.support.world import World


async def known_home(world: World) -> tuple[dict[str, object], Home]:
    """A home whose meter has been read for ten weeks, until this morning at eight."""
    grandma = await world.elder()
    await world.device(
        "water-1",
        "water_meter",
        home_id=grandma["home_id"],
        rules={"no_water_use": {"preset": "adaptive-tight"}},
    )
    past = Home(meter("adaptive-tight", zone="Asia/Shanghai"))
    past.lives(70 + 8 / 24)
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    async with world.services.db.transaction() as session:
        session.add(
            DeviceStateRow(
                device_id="water-1", state=past.watch.text, last_heard_at=world.clock.now()
            )
        )
    return grandma, past


async def stands_still(world: World, past: Home, for_h: int) -> None:
    for _ in range(for_h):
        world.clock.advance(hours=1)
        await world.reads("water-1", past.litres / 1000)


def habit_in(state: DeviceState) -> Habit:
    assert state.water is not None
    assert state.water.habit is not None
    return state.water.habit


async def test_it_is_found_within_hours_and_the_sentence_names_the_home_s_own_limit(
    world: World,
) -> None:
    _, past = await known_home(world)
    await stands_still(world, past, 12)
    incident = await world.incident()
    assert incident["kind"] == "no_water_use"
    opened = next(entry for entry in incident["timeline"] if entry["kind"] == "opened")
    assert "报警线" in opened["text"]
    assert "此时段以往最长" in opened["text"]


async def test_a_false_alarm_widens_this_home_s_rule_once(world: World) -> None:
    _, past = await known_home(world)
    await stands_still(world, past, 12)
    before = habit_in(load_state((await world.device_state("water-1")).state))
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "老人在睡觉"})
    after = habit_in(load_state((await world.device_state("water-1")).state))
    assert sum(after.margins + after.caps) > sum(before.margins + before.caps)
    assert after.cells == before.cells


async def test_an_emergency_teaches_nothing(world: World) -> None:
    _, past = await known_home(world)
    await stands_still(world, past, 12)
    before = habit_in(load_state((await world.device_state("water-1")).state))
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "hospital", "reason": "跌倒"})
    after = habit_in(load_state((await world.device_state("water-1")).state))
    assert (after.margins, after.caps) == (before.margins, before.caps)


async def test_where_nobody_was_found_it_is_found_again_and_nothing_is_learnt(
    world: World,
) -> None:
    _, past = await known_home(world)
    await stands_still(world, past, 12)
    first = await world.incident()
    await world.act("acknowledge", first)
    await world.act("outcome", first, {"outcome": "nobody_home", "reason": "敲门无人应"})
    await world.act("close", first, {"waiver": "家属去找"})
    await stands_still(world, past, 5)
    assert len(await world.incidents(kind="no_water_use")) == 1
    await stands_still(world, past, 2)
    again = await world.incidents(kind="no_water_use")
    assert len(again) == 2


async def test_who_was_seen_is_watched_over_from_then_on(world: World) -> None:
    _, past = await known_home(world)
    await stands_still(world, past, 12)
    first = await world.incident()
    await world.act("acknowledge", first)
    await world.act("outcome", first, {"outcome": "assisted", "reason": "扶起，无恙"})
    await world.act("close", first, {"waiver": "已见到老人"})
    await stands_still(world, past, 3)
    assert len(await world.incidents(kind="no_water_use")) == 1
    await stands_still(world, past, 11)
    assert len(await world.incidents(kind="no_water_use")) == 2, "they may have fallen since"
