"""What Zigbee2MQTT says of itself and its network: presence, events, the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from devices.event import Decoded, InventoryItem, Presence
from devices.families.zigbee2mqtt import FAMILY
from tests.devices.meaning import means
from tests.devices.zigbee import IEEE, decode


@pytest.mark.parametrize(
    ("topic", "child"), [("bridge/state", None), ("客厅/availability", "客厅")]
)
@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"offline", False),
        (b'"offline"', False),
        (b'{"state":"online"}', True),
        (b'{"state":"offline"}', False),
    ],
)
def test_presence_in_every_form(
    topic: str, child: str | None, payload: bytes, online: bool
) -> None:
    decoded = decode(topic, payload, retained=True)
    assert decoded == Decoded(presences=(Presence(child_id=child, online=online, retained=True),))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"asleep", "wrong_type:state"),
        (b'{"state":1}', "wrong_type:state"),
        (b"{}", "missing:state"),
        (b" ", "missing:state"),
        (b"{", "not_json"),
    ],
)
def test_a_presence_that_cannot_be_read(payload: bytes, reason: str) -> None:
    assert decode("bridge/state", payload) == Decoded(quarantined=reason)
    assert decode("hall/availability", payload) == Decoded(quarantined=reason, culprit="hall")


@pytest.mark.parametrize(
    "topic",
    ["info", "logging", "log", "extensions", "config", "definitions", "converters",
     "health", "networkmap/raw", "request/permit_join", "response/device/remove", "group/1/x"],
)  # fmt: skip
def test_the_bridge_s_own_affairs_mean_nothing(topic: str) -> None:
    assert decode(f"bridge/{topic}", b"{broken") == Decoded()
    assert FAMILY.may_be_silent(f"bridge/{topic}")


@pytest.mark.parametrize(
    ("data", "child"),
    [
        ({"ieee_address": IEEE.upper().replace("X", "x"), "friendly_name": "b"}, IEEE),
        ({"friendly_name": "床头"}, IEEE),
        ({"friendly_name": "nobody"}, "nobody"),
    ],
)
def test_a_device_that_left_is_a_fault(data: dict[str, Any], child: str) -> None:
    said = {"type": "device_leave", "data": data}
    (event,) = decode("bridge/event", said, aliases={"床头": IEEE}).events
    assert (event.kind, event.child_id) == ("fault", child)
    assert event.data == {"fault": "device_leave"}


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ({"type": "device_joined", "data": {}}, "fault_clear"),
        ({"type": "device_interview", "data": {"status": "successful"}}, "fault_clear"),
        ({"type": "device_interview", "data": {"status": "failed"}}, "fault"),
        ({"type": "device_interview", "data": {"status": "started"}}, "heard"),
    ],
)
def test_who_joined_again_watches_again(said: dict[str, Any], meaning: str) -> None:
    said["data"]["ieee_address"] = IEEE
    assert means(decode("bridge/event", said)) == (meaning,)


@pytest.mark.parametrize("kind", ["device_announce", "device_interview", "new"])
def test_other_events_of_the_network_are_signs_of_life(kind: str) -> None:
    said = {"type": kind, "data": {"ieee_address": IEEE}}
    assert decode("bridge/event", said) == Decoded(heard=(IEEE,))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"type": "device_leave"}, "wrong_type:data"),
        ({"type": "device_leave", "data": {}}, "missing:friendly_name"),
        ({"data": {"ieee_address": IEEE}}, "missing:type"),
        ([], "wrong_type:payload"),
    ],
)
def test_a_network_event_that_cannot_be_read(said: Any, reason: str) -> None:
    assert decode("bridge/event", said) == Decoded(quarantined=reason)


def test_the_inventory() -> None:
    exposes = [
        {"type": "switch", "features": [{"property": "state"}, {"property": "state"}]},
        {"property": "water_consumed", "unit": "L"},
        {"property": "battery", "unit": "%"},
        {"type": "composite", "features": [{"features": [{"property": "inner"}]}, "junk"]},
        {"property": 7},
        "junk",
    ]
    listed = [
        {"ieee_address": "0x00124b0000000001", "type": "Coordinator", "friendly_name": "C"},
        {
            "ieee_address": IEEE,
            "friendly_name": "阳台 阀门",
            "definition": {"model": "ZVG1", "vendor": "RTX", "exposes": exposes},
        },
        {
            "ieee_address": "0x00158d00000000bb",
            "friendly_name": "new",
            "definition": None,
            "model_id": "TS0601",
            "manufacturer": "_TZE204",
        },
    ]
    assert decode("bridge/devices", listed).inventory == (
        InventoryItem(
            child_id=IEEE,
            name="阳台 阀门",
            model="ZVG1",
            vendor="RTX",
            capabilities=("state", "water_consumed:L", "battery", "inner"),
        ),
        InventoryItem(child_id="0x00158d00000000bb", name="new", model="TS0601", vendor="_TZE204"),
    )


def test_an_inventory_entry_that_cannot_be_read_does_not_cost_the_others() -> None:
    good = {"ieee_address": IEEE, "friendly_name": "tv"}
    listed = ["junk", {"friendly_name": "no address"}, {"ieee_address": IEEE}, good]
    decoded = decode("bridge/devices", listed)
    assert [item.name for item in decoded.inventory] == ["tv"]
    assert (decoded.quarantined, decoded.culprit) == ("wrong_type:device", None)


def test_an_inventory_may_be_large_and_may_be_empty() -> None:
    device = {"friendly_name": "x", "description": "y" * 1000}
    listed = [{"ieee_address": f"0x{number:016x}"} | device for number in range(800)]
    assert len(decode("bridge/devices", listed).inventory) == 800
    assert decode("bridge/devices", []) == Decoded()
    assert FAMILY.may_be_silent("bridge/devices")
    assert decode("bridge/devices", listed * 2).quarantined == "too_large"
    assert decode("bridge/devices", {}).quarantined == "wrong_type:payload"
