"""What the detector learns from a check, from real readings on."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from alerting.detect import load_state
from alerting.detectors import adaptive
from alerting.detectors.adaptive import Step
from alerting.detectors.habit import TIGHT
from alerting.fleet.meanwhile import what_people_did
from alerting.tables import Check
from alerting.trial.replay import Act
from tests.detection.test_adaptive import Home
from tests.stories.test_quiet_home import habit_in, known_home
from tests.support.checks import ELDER_PHONE, QuietHome
from tests.support.world import World


@pytest.fixture
async def past(world: World, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A known home that just went quiet: the elder's phone rings."""
    monkeypatch.setitem(adaptive.PRESETS, "adaptive", (Step(TIGHT, "check"),))
    await world.phone_channels()
    _, past = await known_home(world, preset="adaptive")
    for _ in range(12):
        world.clock.advance(hours=1)
        await world.reads("water-1", past.litres / 1000)
        if await world.count(Check):
            break
    await world.settle()
    assert world.phone.messages(to=ELDER_PHONE, kind="call")
    return past


async def width(world: World) -> int:
    habit = habit_in(load_state((await world.device_state("water-1")).state))
    return sum(habit.margins + habit.caps)


async def test_a_key_that_says_well_widens_this_home_s_rule(world: World, past: Home) -> None:
    before = await width(world)
    [call] = world.phone.messages(to=ELDER_PHONE, kind="call")
    world.phone.answer(call.id, "1")
    await world.settle()
    assert await width(world) > before


async def test_water_that_runs_again_does_so_too_in_the_batch_that_brings_it(
    world: World, past: Home
) -> None:
    before = await width(world)
    world.clock.advance(minutes=3)
    await world.reads("water-1", (past.litres + 20) / 1000)
    assert await world.count(Check) == 1
    assert await width(world) > before
    row = await world.device_state("water-1")
    water = load_state(row.state).water
    assert water is not None and water.level == 0  # and the reading itself is not forgotten
    assert await world.incidents() == []


@pytest.mark.parametrize("key", ["2", "3"])
async def test_help_and_an_empty_home_teach_nothing(world: World, past: Home, key: str) -> None:
    before = await width(world)
    [call] = world.phone.messages(to=ELDER_PHONE, kind="call")
    world.phone.answer(call.id, key)
    await world.settle()
    assert await width(world) == before


async def test_use_that_another_meter_saw_counts_for_this_one_too(world: World, past: Home) -> None:
    async with world.services.db.reading() as session:
        [check] = await session.scalars(select(Check))
    home_id = check.home_id
    await world.device("water-2", "water_meter", home_id=home_id, rules={})
    other = QuietHome(world)
    other.meter = "water-2"
    world.clock.advance(minutes=3)
    await other.finds("cleared", None)
    water = load_state((await world.device_state("water-1")).state).water
    assert water is not None and water.level == 0
    async with world.services.db.reading() as session:
        told = await what_people_did(session, "water-1", check.opened_at)
    assert {one.act for one in told} == {Act.WAS_FALSE, Act.SEEN}
