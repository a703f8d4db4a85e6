"""A device's life after enrolment: replaced, swapped, moved, latched, and on record throughout."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from alerting.tables import ReadingRow
from care.tables import Device, DeviceLog, Hazard
from gateway.housekeeping import prune
from tests.support.world import World, kinds

IEEE = "0x00158d0000000301"


async def bridge(world: World, prefix: str, name: str, **fields: Any) -> str:
    made = await world.admin.post(
        "sources", {"name": name, "family": "zigbee2mqtt", "prefix": prefix, **fields}
    )
    return str(made["id"])


async def smoke_detector(world: World, source_id: str, **fields: Any) -> dict[str, Any]:
    body = {"id": "smoke-1", "family": "zigbee2mqtt", "source_id": source_id, "child_id": IEEE}
    made: dict[str, Any] = await world.admin.post(
        "devices", body | {"role": "smoke_detector", "room": "客厅", **fields}
    )
    return made


async def log_kinds(world: World, device: str) -> list[str]:
    async with world.services.db.reading() as session:
        query = select(DeviceLog.kind).where(DeviceLog.device_id == device).order_by(DeviceLog.id)
        return list((await session.scalars(query)).all())


async def keep_house(world: World) -> None:
    async with world.services.db.transaction() as session:
        await prune(session, world.clock.now())


async def test_a_replaced_button_hands_over_its_place_and_keeps_its_past(world: World) -> None:
    elder = await world.elder()
    await world.device("btn-1", "sos_button", elder_id=elder["id"], room="卧室", rules={"a": {}})
    await world.press("btn-1", ident="boot-1")
    old_case = await world.incident(kind="sos")
    world.clock.advance(hours=1)

    made = await world.admin.post("devices/btn-1/replace", {"id": "btn-2", "reason": "进水"})

    assert made["mqtt"]["username"] == "btn-2" and made["mqtt"]["password"]
    same = ("elder_id", "home_id", "area_id", "role", "room", "rules")
    old = await world.admin.get("devices/btn-1")
    assert {name: made[name] for name in same} == {
        name: old[name] for name in same if name not in ("elder_id", "home_id")
    } | {"elder_id": elder["id"], "home_id": elder["home_id"]}
    assert made["replaces_id"] == "btn-1" and made["in_service_at"] is None
    assert old["active"] is False and old["retired_at"] is not None and old["home_id"] is None
    row = await world.row(Device, "btn-1")
    assert row.mqtt_password_hash is None, "its credentials are dead"
    assert await log_kinds(world, "btn-1") == ["enrolled", "replaced"]
    assert await log_kinds(world, "btn-2") == ["enrolled", "replaces"]

    still = await world.admin.get(f"incidents/{old_case['id']}")
    assert still["device_id"] == "btn-1" and still["elder_id"] == elder["id"]
    again = await world.event("btn-2", "sos", ident="boot-1")
    assert again.incidents == (old_case["id"],), "the same elder's case, though the id was used"
    refused = await world.admin.post("devices/btn-1/replace", {"id": "x", "reason": "y"}, 409)
    assert "btn-2" in refused["detail"]


async def test_an_alarm_of_a_retired_device_still_reaches_people_and_says_whose_it_was(
    world: World,
) -> None:
    elder = await world.elder()
    await world.button(elder)
    await world.admin.post("devices/btn-1/retire", {"reason": "退回厂家"})
    await world.admin.post("devices/btn-1/retire", {"reason": "again"}, 409)

    await world.press("btn-1")

    case = await world.incident(kind="sos")
    assert case["device_id"] is None and case["facts"]["registered_device"] == "btn-1"
    assert case["facts"]["registered_elder"] == elder["id"]

    back = await world.admin.expect(200, "PATCH", "devices/btn-1", json={"active": True})
    assert back["retired_at"] is None and back["elder_id"] == elder["id"]
    assert await log_kinds(world, "btn-1") == ["enrolled", "retired", "unretired"]


async def test_a_swapped_meter_begins_a_new_register_without_a_false_finding(world: World) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    for hour in range(6):
        await world.reads("meter-1", 812.0 + hour * 0.01)
        world.clock.advance(hours=1)

    swapped_at = world.clock.now()
    world.clock.advance(minutes=30)
    await world.reads("meter-1", 0.21)  # the new one speaks before anybody told us
    assert [one["kind"] for one in await world.incidents()] == ["cannot_assess"]

    body = {"at": swapped_at.isoformat(), "final_value": 812.05, "start_value": 0.2}
    await world.admin.post("devices/meter-1/swap-meter", body | {"note": "到期"})
    assert (await world.incident(kind="cannot_assess"))["condition"] == "cleared"
    for hour in range(4):
        world.clock.advance(hours=1)
        await world.reads("meter-1", 0.23 + hour * 0.01)

    assert [one["kind"] for one in await world.incidents()] == ["cannot_assess"]
    assert await log_kinds(world, "meter-1") == ["enrolled", "meter_swapped"]
    assert await world.count(ReadingRow) == 11, "the old register's readings stay"
    state = (await world.device_state("meter-1")).state
    assert "8120" not in state, "nothing of the old register is remembered"


async def test_a_swap_that_cannot_be_is_refused_in_words(world: World) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    await world.button(elder)
    later = (world.clock.now() + timedelta(hours=1)).isoformat()
    long_ago = (world.clock.now() - timedelta(days=32)).isoformat()
    for device, body, field in (
        ("meter-1", {"at": later}, "at"),
        ("meter-1", {"at": long_ago}, "at"),
        ("meter-1", {"start_value": -1}, "start_value"),
        ("btn-1", {}, "role"),
    ):
        refused = await world.admin.post(f"devices/{device}/swap-meter", body, 422)
        assert refused["errors"][0]["field"] == field


async def test_a_child_heard_under_another_source_asks_whether_it_moved(world: World) -> None:
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    north = await bridge(world, "north", "城北网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    topic = f"north/{IEEE}"
    await world.hears(topic, {"smoke": False, "battery": 90}, retained=True)
    assert await world.incidents() == [], "the broker's memory says nothing of the present"

    await world.hears(topic, {"smoke": False, "battery": 90})
    asked = await world.incident(kind="moved")
    assert asked["severity"] == "technical" and asked["device_id"] == "smoke-1"
    assert asked["elder_id"] == elder["id"]
    assert (asked["facts"]["from"], asked["facts"]["to"]) == ("城南网关", "城北网关")
    await world.hears(topic, {"smoke": False, "battery": 90})
    assert (await world.incident(kind="moved"))["findings"] == 1, "asked once"

    await world.hears(topic, {"smoke": True, "battery": 90})
    alarm = await world.incident(kind="smoke")
    assert alarm["mode"] == "actual" and alarm["facts"]["registered_home"] == elder["home_id"]

    moved = await world.admin.post("devices/smoke-1/move", {"source_id": north})
    assert moved["source_id"] == north and moved["home_id"] == elder["home_id"]
    answered = await world.incident(kind="moved")
    assert answered["condition"] == "cleared" and "device_moved" in kinds(answered)
    assert await log_kinds(world, "smoke-1") == ["enrolled", "moved"]
    await world.hears(topic, {"smoke": False, "battery": 80})
    assert (await world.device_state("smoke-1")).battery_pct == 80
    await world.admin.post("devices/smoke-1/move", {"source_id": north}, 422)


async def test_a_dismissed_question_is_not_asked_again(world: World) -> None:
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    await bridge(world, "north", "城北网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    await world.hears(f"north/{IEEE}", {"smoke": False})
    asked = await world.incident(kind="moved")
    await world.act("acknowledge", asked)
    await world.act("outcome", asked, {"outcome": "other", "reason": "两个网关都能收到"})
    await world.act("close", asked)
    await world.hears(f"north/{IEEE}", {"smoke": False})
    assert len(await world.incidents(kind="moved")) == 1


async def test_another_radio_cell_for_good_asks_whether_it_moved(world: World) -> None:
    elder = await world.elder()
    await world.button(elder)

    async def through(*cells: str) -> None:
        for cell in cells:
            await world.event("btn-1", "heartbeat", data={"cell": cell})

    await through("A", "B", "A", "B", "B", "A")
    assert await world.incidents() == []
    await through("B", "B", "B", "B")
    asked = await world.incident(kind="moved")
    assert (asked["facts"]["from"], asked["facts"]["to"]) == ("A", "B")
    assert asked["findings"] == 1 and asked["device_id"] == "btn-1"
    assert (await world.row(Device, "btn-1")).seen_under == "B"


async def test_a_latched_smoke_detector_leaves_its_home_without_until_it_clears(
    world: World,
) -> None:
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    await world.hears(f"south/{IEEE}", {"smoke": True})
    case = await world.incident(kind="smoke")
    await world.act("acknowledge", case)
    await world.act("outcome", case, {"outcome": "false_alarm", "reason": "做饭"})
    world.clock.advance(hours=13)

    for _ in range(3):
        await world.hears(f"south/{IEEE}", {"smoke": True})
    (hazard,) = (await world.admin.get("hazards", code="no_smoke_detection"))["items"]
    fault = await world.incident(kind="fault")
    assert hazard["device_id"] == "smoke-1" and hazard["home_id"] == elder["home_id"]
    assert hazard["incident_id"] == fault["id"] and kinds(fault).count("hazard_found") == 1

    await world.hears(f"south/{IEEE}", {"smoke": False})
    row = await world.row(Hazard, hazard["id"])
    assert row.remedied_at == world.clock.now() and row.remedied_by is None
    assert "安居" in row.remedy
    assert "hazard_remedied" in kinds(await world.incident(kind="fault"))


async def test_who_was_told_of_a_latched_detector_has_twelve_hours_to_replace_it(
    world: World,
) -> None:
    """The bridge repeats "smoke" all along: closing its fault must not open the next at once."""
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    await world.hears(f"south/{IEEE}", {"smoke": True})
    case = await world.incident(kind="smoke")
    await world.act("acknowledge", case)
    await world.act("outcome", case, {"outcome": "false_alarm"})
    world.clock.advance(hours=13)
    await world.hears(f"south/{IEEE}", {"smoke": True})
    fault = await world.incident(kind="fault")
    await world.act("acknowledge", fault)
    await world.act("outcome", fault, {"outcome": "other", "reason": "已订新烟感"})

    for _ in range(11):
        world.clock.advance(hours=1)
        await world.hears(f"south/{IEEE}", {"smoke": True})
    assert [one["id"] for one in await world.incidents(kind="fault")] == [fault["id"]]
    assert len((await world.admin.get("hazards", open=True))["items"]) == 1

    world.clock.advance(hours=1)
    await world.hears(f"south/{IEEE}", {"smoke": True})
    ids = {one["id"] for one in await world.incidents(kind="fault")}
    assert len(ids) == 2, "after that it is a fault again"


async def test_a_replacement_that_passed_its_test_remedies_the_hazard(world: World) -> None:
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    await world.hears(f"south/{IEEE}", {"smoke": True})
    case = await world.incident(kind="smoke")
    await world.act("acknowledge", case)
    await world.act("outcome", case, {"outcome": "false_alarm"})
    world.clock.advance(hours=13)
    await world.hears(f"south/{IEEE}", {"smoke": True})
    (hazard,) = (await world.admin.get("hazards", open=True))["items"]

    made = await world.admin.post(
        "devices/smoke-1/replace", {"child_id": "0x00158d0000000302", "reason": "不复位"}
    )
    assert made["id"] == "smoke-1-2" and made["source_id"] == south
    await keep_house(world)
    assert (await world.row(Hazard, hazard["id"])).remedied_at is None, "it is not tested yet"
    async with world.services.db.transaction() as session:
        (await session.get_one(Device, made["id"])).in_service_at = world.clock.now()
    await keep_house(world)
    assert (await world.row(Hazard, hazard["id"])).remedied_at == world.clock.now()


async def test_what_is_remedied_by_hand_is_not_noted_again_for_the_same_fault(
    world: World,
) -> None:
    elder = await world.elder()
    south = await bridge(world, "south", "城南网关")
    await smoke_detector(world, south, home_id=elder["home_id"])
    await world.hears(f"south/{IEEE}", {"smoke": True})
    case = await world.incident(kind="smoke")
    await world.act("acknowledge", case)
    await world.act("outcome", case, {"outcome": "false_alarm"})
    world.clock.advance(hours=13)
    await world.hears(f"south/{IEEE}", {"smoke": True})
    (hazard,) = (await world.admin.get("hazards", open=True))["items"]
    await world.admin.post(f"hazards/{hazard['id']}/remedy", {"remedy": "另装一台"})
    await world.hears(f"south/{IEEE}", {"smoke": True})
    assert await world.count(Hazard) == 1
