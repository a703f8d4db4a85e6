"""A meter's memory is lost, or unreadable: it comes back from readings, and no gap is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from alerting.detect import load_state
from alerting.detectors.habit import Habit
from alerting.fleet import rebuilding
from alerting.fleet.meanwhile import resting_spans
from alerting.fleet.rebuilding import MOST, thinned
from alerting.intake.store import save_readings
from alerting.tables import DeviceStateRow
from alerting.trial import pieces
from alerting.trial.replay import Act, Replay
from care.tables import DeviceLog
from tests.detection.test_adaptive import Home, meter
from tests.stories.test_time import look
from tests.support.world import World

METER = "water-1"
RUBBISH = "[1,[["


class Remembered(Home):
    """A home whose readings are kept as the database keeps them."""

    def __init__(self, preset: str) -> None:
        super().__init__(meter(preset, zone="Asia/Shanghai"))
        self.readings: list[tuple[datetime, float]] = []

    def passes(self, litres: float, in_h: float = 1) -> list[Any]:
        found = super().passes(litres, in_h)
        self.readings.append((self.now, self.litres / 1000))
        return found


async def known_home(world: World, preset: str = "adaptive-quiet") -> Remembered:
    """A meter that has been read for five weeks, until this morning at eight."""
    grandma = await world.elder()
    rules = {"no_water_use": {"preset": preset}}
    await world.device(METER, "water_meter", home_id=grandma["home_id"], rules=rules)
    past = Remembered(preset)
    past.lives(35 + 8 / 24)
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    async with world.services.db.transaction() as session:
        rows = [(METER, "water_total", at, value) for at, value in past.readings]
        await save_readings(session, rows)
        session.add(DeviceStateRow(device_id=METER, state=past.watch.text, last_heard_at=past.now))
    return past


async def reads_on(world: World, past: Remembered, for_h: int, litres: float = 0) -> None:
    for _ in range(for_h):
        world.clock.advance(hours=1)
        past.litres += litres
        await world.reads(METER, past.litres / 1000)


async def state_of(world: World) -> str:
    return (await world.device_state(METER)).state


async def learnt_of(world: World, device_id: str) -> Habit:
    water = load_state((await world.device_state(device_id)).state).water
    assert water is not None and water.habit is not None
    return water.habit


async def spoil(world: World) -> None:
    async with world.services.db.transaction() as session:
        row = update(DeviceStateRow).where(DeviceStateRow.device_id == METER)
        await session.execute(row.values(state=RUBBISH))


@pytest.mark.parametrize("preset", ["adaptive", "fixed-12h-24h-10l"])
async def test_nothing_was_lost_so_what_is_made_anew_is_the_same_to_the_bit(
    world: World, preset: str
) -> None:
    past = await known_home(world, preset)
    live = await state_of(world)
    await spoil(world)
    made = await world.admin.post(f"devices/{METER}/rebuild")
    assert await state_of(world) == live
    assert made["device_id"] == METER
    assert made["readings"] == len(past.readings)
    assert datetime.fromisoformat(made["since"]) == past.readings[0][0]
    assert made["learnt_days"] == (0 if preset.startswith("fixed") else past.habit.days)
    assert made["standing"] == []
    async with world.services.db.reading() as session:
        query = select(DeviceLog.kind).where(DeviceLog.device_id == METER)
        assert "rebuilt" in (await session.scalars(query)).all()


@pytest.mark.parametrize("every_s", [3600, 600, 300])
def test_an_ordinary_meter_is_replayed_whole(every_s: int) -> None:
    times = list(range(0, 120 * 86400, every_s))
    values = [float(at) for at in times]
    assert thinned(times, values) == (times, values)


@pytest.mark.parametrize("every_s", [60, 10, 1])
def test_a_meter_read_every_minute_is_replayed_in_fewer_steps(every_s: int) -> None:
    every = list(range(0, 120 * 86400 // (60 // every_s), every_s))
    times, values = thinned(every, [float(at) for at in every])
    assert len(times) <= MOST
    assert values == [float(at) for at in times]
    last_day = [at for at in every if at >= every[-1] - 86400][-MOST:]
    assert times[-len(last_day) :] == last_day
    before = times[: -len(last_day)]
    assert all(300 <= later - at <= 600 for at, later in pairwise(before))


@pytest.mark.parametrize("outcome", ["false_alarm", "nobody_home"])
async def test_what_people_know_and_found_out_is_part_of_it(world: World, outcome: str) -> None:
    past = await known_home(world)
    await reads_on(world, past, 14)
    incident = await world.incident(kind="no_water_use")
    live = await state_of(world)
    made = await world.admin.post(f"devices/{METER}/rebuild")
    assert made["standing"] == ["no_water_use"]
    assert await state_of(world) == live
    await world.anju.watcher.watch_devices()
    assert (await world.stored(incident)).findings == 1, "nobody is told twice"
    world.clock.advance(minutes=20)
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": outcome, "reason": "看过了"})
    await reads_on(world, past, 3, litres=40)
    live = await state_of(world)
    await world.admin.post(f"devices/{METER}/rebuild")
    assert await state_of(world) == live


async def test_an_unreadable_state_heals_by_itself_and_its_gap_runs_on(world: World) -> None:
    past = await known_home(world)
    used_at = past.now
    await reads_on(world, past, 2)
    await spoil(world)
    await reads_on(world, past, 1)
    assert load_state(await state_of(world)).rebuilt, "it says so until it is made anew"
    assert await world.incidents() == []
    await world.anju.watcher.watch_devices()
    past.stands_still(3)
    assert await state_of(world) == past.watch.text, "as if nothing had happened"
    assert await world.incidents() == []
    await reads_on(world, past, 8)
    incident = await world.incident(kind="no_water_use")
    since = datetime.fromisoformat((await world.stored(incident)).facts["since"])
    assert since == used_at


async def test_a_gap_that_nobody_was_told_of_is_found_once_the_state_is_back(world: World) -> None:
    past = await known_home(world)
    await reads_on(world, past, 2)
    await spoil(world)
    await reads_on(world, past, 10)
    assert await world.incidents() == [], "the unreadable state knew nothing of the gap"
    await world.anju.watcher.watch_devices()
    incident = await world.incident(kind="no_water_use")
    since = datetime.fromisoformat((await world.stored(incident)).facts["since"])
    assert since == past.now


async def test_a_swapped_meter_knows_the_home_and_nothing_of_the_old_register(world: World) -> None:
    past = await known_home(world)
    before = len(past.readings)
    world.clock.advance(minutes=10)
    await world.admin.post(f"devices/{METER}/swap-meter", {"start_value": 0.5})
    past.litres = 500
    await reads_on(world, past, 3, litres=10)
    live = await state_of(world)
    assert (await learnt_of(world, METER)).days >= 28, "the same people live there"
    made = await world.admin.post(f"devices/{METER}/rebuild")
    assert made["readings"] == before + 4 and made["learnt_days"] >= 28
    assert await state_of(world) == live

    await reads_on(world, past, 8, litres=0)
    quiet = await world.incident(kind="no_water_use")
    facts = (await world.stored(quiet)).facts
    assert facts["hours"] < 14, "by the home's own limit, not by that of a home nobody knows"


async def test_swapped_before_it_could_be_read_again_it_is_still_made_anew(world: World) -> None:
    past = await known_home(world)
    await spoil(world)
    await world.admin.post(f"devices/{METER}/swap-meter", {"start_value": 0.5})
    await world.anju.watcher.watch_devices()
    past.litres = 500
    await reads_on(world, past, 3, litres=10)
    assert (await learnt_of(world, METER)).days >= 28


async def test_a_meter_that_replaces_another_knows_the_home(world: World) -> None:
    await known_home(world)
    known = await learnt_of(world, METER)
    new = {"id": "water-2", "reason": "到期"}
    made = await world.admin.post(f"devices/{METER}/replace", new)
    assert made["id"] == "water-2"
    learnt = await learnt_of(world, "water-2")
    assert (learnt.days, learnt.cells, learnt.margins) == (known.days, known.cells, known.margins)
    assert not learnt.used_at, "its own register has not been read yet"
    world.clock.advance(hours=23)
    await look(world, listened=True)
    assert await world.incidents(device_id="water-2") == []
    world.clock.advance(hours=2)
    await look(world, listened=True)
    never = await world.incidents(device_id="water-2")
    assert [one["kind"] for one in never] == ["never_online"], "nothing watches over this home"


async def test_what_is_no_meter_begins_with_nothing(world: World) -> None:
    grandma = await world.elder()
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    await world.event("smoke-1", "test")
    async with world.services.db.transaction() as session:
        await session.execute(update(DeviceStateRow).values(state=RUBBISH))
    await world.event("smoke-1", "smoke")
    assert (await world.incident(kind="smoke"))["device_id"] == "smoke-1", "it rings all the same"
    await world.anju.watcher.watch_devices()
    assert not load_state((await world.device_state("smoke-1")).state).rebuilt
    await world.device("meter-9", "water_meter", home_id=grandma["home_id"])
    refused = await world.admin.post("devices/smoke-1/rebuild", status=422)
    assert "no meter" in refused["detail"]
    await world.admin.post("devices/nothing/rebuild", status=404)
    officer = await world.sign_in("li", "duty_officer")
    await officer.post("devices/meter-9/rebuild", status=403)
    made = await (await world.sign_in("wang", "supervisor")).post("devices/meter-9/rebuild")
    assert (made["readings"], made["since"]) == (0, None)


@pytest.mark.parametrize(
    ("elders", "entries", "spans"),
    [
        (["a"], [("a", 20, "away"), ("a", 30, "home")], [(20, Act.AWAY), (30, Act.HOME)]),
        (["a"], [("a", 5, "away"), ("a", 30, "home")], [(10, Act.AWAY), (30, Act.HOME)]),
        (["a"], [("a", 5, "away"), ("a", 8, "home")], []),
        (["a"], [("a", 20, "away"), ("a", 25, "hospital")], [(20, Act.AWAY)]),
        (["a", "b"], [("a", 20, "away"), ("a", 30, "home")], []),
        (["a", "b"], [("a", 20, "away"), ("b", 30, "hospital"), ("a", 40, "home")],
         [(30, Act.AWAY), (40, Act.HOME)]),
        ([], [("a", 20, "away")], []),
    ],
)  # fmt: skip
def test_a_home_rests_while_all_of_its_people_are_away(
    elders: list[str], entries: list[tuple[str, int, str]], spans: list[tuple[int, Act]]
) -> None:
    assert [(one.at, one.act) for one in resting_spans(elders, entries, 10)] == spans


Meanwhile = Callable[[], Coroutine[Any, Any, Any]]


def meanwhile(monkeypatch: pytest.MonkeyPatch, *happens: Meanwhile | None) -> list[int]:
    """What happens while the replay runs in its thread, the first time, the second …"""
    loop, replays, waiting = asyncio.get_running_loop(), [], list(happens)

    def replay(course: Replay, times: Sequence[int], *rest: Any) -> None:
        pieces.run_in_pieces(course, times, *rest)
        replays.append(len(times))
        act = waiting.pop(0) if waiting else None
        if act is not None:
            asyncio.run_coroutine_threadsafe(act(), loop).result(timeout=30)

    monkeypatch.setattr(rebuilding, "run_in_pieces", replay)
    return replays


async def test_what_arrives_while_it_is_replayed_is_caught_up_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the replay, and it loses nothing of what came meanwhile."""
    past = await known_home(world)

    async def three_hours() -> None:
        await reads_on(world, past, 3, litres=4)

    replays = meanwhile(monkeypatch, three_hours)
    made = await world.admin.post(f"devices/{METER}/rebuild")
    live = await world.device_state(METER)
    assert len(replays) == 1
    assert made["readings"] == replays[0] + 3
    await world.admin.post(f"devices/{METER}/rebuild")
    assert (await world.device_state(METER)).state == live.state


