"""Quarantine, unknown devices and readings: whose area they are in, and what they carry."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from care.model import UserRole
from tests.support.api import Caller, World


@dataclass
class Valley:
    """A village with a bridge, and the officers of this village and of another."""

    source_id: str
    home_id: str
    here: Caller
    elsewhere: Caller


@pytest.fixture
async def valley(world: World, admin: Caller) -> Valley:
    here = await admin.made("areas", {"name": "这里", "level": "village"})
    there = await admin.made("areas", {"name": "那里", "level": "village"})
    home = await admin.made("homes", {"address": "桥头", "area_id": here["id"]})
    bridge = {"name": "网关", "family": "zigbee2mqtt", "prefix": "z2m", "area_id": here["id"]}
    source = await admin.made("sources", bridge)
    officers = [
        await world.sign_in(UserRole.DUTY_OFFICER, area_id=area["id"]) for area in (here, there)
    ]
    return Valley(source["id"], home["id"], *officers)


async def listed(caller: Caller, path: str, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await caller.read(path, **filters))["items"]
    return items


async def test_what_a_bridge_sent_is_its_areas_business(world: World, valley: Valley) -> None:
    await world.hears("z2m/0x0015", b"{oops", lane="foreign")
    await world.hears("anju/v1/btn-9/event", b"[]")
    (unreadable,) = await listed(valley.here, "quarantine", source_id=valley.source_id)
    assert (unreadable["topic"], unreadable["text"]) == ("z2m/0x0015", "{oops")
    assert len(await listed(valley.here, "quarantine")) == 2
    (shared,) = await listed(valley.elsewhere, "quarantine")
    assert shared["source_id"] == "native", "what has no area is shown to every officer"


async def test_bytes_come_back_as_they_were_sent(world: World, admin: Caller) -> None:
    payload = bytes(range(256)) * 20
    await world.hears("anju/v1/btn-9/event", payload)
    (kept,) = await listed(admin, "quarantine")
    assert base64.b64decode(kept["payload_base64"]) == payload[:4096], "the first 4 KiB"
    assert kept["reason"]


async def test_a_stranger_is_shown_with_what_it_said_until_it_is_registered(
    world: World, valley: Valley
) -> None:
    for number in range(2):
        world.clock.advance(seconds=10)
        await world.hears("z2m/厨房烟感", {"smoke": False, "battery": 90 + number}, lane="foreign")
    (stranger,) = await listed(valley.here, "unknown-devices")
    assert (stranger["source_id"], stranger["child_id"]) == (valley.source_id, "厨房烟感")
    assert (stranger["first_seen_at"], stranger["last_seen_at"]) == (
        "2026-03-01T00:15:10Z",
        "2026-03-01T00:15:20Z",
    )
    assert "91" in stranger["said"]
    assert await listed(valley.elsewhere, "unknown-devices") == []
    device = {
        "id": "smoke-1",
        "family": "zigbee2mqtt",
        "role": "smoke_detector",
        "home_id": valley.home_id,
    } | {name: stranger[name] for name in ("source_id", "child_id")}
    await valley.here.made("devices", device)
    assert await listed(valley.here, "unknown-devices") == []


async def test_readings_are_as_visible_as_their_device(
    world: World, admin: Caller, valley: Valley
) -> None:
    meter = {"id": "meter-1", "family": "native", "role": "water_meter"}
    await admin.made("devices", meter | {"home_id": valley.home_id})
    reading = {"register": "water_total", "value": 12.345, "unit": "m3"}
    await world.hears("anju/v1/meter-1/telemetry", {"readings": [reading]}, lane="bulk")
    (kept,) = await listed(valley.here, "readings", device_id="meter-1")
    assert kept == {"register": "water_total", "value": 12.345, "at": "2026-03-01T00:15:00Z"}
    assert (await valley.elsewhere.get("readings", device_id="meter-1")).status_code == 404


async def test_a_visitor_has_no_business_in_the_inbox(world: World, valley: Valley) -> None:
    visitor = await world.sign_in(UserRole.VISITOR)
    for path in ("quarantine", "unknown-devices", "readings?device_id=meter-1"):
        assert (await visitor.get(path)).status_code == 403, path


async def test_a_name_heard_before_the_list_is_no_second_device(
    world: World, valley: Valley
) -> None:
    """At start a bridge's retained availability may arrive before the list of its children."""
    ieee, name = "0x00158d0000000030", "厨房 烟感"
    await world.hears(f"z2m/{name}/availability", {"state": "online"}, lane="foreign")
    assert [one["child_id"] for one in await listed(valley.here, "unknown-devices")] == [name]
    entry = {"ieee_address": ieee, "friendly_name": name, "type": "EndDevice"}
    await world.hears("z2m/bridge/devices", [entry], lane="foreign")
    (one,) = await listed(valley.here, "unknown-devices")
    assert (one["child_id"], one["name"]) == (ieee, name)
