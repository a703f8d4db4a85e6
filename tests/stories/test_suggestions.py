"""What Home Assistant announces of another bridge's children belongs to that bridge's inbox."""

from __future__ import annotations

from typing import Any

import pytest

from alerting.intake.suggested import names_of
from devices.event import InventoryItem
from tests.support.world import World

IEEE = "0x00158d0000000301"


def item(child: str, topic: str = "") -> InventoryItem:
    return InventoryItem(child_id=child, name=child, topic=topic)


@pytest.mark.parametrize(
    ("said", "prefix", "names"),
    [
        (item(f"zigbee2mqtt_{IEEE}"), "", (IEEE, f"zigbee2mqtt_{IEEE}")),
        (item("kitchen"), "", ()),
        (item("kitchen", "zigbee2mqtt/厨房 烟感/state"), "zigbee2mqtt", ("厨房 烟感",)),
        (item("A1B2C3D4E5F6"), "", ("A1B2C3D4E5F6",)),
    ],
)
def test_a_child_is_sought_by_serial_number_or_by_its_topic(
    said: InventoryItem, prefix: str, names: tuple[str, ...]
) -> None:
    assert names_of(said, prefix) == names


async def announce(world: World, ident: str, state_topic: str, device_class: str) -> None:
    device = {"identifiers": [ident], "manufacturer": "HEIMAN", "model": "GS361A", "name": "烟感"}
    body = {"device": device, "state_topic": state_topic, "device_class": device_class}
    await world.hears(f"homeassistant/binary_sensor/{ident}/{device_class}/config", body)


async def inbox(world: World) -> dict[str, dict[str, Any]]:
    items = (await world.admin.get("unknown-devices"))["items"]
    return {one["child_id"]: one for one in items}


@pytest.fixture
async def bridge_id(world: World) -> str:
    families = (("zigbee2mqtt", "zigbee2mqtt"), ("homeassistant-discovery", "homeassistant"))
    made = [
        await world.admin.post("sources", {"name": family, "family": family, "prefix": prefix})
        for family, prefix in families
    ]
    return str(made[0]["id"])


async def test_an_announcement_enriches_the_child_that_its_bridge_spoke_of(
    world: World, bridge_id: str
) -> None:
    await world.hears(f"zigbee2mqtt/{IEEE}", {"smoke": False, "battery": 90})
    await announce(world, f"zigbee2mqtt_{IEEE}", f"zigbee2mqtt/{IEEE}", "smoke")
    await announce(world, f"zigbee2mqtt_{IEEE}", f"zigbee2mqtt/{IEEE}", "battery")
    (found,) = (await inbox(world)).values()
    assert (found["source_id"], found["child_id"]) == (bridge_id, IEEE)
    assert (found["vendor"], found["model"]) == ("HEIMAN", "GS361A")
    assert found["capabilities"] == ["smoke", "battery"]


async def test_an_announcement_that_comes_first_waits_under_the_bridge_that_will_speak(
    world: World, bridge_id: str
) -> None:
    await announce(world, f"zigbee2mqtt_{IEEE}", "zigbee2mqtt/客厅 烟感", "smoke")
    (found,) = (await inbox(world)).values()
    assert (found["source_id"], found["child_id"]) == (bridge_id, IEEE)


async def test_what_nobody_else_speaks_for_stays_with_discovery(
    world: World, bridge_id: str
) -> None:
    await announce(world, "esp-livingroom", "esphome/livingroom/state", "smoke")
    (found,) = (await inbox(world)).values()
    assert found["source_id"] != bridge_id and found["child_id"] == "esp-livingroom"