async def test_what_changes_the_replay_has_it_made_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = await known_home(world)
    late = past.readings[-1][0] - timedelta(minutes=30)

    async def a_late_reading() -> None:
        async with world.services.db.transaction() as session:
            value = past.readings[-2][1]
            await save_readings(session, [(METER, "water_total", late, value)])

    async def another_rule() -> None:
        rules = {"no_water_use": {"preset": "adaptive-tight"}}
        await world.admin.expect(200, "PATCH", f"devices/{METER}", json={"rules": rules})

    replays = meanwhile(monkeypatch, a_late_reading, another_rule)
    made = await world.admin.post(f"devices/{METER}/rebuild")
    assert replays == [len(past.readings), made["readings"], made["readings"]]
    assert made["readings"] == len(past.readings) + 1
    assert await world.count(DeviceLog) == 2, "enrolled, and made anew once"


async def test_a_meter_that_never_rests_is_left_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = await known_home(world)
    begun = await world.device_state(METER)
    late = past.readings[-1][0]

    async def a_late_reading() -> None:
        nonlocal late
        late -= timedelta(seconds=7)
        async with world.services.db.transaction() as session:
            await save_readings(session, [(METER, "water_total", late, 1.0)])

    meanwhile(monkeypatch, *[a_late_reading] * rebuilding.TRIES)
    refused = await world.admin.post(f"devices/{METER}/rebuild", status=409)
    assert "changed again and again" in refused["detail"]
    assert (await world.device_state(METER)).state == begun.state


async def test_a_meter_that_never_spoke_is_told_of_though_it_was_rebuilt(world: World) -> None:
    grandma = await world.elder()
    await world.device(METER, "water_meter", home_id=grandma["home_id"])
    await world.admin.post(f"devices/{METER}/rebuild")
    world.clock.advance(hours=25)
    await look(world, listened=True)
    assert (await world.incident())["kind"] == "never_online"


async def test_a_replacement_that_is_rebuilt_still_knows_the_home(world: World) -> None:
    past = await known_home(world)
    await world.admin.post(f"devices/{METER}/replace", {"id": "water-2", "reason": "到期"})
    for number in range(4):
        world.clock.advance(hours=1)
        await world.reads("water-2", 0.5 + number / 100)
    live = await learnt_of(world, "water-2")
    made = await world.admin.post("devices/water-2/rebuild")
    assert made["readings"] == len(past.readings) - 1 + 4, "none of the second it was replaced in"
    assert made["learnt_days"] == live.days >= 28
