"""One mad device costs the others nothing, and its own first alarm always gets through."""

from __future__ import annotations

import json
from typing import Any

from alerting.incident import Stage
from alerting.intake.throttle import ALARM, ORDINARY
from alerting.tables import EventRow, QuarantineRow, ReadingRow
from alerting.wording import reason_text
from devices.event import Message
from tests.support.world import World, kinds

FLOOD = 600


def messages(world: World, topic: str, count: int, **body: Any) -> list[Message]:
    """`count` different messages at this very moment."""
    return [
        Message(
            topic=topic,
            payload=json.dumps(body | {"id": f"flood-{number}"}).encode(),
            received_at=world.clock.now(),
        )
        for number in range(count)
    ]


def telemetry(world: World, device: str, count: int) -> list[Message]:
    """`count` messages with one reading each, a millisecond apart by the device's own clock."""
    now = world.clock.now()
    readings = [
        {"register": "power", "value": 1, "unit": "W", "at": (now.timestamp() + number / 1000)}
        for number in range(count)
    ]
    return [
        Message(
            topic=f"anju/v1/{device}/telemetry",
            payload=json.dumps({"readings": [reading]}).encode(),
            received_at=now,
        )
        for reading in readings
    ]


async def test_a_meter_that_floods_is_cut_to_its_allowance_and_becomes_one_fault(
    world: World,
) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    await world.device("meter-2", "water_meter", home_id=elder["home_id"])
    for _ in range(3):
        flood = telemetry(world, "meter-1", FLOOD)
        await world.hear_all(flood, "bulk")
        await world.reads("meter-2", 1.0)
        world.clock.advance(seconds=10)
    stored = await world.count(ReadingRow)
    assert stored == ORDINARY.burst + 2 * 10 * ORDINARY.per_s + 3
    fault = await world.incident(kind="fault")
    assert fault["severity"] == "technical"
    assert fault["device_id"] == "meter-1"
    assert fault["timeline"][0]["reason"] == reason_text("too_talkative", "zh")
    assert f"{FLOOD - ORDINARY.burst:g}" in fault["timeline"][0]["text"]
    assert kinds(fault).count("finding") == 0


async def test_an_hour_later_the_fault_says_how_many_more(world: World) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    for _ in range(2):
        flood = messages(world, "anju/v1/meter-1/event", FLOOD, kind="heartbeat")
        await world.hear_all(flood, "urgent")
        await world.advance(hours=1)
    fault = await world.incident(kind="fault")
    assert kinds(fault).count("finding") == 1


async def test_presses_beyond_the_burst_are_counted_on_the_timeline(world: World) -> None:
    elder = await world.elder()
    await world.button(elder)
    await world.phone_channels()
    handled = await world.hear_all(
        messages(world, "anju/v1/btn-1/event", FLOOD, kind="sos"), "urgent"
    )
    assert len({receipt.event_id for receipt in handled.receipts}) == ALARM.burst + ORDINARY.burst
    await world.settle()
    assert world.calls_to(1)
    incident = await world.incident(kind="sos")
    folded = [entry for entry in incident["timeline"] if entry["kind"] == "folded"]
    assert len(folded) == 1
    assert f"{FLOOD - ALARM.burst:g}" in folded[0]["text"]
    assert await world.count(EventRow) == ALARM.burst
    assert (await world.stored(incident)).findings == FLOOD
    world.clock.advance(seconds=4)
    more = messages(world, "anju/v1/btn-1/event", 10, kind="sos", data={"n": 2})
    await world.hear_all(more, "urgent")
    again = await world.incident(kind="sos")
    counted = [entry for entry in again["timeline"] if entry["kind"] == "folded"]
    assert len(counted) == 1
    assert f"{FLOOD - ALARM.burst + 10 - 4 * ALARM.per_s:g}" in counted[0]["text"]


async def test_the_first_alarm_of_another_kind_gets_through_a_flood(world: World) -> None:
    elder = await world.elder()
    await world.device("watch-1", "watch", elder_id=elder["id"])
    await world.hear_all(messages(world, "anju/v1/watch-1/event", FLOOD, kind="sos"), "urgent")
    await world.hear_all(
        messages(world, "anju/v1/watch-1/event", FLOOD, kind="heartbeat"), "urgent"
    )
    await world.event("watch-1", "fall")
    found = {incident["kind"] for incident in await world.incidents(severity="life_safety")}
    assert found == {"sos", "fall"}


