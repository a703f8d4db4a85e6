"""Nothing lost: what was said is kept, once, however late, garbled or repeated it comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerting.tables import EventRow, Incident, QuarantineRow
from tests.support.world import World, kinds


async def test_an_unreadable_message_from_a_button_opens_one_unconfirmed_incident(
    world: World,
) -> None:
    button = await world.button(await world.elder())
    for _ in range(3):
        await world.hears(f"anju/v1/{button}/event", b'{"kind": "so')
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("unreadable", "life_safety")
    assert incident["confidence"] == "unconfirmed"
    assert await world.count(QuarantineRow) == 3


async def test_an_unreadable_message_on_anybodys_event_topic_opens_an_incident(
    world: World,
) -> None:
    await world.hears("anju/v1/nobody-knows-me/event", b"\xff\xfe")
    assert (await world.incident())["kind"] == "unreadable"


async def test_an_unreadable_message_from_a_meter_is_only_set_aside(world: World) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    await world.hears("anju/v1/meter-1/telemetry", b"{}]")
    assert await world.incidents() == []
    assert await world.count(QuarantineRow) == 1


async def test_a_word_that_nobody_knows_from_a_button_is_not_passed_over(world: World) -> None:
    button = await world.button(await world.elder())
    await world.event(button, "panic_v2")
    assert (await world.incident())["kind"] == "unreadable"


async def test_a_repeated_event_is_acknowledged_again_and_handled_once(world: World) -> None:
    button = await world.button(await world.elder())
    for _ in range(4):
        await world.press(button, ident="boot7-1")
        world.clock.advance(seconds=4)
    incident = await world.incident()
    assert kinds(incident).count("finding") == 0
    assert world.acks.count((f"anju/v1/{button}/ack", {"id": "boot7-1", "accepted": True})) == 4
    assert await world.count(EventRow) == 1


async def test_the_same_id_with_another_payload_is_a_new_event_and_a_fault(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button, ident="1", data={"n": 1})
    await world.press(button, ident="1", data={"n": 2})
    by_kind = {incident["kind"]: incident for incident in await world.incidents()}
    assert set(by_kind) == {"sos", "fault"}
    assert await world.count(EventRow) == 2


async def test_the_same_id_a_day_later_is_a_new_event(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button, ident="1")
    world.clock.advance(hours=24, minutes=1)
    await world.press(button, ident="1")
    assert await world.count(EventRow) == 2


async def test_the_same_id_after_a_new_enrolment_is_a_new_event(world: World) -> None:
    first, second = await world.elder(), await world.elder("王演示")
    button = await world.button(first)
    await world.press(button, ident="1")
    world.clock.advance(minutes=5)
    await world.admin.expect(200, "PATCH", f"devices/{button}", json={"elder_id": second["id"]})
    world.clock.advance(seconds=1)
    await world.press(button, ident="1")
    assert {i["elder_id"] for i in await world.incidents(kind="sos")} == {
        first["id"], second["id"],
    }  # fmt: skip


async def bridge(world: World, role: str = "sos_button", child: str = "0x00158d0000000001") -> str:
    grandma = await world.elder()
    source = await world.admin.post(
        "sources", {"name": "网桥", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    await world.admin.post(
        "devices",
        {"id": "zb-1", "family": "zigbee2mqtt", "source_id": source["id"], "child_id": child,
         "role": role, "elder_id": grandma["id"]},
    )  # fmt: skip
    return f"zigbee2mqtt/{child}"


async def test_one_press_as_json_and_as_plain_text_is_one_event(world: World) -> None:
    topic = await bridge(world)
    await world.hears(topic, {"action": "emergency", "battery": 90})
    await world.hears(topic, {"action": "", "battery": 90})
    world.clock.advance(seconds=1)
    await world.hears(f"{topic}/action", b"emergency")
    incident = await world.incident(kind="sos")
    assert kinds(incident).count("finding") == 0
    world.clock.advance(seconds=3)
    await world.hears(f"{topic}/action", b"emergency")
    assert kinds(await world.incident(kind="sos")).count("finding") == 1


async def test_a_retained_press_that_was_seen_before_opens_nothing(world: World) -> None:
    topic = await bridge(world)
    await world.hears(topic, {"action": "emergency"})
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "误按"})
    world.clock.advance(hours=30)
    await world.hears(topic, {"action": "emergency"}, retained=True)
    assert len(await world.incidents()) == 1


async def test_a_retained_press_that_nobody_ever_saw_is_surfaced(world: World) -> None:
    topic = await bridge(world)
    await world.hears(topic, {"action": "emergency"}, retained=True)
    assert (await world.incident())["kind"] == "sos"


async def test_a_late_press_is_surfaced_with_its_age(world: World) -> None:
    button = await world.button(await world.elder())
    pressed_at = world.clock.now()
    world.clock.advance(hours=3)
    await world.press(button, at=pressed_at.isoformat())
    incident = await world.incident()
    assert (await world.stored(incident)).facts["late_s"] == 3 * 3600
    assert "3 小时" in incident["title"]
    assert incident["timeline"][0]["reason"] == "opened_late" or "迟到" in str(
        incident["timeline"][0]
    )


@pytest.mark.parametrize(
    "clock_says",
    ["1970-01-01T00:07:00Z", "2040-01-01T00:00:00Z", "2021-05-05T00:00:00Z"],
    ids=["since boot", "in the future", "years off"],
)
async def test_a_press_from_a_device_whose_clock_is_wrong_counts_as_now(
    world: World, clock_says: str
) -> None:
    button = await world.button(await world.elder())
    await world.press(button, at=clock_says)
    stored = await world.stored(await world.incident())
    assert stored.happened_at == world.clock.now()
    assert stored.facts["clock_fault"]


async def test_presses_out_of_order_are_all_kept(world: World) -> None:
    button = await world.button(await world.elder())
    world.clock.advance(minutes=10)
    for minutes in (1, 9, 4):
        at = world.clock.now() - timedelta(minutes=minutes)
        await world.press(button, at=at.isoformat())
    assert await world.count(EventRow) == 3
    assert await world.count(Incident) == 1


async def test_old_readings_are_kept_and_open_nothing(world: World) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    start = world.clock.now() - timedelta(days=2)
    for hour in range(40):
        await world.reads("meter-1", 12.0, at=start + timedelta(hours=hour))
    assert await world.incidents() == []
    readings = await world.admin.get("readings", device_id="meter-1", limit=100)
    assert len(readings["items"]) == 40


async def test_numbers_that_no_meter_can_mean_are_set_aside_and_the_rest_is_kept(
    world: World,
) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    await world.hears(
        "anju/v1/meter-1/telemetry",
        b'{"readings": [{"register": "water_total", "value": 1e999, "unit": "m3"},'
        b' {"register": "water_total", "value": 3.5, "unit": "m3"}]}',
    )
    readings = await world.admin.get("readings", device_id="meter-1")
    assert [reading["value"] for reading in readings["items"]] == [3.5]
    assert await world.count(QuarantineRow) == 1
