"""What devices are told, over the shipped broker with its own lists: stages and commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scripts import mqtt_accounts
from tests.broker.support import GATEWAY, GATEWAY_PASSWORD, Client, ShippedBroker
from tests.support.clock import ManualClock
from tests.support.waiting import until
from tests.support.world import World, open_world

pytestmark = pytest.mark.broker
PREFIX = "east/zigbee2mqtt"


@pytest.fixture
async def world(
    database_url: str, clock: ManualClock, broker: ShippedBroker
) -> AsyncIterator[World]:
    url = f"mqtt://{GATEWAY}:{GATEWAY_PASSWORD}@{broker.host}:{broker.gateway_port}"
    async with open_world(database_url, clock, mqtt_url=url, devices_listen=True) as opened:
        yield opened


async def ready(world: World, broker: ShippedBroker) -> None:
    """The lists name everybody, and the lanes listen."""
    await mqtt_accounts.write_lists(world.services.db, broker.accounts)
    broker.reload()
    await world.anju.refresh_sources()
    lanes = world.anju.lanes.values()
    await until(lambda: not any(lane.session.unwell() for lane in lanes), what="the lanes")


async def told(device: Client, **wanted: Any) -> dict[str, Any]:
    """The next message that says all of `wanted`."""

    def look() -> dict[str, Any] | None:
        while not device.heard.empty():
            said: dict[str, Any] = json.loads(device.heard.get().payload)
            if wanted.items() <= said.items():
                return said
        return None

    found = await until(look, what=str(wanted))
    assert found is not None
    return found


async def came_in(broker: ShippedBroker, mqtt: dict[str, str], *topics: str) -> Client:
    """Connected and subscribed; the lists may be a moment away."""

    def connect() -> Client | None:
        client = Client(broker.port, mqtt["username"], mqtt["username"], mqtt["password"])
        if client.connect() == "Success":
            return client
        client.close()
        return None

    client = await until(connect, what=f"{mqtt['username']} let in")
    assert client is not None
    client.subscribe(*topics)
    return client


async def test_every_button_of_an_incident_hears_how_it_stands(
    world: World, broker: ShippedBroker
) -> None:
    elder = await world.elder()
    worn = (await world.device("watch-1", "watch", elder_id=elder["id"]))["mqtt"]
    wall = (await world.device("btn-2", "sos_button", elder_id=elder["id"]))["mqtt"]
    late = (await world.device("btn-3", "sos_button", elder_id=elder["id"]))["mqtt"]
    await ready(world, broker)
    buttons = [
        await came_in(broker, one, f"anju/v1/{one['username']}/ack") for one in (worn, wall, late)
    ]
    first, second, third = buttons
    press = json.dumps({"id": "boot1-1", "kind": "sos"}).encode()
    for name, button in (("watch-1", first), ("btn-2", second)):
        button.publish(f"anju/v1/{name}/event", press)
        await told(button, id="boot1-1", accepted=True)

    incident = await world.incident()
    visitor = await world.sign_in("chen", role="visitor")
    await world.act("acknowledge", incident)
    for button in (first, second):
        await told(button, incident=incident["id"], stage="acknowledged")
    third.publish("anju/v1/btn-3/event", press)
    await told(third, id="boot1-1", accepted=True)
    await world.settle()
    await told(third, stage="acknowledged")

    await world.act("dispatch", incident, {"visitor_id": visitor.id})
    await world.act("accept", incident, by=visitor)
    for button in buttons:
        await told(button, stage="accepted")
    await world.act("release", incident)
    for button in buttons:
        await told(button, stage="open")
        button.close()


async def test_commands_reach_devices_and_their_answers_come_back(
    world: World, broker: ShippedBroker
) -> None:
    source = await world.admin.post(
        "sources", {"name": "网桥", "family": "zigbee2mqtt", "prefix": PREFIX}
    )
    child = "0x00158d0000000001"
    body = {"family": "zigbee2mqtt", "source_id": source["id"], "child_id": child}
    await world.device("smoke-1", "smoke_detector", **body)
    exposes = [{"property": "smoke"}, {"property": "identify"}]
    entry: dict[str, Any] = {
        "ieee_address": child,
        "friendly_name": "厨房/烟感",
        "type": "EndDevice",
    }
    listed = [entry | {"definition": {"model": "x", "exposes": exposes}}]
    button = (await world.device("btn-1", "sos_button"))["mqtt"]
    await ready(world, broker)
    await world.hears(f"{PREFIX}/bridge/devices", listed)

    native = await came_in(broker, button, "anju/v1/btn-1/command")
    bridge = await came_in(broker, source["mqtt"], f"{PREFIX}/#")
    asked = await world.admin.post("devices/btn-1/commands", {"command": "silence"})
    assert asked["state"] == "waiting"
    heard = await told(native, command="silence")
    assert heard == {"id": asked["id"], "command": "silence"}
    answer: dict[str, Any] = {"id": "7", "kind": "command_result"}
    answer |= {"data": {"command": asked["id"], "ok": True, "detail": "10 min"}}
    native.publish("anju/v1/btn-1/event", json.dumps(answer).encode())

    async def done() -> bool:
        (one,) = (await world.admin.get("devices/btn-1/commands"))["items"]
        return bool((one["state"], one["result"]) == ("done", "10 min"))

    await until(done, what="the result")

    await world.admin.post("devices/smoke-1/commands", {"command": "identify"})
    message = await until(lambda: None if bridge.heard.empty() else bridge.heard.get())
    assert message is not None
    assert (message.topic, message.payload) == (
        f"{PREFIX}/厨房/烟感/set",
        b'{"identify":"identify"}',
    )
    refused = await world.admin.post("devices/smoke-1/commands", {"command": "silence"}, 422)
    assert "it can do identify" in refused["errors"][0]["problem"]
    native.close()
    bridge.close()