async def test_a_press_after_the_outcome_opens_anew_however_mad_the_button_was(
    world: World,
) -> None:
    """The allowance is used up and no incident is running: then the press is news."""
    elder = await world.elder()
    await world.button(elder)
    await world.hear_all(messages(world, "anju/v1/btn-1/event", FLOOD, kind="sos"), "urgent")
    incident = await world.incident(kind="sos")
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "按钮卡住"})
    world.clock.advance(seconds=1.5)  # too little to have earned a press
    await world.hear_all(
        messages(world, "anju/v1/btn-1/event", 3, kind="sos", data={"n": 2}), "urgent"
    )
    both = await world.incidents(kind="sos")
    assert sorted(one["stage"] for one in both) == [Stage.FOLLOWING_UP, Stage.OPEN]


async def test_a_new_press_among_repetitions_of_an_old_one_is_news(world: World) -> None:
    """The last of what was folded is a repetition; the press before it must ring all the same."""
    elder = await world.elder()
    await world.button(elder)
    await world.press("btn-1", ident="old")
    incident = await world.incident(kind="sos")
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "误按"})
    world.clock.advance(minutes=1)
    idents = ["old"] * 40 + ["new"] + ["old"] * 5
    flood = [
        Message(
            topic="anju/v1/btn-1/event",
            payload=json.dumps({"id": ident, "kind": "sos"}).encode(),
            received_at=world.clock.now(),
        )
        for ident in idents
    ]
    await world.hear_all(flood, "urgent")
    both = await world.incidents(kind="sos")
    assert sorted(one["stage"] for one in both) == [Stage.FOLLOWING_UP, Stage.OPEN]


async def test_ids_reused_in_a_flood_are_one_fault_and_not_one_a_message(world: World) -> None:
    elder = await world.elder()
    await world.button(elder)
    for number in range(15):
        await world.event("btn-1", "sos", ident="always-1", data={"n": number})
    fault = await world.incident(kind="fault")
    assert fault["timeline"][0]["reason"] == reason_text("id_reused", "zh")
    assert kinds(fault).count("finding") == 0


async def test_a_flood_of_what_nobody_can_read_is_still_one_alarm(world: World) -> None:
    elder = await world.elder()
    await world.button(elder)
    broken = Message(topic="anju/v1/btn-1/event", payload=b"{broken", received_at=world.clock.now())
    await world.hear_all([broken] * FLOOD, "urgent")
    incident = await world.incident(kind="unreadable")
    assert incident["severity"] == "life_safety"
    assert "folded" in kinds(incident)
    assert await world.count(QuarantineRow) == ALARM.burst


async def test_an_unknown_device_that_floods_is_a_line_in_the_quarantine(world: World) -> None:
    await world.hear_all(messages(world, "anju/v1/who/event", FLOOD, kind="heartbeat"), "urgent")
    rows = (await world.admin.get("quarantine"))["items"]
    assert [row["reason"].partition(":")[0] for row in rows] == ["too_talkative"]
    assert await world.incidents() == []


async def test_a_mad_device_in_the_same_batch_does_not_stand_before_anothers_press(
    world: World,
) -> None:
    elder, other = await world.elder(), await world.elder("张福生")
    await world.button(elder)
    await world.button(other, "btn-2")
    flood = messages(world, "anju/v1/btn-1/event", FLOOD, kind="sos")
    press = messages(world, "anju/v1/btn-2/event", 1, kind="sos")
    await world.hear_all([*flood, *press], "urgent")
    opened = {one["device_id"]: one["opened_at"] for one in await world.incidents(kind="sos")}
    assert set(opened) == {"btn-1", "btn-2"}


async def test_one_mad_child_of_a_bridge_costs_the_others_nothing(world: World) -> None:
    elder = await world.elder()
    source = await world.admin.post(
        "sources", {"name": "z", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    for child in ("0xmad", "0xcalm"):
        await world.admin.post(
            "devices",
            {
                "id": child,
                "family": "zigbee2mqtt",
                "source_id": source["id"],
                "child_id": child,
                "role": "smoke_detector",
                "home_id": elder["home_id"],
            },
        )
    now = world.clock.now()
    flood = [
        Message(
            topic="zigbee2mqtt/0xmad",
            payload=json.dumps({"smoke": False, "battery": 90, "n": number}).encode(),
            received_at=now,
        )
        for number in range(FLOOD)
    ]
    calm = Message(topic="zigbee2mqtt/0xcalm", payload=b'{"smoke": true}', received_at=now)
    await world.hear_all([*flood, calm], "foreign")
    assert {one["kind"] for one in await world.incidents()} == {"smoke", "fault"}
