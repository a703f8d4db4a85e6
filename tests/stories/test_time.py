"""Time: given, never taken; clamped when clocks jump; shown where people live."""

from __future__ import annotations

from datetime import timedelta

from alerting.intake import watching
from tests.support.world import World, kinds


async def test_deadlines_are_clamped_when_the_clock_was_set_back(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    await world.act("acknowledge", await world.incident())
    delay = timedelta(seconds=(await world.stored(await world.incident())).due_delay_s)

    world.clock.step_wall(seconds=-7200)
    await world.settle()

    stored = await world.stored(await world.incident())
    assert stored.due_at == world.clock.now() + delay
    assert "clock_stepped" in world.services.health.banners
    assert "clock_clamped" in kinds(await world.incident())


async def test_deadlines_are_clamped_at_start(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    await world.act("acknowledge", await world.incident())
    world.clock.step_wall(seconds=-86400)
    await world.anju.escalator.begin()
    stored = await world.stored(await world.incident())
    assert stored.due_at is not None
    assert stored.due_at - world.clock.now() <= timedelta(seconds=stored.due_delay_s)


async def test_a_clock_set_forward_only_makes_things_due(world: World) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder(contacts=2))
    await world.press(button)
    world.clock.step_wall(seconds=7200)
    await world.settle()
    assert world.calls_to(2)
    assert (await world.incident())["due_at"] is not None


async def test_times_are_answered_with_a_zone_and_told_in_the_homes(world: World) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    await world.reads("meter-1", 100.0)
    world.clock.advance(hours=1)
    await world.reads("meter-1", 100.05)
    for _ in range(13):
        world.clock.advance(hours=1)
        await world.reads("meter-1", 100.05)
    incident = await world.incident(kind="no_water_use")
    assert incident["opened_at"].endswith(("Z", "+00:00"))
    assert "03-01 09:15" in incident["title"], "last use, on the clock in the kitchen"


async def test_a_restart_takes_up_every_deadline_where_it_was(world: World) -> None:
    """Deadlines are columns: another process with the same database goes on."""
    from gateway.bootstrap import Anju

    await world.phone_channels()
    button = await world.button(await world.elder(contacts=2))
    await world.press(button)
    second = Anju(world.anju.settings, roles=(), clock=world.clock)
    world.clock.advance(seconds=61)
    await second.escalator.begin()
    assert await second.escalator.step() == 1
    await world.settle()
    assert world.calls_to(2)
    await second.stop()


async def look(world: World, *, listened: bool = True) -> None:
    """Judge every device that is due, as the watcher does."""
    now = world.clock.now()
    async with world.services.db.transaction() as session:
        due = await watching.due_devices(session, now, judge_silent=listened)
        await watching.watch(session, due, now, judge_silent=listened)


async def test_silence_of_a_device_counts_only_while_we_listened(world: World) -> None:
    button = await world.button(await world.elder())
    await world.event(button, "heartbeat")
    world.clock.advance(hours=73)  # a button checks in once a day; three times missed
    await look(world, listened=False)
    assert await world.incidents() == []
    await look(world, listened=True)
    offline = await world.incident()
    assert (offline["kind"], offline["device_id"]) == ("device_offline", button)
    await world.event(button, "heartbeat")
    assert (await world.incident())["condition"] == "cleared"


async def test_a_device_that_never_spoke_is_noticed_after_a_day(world: World) -> None:
    button = await world.button(await world.elder())
    for hours, expected in ((23, 0), (2, 1)):
        world.clock.advance(hours=hours)
        await look(world, listened=True)
        assert len(await world.incidents(kind="never_online")) == expected
    assert (await world.incident())["device_id"] == button
