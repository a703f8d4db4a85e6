"""The schemes' further devices, from what they say to who is told: on the real app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.intake import watching
from alerting.tables import EventRow
from tests.support.world import World, kinds

NIGHT = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
HOME = (23.13171, 113.26627)


def title(incident: dict[str, Any]) -> str:
    text: str = incident["timeline"][0]["text"]
    return text


def set_clock(world: World, at: datetime) -> None:
    world.clock.advance(seconds=((at - world.clock.now()) % timedelta(days=1)).total_seconds())


async def watch_devices(world: World) -> None:
    """What the watcher does every ten seconds."""
    async with world.services.db.transaction() as session:
        now = world.clock.now()
        due = await watching.due_devices(session, now, judge_silent=False)
        await watching.watch(session, due, now, judge_silent=False)
    await world.settle()


async def at_place(world: World, device: str, metres_north: float, **data: Any) -> None:
    latitude, longitude = HOME
    place = {"latitude": latitude + metres_north / 111_195, "longitude": longitude}
    await world.event(device, "location", data=place | data)
    await world.settle()


async def test_gas_rings_everybody_at_once_with_the_room_in_the_title(world: World) -> None:
    elder = await world.elder(contacts=1)
    await world.phone_channels()
    await world.device("gas-1", "gas_detector", home_id=elder["home_id"], room="厨房")
    await world.event("gas-1", "gas")
    await world.settle()
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("gas", "life_safety")
    assert "厨房" in title(incident)
    assert world.calls_to(1)


async def test_a_leak_is_a_matter_of_welfare_and_clears_when_it_is_dry(world: World) -> None:
    elder = await world.elder()
    await world.device("leak-1", "leak_sensor", home_id=elder["home_id"], room="卫生间")
    await world.event("leak-1", "leak")
    await world.event("leak-1", "leak_clear")
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("leak", "welfare")
    assert "卫生间" in title(incident)
    assert incident["condition"] == "cleared"
    assert incident["stage"] == "open"


async def test_a_call_terminal_calls_for_help_for_its_home(world: World) -> None:
    elder = await world.elder()
    await world.device("term-1", "call_terminal", elder_id=elder["id"])
    await world.event("term-1", "sos", data={"by": "voice"})
    await world.hears("anju/v1/term-1/event", b"{broken")
    found = {one["kind"]: one for one in await world.incidents()}
    assert found["sos"]["elder_id"] == elder["id"]
    assert found["unreadable"]["severity"] == "life_safety"


async def test_one_blood_pressure_outside_waits_for_a_second_and_far_outside_does_not(
    world: World,
) -> None:
    elder = await world.elder()
    await world.device("bp-1", "health_monitor", elder_id=elder["id"])
    await world.event("bp-1", "vitals", data={"systolic": 172, "diastolic": 95, "heart_rate": 0})
    assert await world.incidents() == []
    world.clock.advance(minutes=10)
    await world.event("bp-1", "vitals", data={"systolic": 176, "diastolic": 96})
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("vitals", "welfare")
    assert incident["elder_id"] == elder["id"]
    assert "收缩压 176 mmHg（界限 90–160）" in title(incident)
    await world.reads("bp-1", 33, "heart_rate", "1/min")
    said = [one["text"] for one in (await world.incident())["timeline"] if one["kind"] == "finding"]
    assert ["心率 33 次/分" in text for text in said] == [True]
    world.clock.advance(minutes=10)
    await world.event("bp-1", "vitals", data={"systolic": 140, "heart_rate": 70})
    assert (await world.incident())["condition"] == "cleared"


async def test_limits_of_the_elder_hold_from_the_next_message(world: World) -> None:
    elder = await world.elder()
    await world.device("watch-1", "watch", elder_id=elder["id"])
    rules = {"vitals": {"heart_rate": [40, 90]}}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json={"rules": rules})
    for _ in range(2):
        world.clock.advance(minutes=5)
        await world.reads("watch-1", 100, "heart_rate", "1/min")
    assert "界限 40–90" in title(await world.incident(kind="vitals"))
    world.clock.advance(minutes=5)
    wider = {"vitals": {"heart_rate": [40, 130]}}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json={"rules": wider})
    await world.reads("watch-1", 100, "heart_rate", "1/min")
    assert (await world.incident(kind="vitals"))["condition"] == "cleared"


async def test_out_of_bed_at_night_for_half_an_hour_sends_somebody(world: World) -> None:
    elder = await world.elder()
    await world.device("bed-1", "bed_sensor", home_id=elder["home_id"])
    set_clock(world, NIGHT)
    await world.event("bed-1", "in_bed")
    world.clock.advance(hours=3)
    await world.event("bed-1", "out_of_bed")
    world.clock.advance(minutes=29)
    await watch_devices(world)
    assert await world.incidents() == []
    world.clock.advance(minutes=2)
    await watch_devices(world)
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("out_of_bed", "welfare")
    assert "离床已 30 分钟" in title(incident)
    await world.event("bed-1", "in_bed")
    assert (await world.incident())["condition"] == "cleared"


async def test_back_in_bed_in_time_and_getting_up_by_day_are_nobodys_business(
    world: World,
) -> None:
    elder = await world.elder()
    await world.device("bed-1", "bed_sensor", home_id=elder["home_id"])
    set_clock(world, NIGHT)
    await world.event("bed-1", "out_of_bed")
    world.clock.advance(minutes=10)
    await world.event("bed-1", "in_bed")
    world.clock.advance(hours=8)  # 07:10
    await world.event("bed-1", "out_of_bed")
    for _ in range(4):
        world.clock.advance(hours=1)
        await watch_devices(world)
    assert await world.incidents() == []


async def test_the_elders_own_night_and_patience_hold(world: World) -> None:
    elder = await world.elder(rules={"out_of_bed": {"from": "20:00", "minutes": 5}})
    await world.device("bed-1", "bed_sensor", home_id=elder["home_id"])
    set_clock(world, NIGHT - timedelta(hours=2, minutes=30))  # 20:30
    await world.event("bed-1", "out_of_bed")
    world.clock.advance(minutes=6)
    await watch_devices(world)
    assert "离床已 5 分钟" in title(await world.incident())


async def test_an_elder_with_dementia_beyond_the_fence_is_found_and_comes_back(
    world: World,
) -> None:
    elder = await world.elder(categories=["dementia"])
    place = {"latitude": HOME[0], "longitude": HOME[1], "fence_m": 400}
    await world.admin.expect(200, "PATCH", f"homes/{elder['home_id']}", json=place)
    await world.device("loc-1", "locator", elder_id=elder["id"])
    await at_place(world, "loc-1", 50, accuracy_m=20)
    world.clock.advance(minutes=5)
    await at_place(world, "loc-1", 820, accuracy_m=20)
    assert await world.incidents() == []  # one fix may lie
    world.clock.advance(minutes=5)
    await at_place(world, "loc-1", 830, accuracy_m=20)
    incident = await world.incident()
    assert (incident["kind"], incident["elder_id"]) == ("left_home", elder["id"])
    assert "距家 830 米（围栏 400 米）" in title(incident)
    world.clock.advance(minutes=5)
    await at_place(world, "loc-1", 30, accuracy_m=20)
    assert (await world.incident())["condition"] == "cleared"


async def test_others_are_not_followed_unless_somebody_asked_for_it(world: World) -> None:
    elder = await world.elder()
    place = {"latitude": HOME[0], "longitude": HOME[1]}
    await world.admin.expect(200, "PATCH", f"homes/{elder['home_id']}", json=place)
    await world.device("loc-1", "locator", elder_id=elder["id"])
    for _ in range(3):
        world.clock.advance(minutes=5)
        await at_place(world, "loc-1", 5000, accuracy_m=10)
    assert await world.incidents() == []
    rules = {"left_home": {"when": "always"}}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json={"rules": rules})
    world.clock.advance(minutes=5)
    await at_place(world, "loc-1", 5000, accuracy_m=10)
    assert [one["kind"] for one in await world.incidents()] == ["left_home"]


async def test_a_door_at_night_is_told_for_those_who_may_not_find_back(world: World) -> None:
    elder = await world.elder(categories=["dementia"])
    other = await world.elder("张福生")
    await world.device("door-1", "door_contact", home_id=elder["home_id"])
    await world.device("door-2", "door_contact", home_id=other["home_id"])
    set_clock(world, NIGHT - timedelta(hours=11))  # noon
    for door in ("door-1", "door-2"):
        await world.event(door, "door_open")
        await world.event(door, "door_closed")
    assert await world.incidents() == []
    set_clock(world, NIGHT + timedelta(hours=4))  # 03:00
    for door in ("door-1", "door-2"):
        await world.event(door, "door_open")
    incident = await world.incident()
    assert (incident["kind"], incident["device_id"]) == ("left_home", "door-1")
    assert "夜间家门打开" in title(incident)
    await world.event("door-1", "door_open")  # it re-states its level
    assert kinds(await world.incident()).count("finding") == 0


async def test_motion_and_its_absence_are_kept_and_tell_nobody(world: World) -> None:
    elder = await world.elder()
    await world.device("pir-1", "motion_sensor", home_id=elder["home_id"])
    await world.event("pir-1", "motion")
    await world.event("pir-1", "no_motion")
    assert await world.count(EventRow) == 2
    assert await world.incidents() == []


async def test_limits_that_make_no_sense_are_refused_by_name(world: World) -> None:
    elder = await world.elder()
    for rules, field in (
        ({"vitals": {"heart_rate": [110, 50]}}, "rules.vitals.heart_rate"),
        ({"vitals": {"spo2": [5, 100]}}, "rules.vitals.spo2"),
        ({"vitals": {"mood": [1, 2]}}, "rules.vitals.mood"),
        ({"out_of_bed": {"from": "25:00"}}, "rules.out_of_bed.from"),
        ({"out_of_bed": {"minutes": 0}}, "rules.out_of_bed.minutes"),
        ({"left_home": {"when": "sometimes"}}, "rules.left_home.when"),
    ):
        answer = await world.admin.call("PATCH", f"elders/{elder['id']}", json={"rules": rules})
        assert answer.status_code == 422, rules
        assert answer.json()["errors"][0]["field"].startswith(field), answer.text
    half = await world.admin.call("PATCH", f"homes/{elder['home_id']}", json={"latitude": 23.1})
    assert half.status_code == 422
    assert half.json()["errors"][0]["field"] == "longitude"
