"""Elders whom nothing watches any more: who notices, when, and who is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from alerting.intake import unwatched, watching
from care.policy import load_policy
from care.tables import Supervision
from devices.event import Message
from tests.support.world import World

RULES = load_policy("guangdong").supervision


async def look(world: World) -> None:
    """Judge devices and elders, as the watcher does while our lanes are well."""
    now, db = world.clock.now(), world.services.db
    async with db.transaction() as session:
        due = await watching.due_devices(session, now, judge_silent=True)
        await watching.watch(session, due, now, judge_silent=True)
    async with db.reading() as session:
        ids = await unwatched.elders_to_judge(session, now)
        mass = await unwatched.look_for_mass_outage(session, now, RULES)
    async with db.transaction() as session:
        await unwatched.watch_elders(session, ids, now, RULES, mass)
    await world.settle()


async def pass_time(world: World, hours: int) -> None:
    """Long waits in two steps: what is noticed at the first is due at the second."""
    for step in (hours - 1, 1) if hours > 1 else (hours,):
        world.clock.advance(hours=step)
        await look(world)


async def watch_of(world: World, elder: dict[str, Any], ident: str = "watch-1") -> str:
    """A watch speaks every six hours at most: silent after eighteen."""
    await world.device(ident, "watch", elder_id=elder["id"])
    await world.event(ident, "heartbeat")
    return ident


async def bridge(world: World, name: str = "village", **fields: Any) -> str:
    made = await world.admin.post(
        "sources", {"name": name, "family": "zigbee2mqtt", "prefix": name, **fields}
    )
    return str(made["id"])


async def smoke_detector(world: World, source: str, prefix: str, number: int, home: str) -> str:
    """A smoke detector below a bridge that has spoken once."""
    ident = f"{prefix}-smoke-{number}"
    await world.admin.post(
        "devices",
        {
            "id": ident,
            "family": "zigbee2mqtt",
            "source_id": source,
            "child_id": ident,
            "role": "smoke_detector",
            "home_id": home,
        },
    )
    await world.hears(f"{prefix}/{ident}", {"smoke": False, "battery": 90})
    return ident


async def says(world: World, prefix: str, online: bool) -> None:
    state = {"state": "online" if online else "offline"}
    await world.hears(f"{prefix}/bridge/state", json.dumps(state).encode())


async def test_an_elder_whom_nothing_watches_becomes_a_task_after_a_day(world: World) -> None:
    await world.phone_channels()
    elder = await world.elder(contacts=2)
    await watch_of(world, elder)
    await pass_time(world, 23)
    assert await world.incidents(kind="unsupervised") == []
    await pass_time(world, 2)
    (task,) = await world.incidents(kind="unsupervised")
    whole = await world.admin.get(f"incidents/{task['id']}")
    assert (whole["severity"], whole["elder_id"]) == ("welfare", elder["id"])
    assert "没有任何设备看护（手表失联）" in whole["timeline"][0]["text"]
    assert world.sms_to(1), "the contacts are told at once"
    await world.advance(minutes=11)
    assert world.calls_to(1), "then they are called"
    await world.advance(minutes=16)
    assert world.calls_to(2), "nobody took it: the next one is called"


async def test_a_key_elder_is_asked_after_sooner(world: World) -> None:
    elder = await world.elder(tier="key")
    await watch_of(world, elder)
    await pass_time(world, 18)
    assert await world.incidents(kind="unsupervised") == []
    await pass_time(world, 1)
    assert len(await world.incidents(kind="unsupervised")) == 1


async def test_any_one_device_that_works_watches(world: World) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    await world.device("meter", "water_meter", home_id=elder["home_id"])
    for hour in range(4):
        await world.reads("meter", 100 + hour / 100)
        await pass_time(world, 10)
    assert await world.incidents(kind="unsupervised") == []
    assert len(await world.incidents(kind="device_offline")) == 1


async def test_it_comes_back_and_the_case_stays_peoples(world: World) -> None:
    elder = await world.elder()
    watch = await watch_of(world, elder)
    await pass_time(world, 25)
    await world.event(watch, "heartbeat")
    await look(world)
    (task,) = await world.incidents(kind="unsupervised")
    assert (task["stage"], task["condition"]) == ("open", "cleared")
    assert await world.count(Supervision) == 0


async def test_a_device_that_returns_in_time_stops_the_clock(world: World) -> None:
    elder = await world.elder()
    watch = await watch_of(world, elder)
    await pass_time(world, 20)
    assert await world.count(Supervision) == 1
    await world.event(watch, "heartbeat")
    await pass_time(world, 10)
    assert await world.count(Supervision) == 0
    assert await world.incidents(kind="unsupervised") == []


@pytest.mark.parametrize("status", ["away", "hospital", "moved", "deceased"])
async def test_nobody_is_sent_to_an_elder_who_is_not_at_home(world: World, status: str) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    change = {"status": status}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=change)
    await pass_time(world, 30)
    assert await world.incidents(kind="unsupervised") == []
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json={"status": "home"})
    await pass_time(world, 2)
    assert len(await world.incidents(kind="unsupervised")) == 1


async def test_a_case_that_ended_is_asked_again_while_nothing_watches(world: World) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    await pass_time(world, 25)
    (task,) = await world.incidents(kind="unsupervised")
    await world.act("acknowledge", task)
    await world.act("outcome", task, {"outcome": "assisted", "reason": "老人平安"})
    await pass_time(world, 71)
    assert len(await world.incidents(kind="unsupervised")) == 1
    await pass_time(world, 2)
    assert len(await world.incidents(kind="unsupervised", stage="open")) == 1


async def test_a_couple_is_one_task(world: World) -> None:
    elder = await world.elder()
    await world.elder("王演示", home_id=elder["home_id"])
    await world.device("bed", "bed_sensor", home_id=elder["home_id"])
    await world.event("bed", "heartbeat")
    await pass_time(world, 26)
    (task,) = await world.incidents(kind="unsupervised")
    assert (task["home_id"], task["elder_id"]) == (elder["home_id"], None)
    await world.event("bed", "heartbeat")
    await look(world)
    assert (await world.incidents(kind="unsupervised"))[0]["condition"] == "cleared"


async def village(world: World, homes: int, source: str, area: str) -> list[dict[str, Any]]:
    elders = []
    for number in range(homes):
        elder = await world.elder(f"老人{number}", contacts=0, area_id=area)
        await smoke_detector(world, source, "village", number, elder["home_id"])
        elders.append(elder)
    return elders


async def area_of(world: World) -> str:
    made = await world.admin.post("areas", {"name": "演示村", "level": "village"})
    return str(made["id"])


async def test_a_lost_bridge_is_one_incident_that_names_whom_it_leaves_unwatched(
    world: World,
) -> None:
    area = await area_of(world)
    source = await bridge(world, area_id=area)
    elders = await village(world, 3, source, area)
    await watch_of(world, elders[0])
    await says(world, "village", False)
    (lost,) = await world.incidents(kind="device_offline")
    whole = await world.stored(lost)
    assert whole.facts["elders"] == sorted(elder["id"] for elder in elders[1:])
    assert lost["severity"] == "technical"
    for hours in (11, 12):
        await world.event("watch-1", "heartbeat")
        await pass_time(world, hours)
    assert len(await world.incidents()) == 1, "no child opens one of its own"
    listed = (await world.admin.get("supervision"))["items"]
    assert {row["elder_id"] for row in listed} == set(whole.facts["elders"])
    await pass_time(world, 2)
    tasks = await world.incidents(kind="unsupervised")
    assert {task["elder_id"] for task in tasks} == set(whole.facts["elders"])
    await says(world, "village", True)
    await look(world)
    assert {task["condition"] for task in await world.incidents()} == {"cleared"}


async def test_a_child_that_stays_away_after_its_bridge_came_back_is_found(world: World) -> None:
    area = await area_of(world)
    source = await bridge(world, area_id=area)
    await village(world, 2, source, area)
    await says(world, "village", False)
    await pass_time(world, 80)
    await says(world, "village", True)
    assert len(await world.incidents(kind="device_offline")) == 1
    await pass_time(world, 70)
    await world.hears("village/village-smoke-1", {"smoke": False})
    await pass_time(world, 8)
    found = {one["device_id"] for one in await world.incidents(kind="device_offline")}
    assert found == {None, "village-smoke-0"}


async def test_a_bridge_that_falls_silent_without_a_word_is_lost_too(world: World) -> None:
    area = await area_of(world)
    source = await bridge(world, area_id=area)
    await village(world, 2, source, area)
    await pass_time(world, 80)
    (lost,) = await world.incidents(kind="device_offline")
    assert lost["device_id"] is None
    assert len((await world.stored(lost)).facts["elders"]) == 2
    await world.hears("village/village-smoke-0", {"smoke": False})
    await look(world)
    assert (await world.stored(lost)).condition == "cleared", "no birth message is needed"


@pytest.mark.parametrize("reason", ["mass_outage", "extreme_weather"])
async def test_six_hours_in_extreme_weather_or_a_mass_outage(world: World, reason: str) -> None:
    area = await area_of(world)
    source = await bridge(world, area_id=area)
    await village(world, 5 if reason == "mass_outage" else 1, source, area)
    if reason == "extreme_weather":
        until = (world.clock.now() + timedelta(days=1)).isoformat()
        switch = {"alert_until": until, "alert_reason": "台风"}
        shown = await world.admin.expect(200, "PATCH", f"areas/{area}", json=switch)
        assert shown["alert_reason"] == "台风"
    await says(world, "village", False)
    await pass_time(world, 5)
    assert await world.incidents(kind="unsupervised") == []
    await pass_time(world, 2)
    tasks = await world.incidents(kind="unsupervised")
    assert len(tasks) == (5 if reason == "mass_outage" else 1)
    assert (await world.stored(tasks[0])).facts["extreme"] == reason


async def test_a_meter_that_speaks_without_its_register_no_longer_watches(world: World) -> None:
    elder = await world.elder()
    await world.device("meter", "water_meter", home_id=elder["home_id"])
    await world.reads("meter", 100.0)
    for hours in (10, 10, 8, 1):
        await pass_time(world, hours)
        await world.event("meter", "heartbeat")
    await pass_time(world, 2)
    (silent,) = await world.incidents(kind="cannot_assess")
    assert (await world.stored(silent)).facts["reason"] == "register_silent"
    assert await world.incidents(kind="device_offline") == []
    assert len(await world.incidents(kind="unsupervised")) == 1
    await world.reads("meter", 100.2)
    await look(world)
    assert {one["condition"] for one in await world.incidents()} == {"cleared"}


async def test_a_device_whose_silence_means_nothing_neither_watches_nor_is_lost(
    world: World,
) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    await world.admin.expect(200, "PATCH", "devices/watch-1", json={"supervisable": False})
    assert (await world.admin.get("devices/watch-1"))["supervisable"] is False
    await pass_time(world, 60)
    assert await world.incidents() == []
    await world.button(elder, "btn-2")
    await world.event("btn-2", "heartbeat")
    await world.admin.expect(200, "PATCH", "devices/btn-2", json={"expected_every_s": 3600})
    await pass_time(world, 25)
    assert len(await world.incidents(kind="unsupervised")) == 1, "the watch is no proof"


async def test_a_device_that_speaks_often_is_missed_sooner(world: World) -> None:
    elder = await world.elder()
    button = await world.button(elder)
    begin, beats = world.clock.now(), 24 * 20
    topic = f"anju/v1/{button}/event"
    await world.hear_all(
        [
            Message(
                topic=topic,
                payload=b'{"kind": "heartbeat"}',
                received_at=begin + timedelta(hours=hour),
            )
            for hour in range(beats)
        ],
        "urgent",
    )
    world.clock.advance(hours=beats)
    state = await world.device_state(button)
    assert state.interval_s is not None
    assert state.interval_s < 6 * 3600
    await pass_time(world, 3)
    assert await world.incidents() == []
    await pass_time(world, 33)
    assert len(await world.incidents(kind="device_offline")) == 1, "not only after 72 h"
