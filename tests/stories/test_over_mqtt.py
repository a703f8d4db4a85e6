"""The whole job with a real broker: what `mosquitto_pub` says, until the case is closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import ManualClock
from tests.support.mosquitto import Mosquitto, mosquitto, program
from tests.support.waiting import until
from tests.support.world import World, contact_phone, kinds, open_world

ZIGBEE_SMOKE = {
    "battery": 100, "battery_low": False, "linkquality": 92, "smoke": True, "tamper": False,
}  # fmt: skip
VISITOR, SUPERVISOR, ON_CALL = "+8613700000001", "+8613600000001", "+8613800000009"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
async def world(database_url: str, clock: ManualClock, broker: Mosquitto) -> AsyncIterator[World]:
    async with open_world(database_url, clock, mqtt_url=broker.url) as opened:
        yield opened


async def publish(broker: Mosquitto, topic: str, payload: Any) -> None:
    """QoS 1, as any device of the trade would."""
    words = ("-h", broker.host, "-p", str(broker.port), "-q", "1", "-t", topic)
    client = await asyncio.create_subprocess_exec(
        program("mosquitto_pub"), *words, "-m", json.dumps(payload)
    )
    assert await client.wait() == 0


async def opened(world: World, kind: str) -> dict[str, Any]:
    """The one incident of this kind, once it is there and the first step was carried out."""
    await until(lambda: world.incidents(kind=kind), what=f"an incident: {kind}")
    await world.settle()
    return await world.incident(kind=kind)


async def subscribed(world: World) -> None:
    lanes = world.anju.lanes.values()
    await until(lambda: not any(lane.session.unwell() for lane in lanes), what="the lanes")


async def people(world: World) -> dict[str, Any]:
    """Grandma with two contacts, her visitor, an on-call phone, a supervisor, an armed desk."""
    await world.phone_channels()
    visitor = await world.sign_in("chen", role="visitor", phone=VISITOR)
    grandma = await world.elder(contacts=2, responsible_visitor_id=visitor.id)
    on_call = await world.sign_in("zhao", phone=ON_CALL)
    await world.admin.post("shifts", {"user_id": on_call.id, "starts_at": "2026-03-01T00:00:00Z"})
    await world.sign_in("li", role="supervisor", phone=SUPERVISOR)
    officer = await world.sign_in("wang")
    await world.desk_opens(officer)
    return {"grandma": grandma, "visitor": visitor, "officer": officer}


def calls(world: World, number: str) -> int:
    return len(world.phone.messages(to=number, kind="call"))


async def answer_by_link(world: World, text: str) -> None:
    """Open the link of a message: looking shows a button and changes nothing; pressing acts."""
    link = next(word for word in text.split() if "/a/" in word).rpartition("：")[2]
    client = world.admin.client
    page = await client.get(link)
    assert page.status_code == 200 and "<button" in page.text
    assert "contact_answered" not in kinds(await world.incident())
    pressed = await client.post(link, data={"answer": "will_go"})
    assert pressed.status_code in (200, 303), pressed.text
    await world.settle()


async def test_a_press_from_the_wire_to_a_closed_case(world: World, broker: Mosquitto) -> None:
    who = await people(world)
    grandma, visitor, officer = who["grandma"], who["visitor"], who["officer"]
    await world.button(grandma)
    await subscribed(world)

    await publish(broker, "anju/v1/btn-1/event", {"id": "boot1-1", "kind": "sos"})
    incident = await opened(world, "sos")
    told = {notice["channel"] for notice in incident["notices"]}
    assert {"console", "sms", "call"} <= told
    assert len({notice["created_at"] for notice in incident["notices"]}) == 1
    assert ("anju/v1/btn-1/ack", {"id": "boot1-1", "accepted": True}) in world.acks

    first, second = contact_phone(1), contact_phone(2)
    assert (calls(world, first), calls(world, second), calls(world, ON_CALL)) == (1, 0, 0)
    await world.advance(seconds=60)
    assert (calls(world, first), calls(world, second), calls(world, ON_CALL)) == (1, 1, 1)
    await world.advance(seconds=60)
    assert (calls(world, first), calls(world, VISITOR), calls(world, SUPERVISOR)) == (2, 1, 0)

    await answer_by_link(world, world.sms_to(1)[0].text)
    assert (await world.incident())["stage"] == "open", "a contact's answer stops no ladder"
    await world.advance(seconds=60)
    assert calls(world, SUPERVISOR) == 1
    await world.advance(minutes=8)
    assert calls(world, first) == 2, "who answered is left in peace"

    await world.act("acknowledge", incident, by=officer)
    await world.act("dispatch", incident, {"visitor_id": visitor.id}, by=officer)
    refused = await world.act("close", incident, by=officer, status=422)
    assert refused["missing"] == ["outcome", "visit_or_waiver"]
    await world.act("accept", incident, by=visitor)
    await world.act("arrive", incident, by=visitor)
    await world.act("outcome", incident, {"outcome": "assisted", "reason": "扶起"}, by=visitor)
    case = {"elder_id": grandma["id"], "incident_id": incident["id"]}
    await visitor.post("visits", case | {"mode": "on_site", "record": {}})
    follow_up = await officer.post(
        "follow-ups", case | {"due_at": "2026-03-02T09:00:00+08:00", "text": "装扶手"}
    )
    refused = await world.act("close", incident, by=officer, status=422)
    assert refused["missing"] == ["follow_ups"]
    await officer.post(f"follow-ups/{follow_up['id']}/complete", {"result": "已装"})
    await world.act("close", incident, by=officer)

    whole = await world.incident()
    assert (whole["stage"], whole["due_at"]) == ("closed", None)
    story = kinds(whole)
    milestones = [
        "opened", "told", "contact_answered", "acknowledged", "dispatched", "accepted", "attended",
        "outcome", "visit_recorded", "follow_up_added", "follow_up_done", "closed",
    ]  # fmt: skip
    assert [story.index(kind) for kind in milestones] == sorted(map(story.index, milestones))
    assert all(entry["reason"] for entry in whole["timeline"] if entry["kind"] == "told")
    assert all(entry["text"] for entry in whole["timeline"])


async def test_smoke_behind_a_bridge_opens_one_incident_for_the_home(
    world: World, broker: Mosquitto
) -> None:
    grandma = (await people(world))["grandma"]
    source = await world.admin.post(
        "sources", {"name": "网桥", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    await world.device(
        "smoke-7", "smoke_detector", family="zigbee2mqtt", source_id=source["id"],
        child_id="0x00158d0000000001", home_id=grandma["home_id"],
    )  # fmt: skip
    await world.anju.refresh_sources()
    await subscribed(world)

    topic = "zigbee2mqtt/0x00158d0000000001"
    for _ in range(3):  # a bridge repeats what it knows
        await publish(broker, topic, ZIGBEE_SMOKE)
    incident = await opened(world, "smoke")
    assert (incident["severity"], incident["home_id"]) == ("life_safety", grandma["home_id"])
    assert {"console", "sms", "call"} <= {notice["channel"] for notice in incident["notices"]}
    assert len({notice["created_at"] for notice in incident["notices"]}) == 1
    assert calls(world, contact_phone(1)) == 1

    await publish(broker, topic, ZIGBEE_SMOKE | {"smoke": False})

    async def cleared() -> bool:
        return bool((await world.incident())["condition"] == "cleared")

    await until(cleared, what="the condition")
    assert (await world.incident())["stage"] == "open"
