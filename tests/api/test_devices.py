"""Sources and devices over REST: registering, binding anew, and what was last heard."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from alerting.tables import DeviceStateRow
from care.equipment import binding_at, mosquitto_hash
from care.tables import Device, Source
from tests.support.api import Caller, World

BUTTON = {"id": "btn-1", "family": "native", "role": "sos_button"}
BRIDGE = {"name": "村网关", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}


@pytest.fixture
async def elder(admin: Caller) -> dict[str, Any]:
    return await admin.made("elders", {"name": "李桂兰", "address": "城关村 12 号"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "btn 1"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "按钮"}, "id"),
        ({"id": "anju-canary"}, "id"),
        ({"family": "tamagotchi"}, "family"),
        ({"role": "lamp"}, "role"),
        ({"source_id": "src-1"}, "source_id"),
        ({"child_id": "other"}, "child_id"),
        ({"expected_every_s": 1}, "expected_every_s"),
        ({"rules": {"x": "y" * 5000}}, "rules"),
        ({"family": "zigbee2mqtt"}, "source_id"),
        ({"secret": "x"}, "secret"),
    ],
)
async def test_a_device_that_cannot_be_is_refused_by_name(
    admin: Caller, body: dict[str, Any], field: str
) -> None:
    answer = await admin.post("devices", BUTTON | body)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_elder_and_home_must_belong_together(admin: Caller, elder: dict[str, Any]) -> None:
    other = await admin.made("homes", {"address": "别处"})
    body = BUTTON | {"elder_id": elder["id"]}
    assert (await admin.post("devices", body | {"home_id": other["id"]})).status_code == 422
    assert (await admin.post("devices", body | {"home_id": elder["home_id"]})).status_code == 201


async def test_one_child_of_a_source_is_one_device(admin: Caller) -> None:
    source = await admin.made("sources", BRIDGE)
    body = {
        "family": "zigbee2mqtt",
        "source_id": source["id"],
        "child_id": "0x01",
        "role": "smoke_detector",
    }
    await admin.made("devices", body | {"id": "one"})
    assert (await admin.post("devices", body | {"id": "two"})).status_code == 409
    assert (
        await admin.post("devices", body | {"id": "one", "child_id": "0x02"})
    ).status_code == 409


@pytest.mark.parametrize("prefix", ["zigbee2mqtt", "zigbee2mqtt/floor1", "village/1", "village"])
async def test_two_sources_never_hear_the_same_message(admin: Caller, prefix: str) -> None:
    await admin.made("sources", BRIDGE)
    await admin.made("sources", BRIDGE | {"name": "另一个", "prefix": "village/1/z2m"})
    answer = await admin.post("sources", BRIDGE | {"name": "三", "prefix": prefix})
    assert answer.status_code == 409
    assert (await admin.post("sources", BRIDGE | {"prefix": "zigbee2mqtt2"})).status_code == 201


@pytest.mark.parametrize(
    "prefix", ["", "#", "a/+/b", "/a", "a/", "a//b", "anju", "anju/v1", "$SYS"]
)
async def test_a_prefix_that_cannot_be_one_is_refused(admin: Caller, prefix: str) -> None:
    answer = await admin.post("sources", BRIDGE | {"prefix": prefix})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "prefix"


async def test_a_source_added_or_moved_wakes_the_gateway(admin: Caller, world: World) -> None:
    woken = world.services.signals.sources.subscribe()
    woken.clear()
    source = await admin.made("sources", BRIDGE)
    assert woken.is_set()
    woken.clear()
    await admin.post("sources", BRIDGE)  # refused: it overlaps
    assert not woken.is_set()
    moved = await admin.patch(f"sources/{source['id']}", {"prefix": "elsewhere"})
    assert moved.json()["prefix"] == "elsewhere"
    assert woken.is_set()


async def test_the_native_source_is_built_in(admin: Caller) -> None:
    assert (await admin.read("sources/native"))["family"] == "native"
    assert (await admin.patch("sources/native", {"name": "x"})).status_code == 403
    assert (await admin.post("sources", BRIDGE | {"family": "native"})).status_code == 422


async def test_passwords_are_kept_as_mosquitto_hashes_only(admin: Caller, world: World) -> None:
    device = await admin.made("devices", BUTTON)
    source = await admin.made("sources", BRIDGE)
    async with world.db.reading() as session:
        stored = {
            device["mqtt"]["password"]: await session.scalar(select(Device.mqtt_password_hash)),
            source["mqtt"]["password"]: await session.scalar(
                select(Source.mqtt_password_hash).where(Source.id == source["id"])
            ),
        }
    for password, kept in stored.items():
        assert kept is not None
        _, scheme, rounds, salt, _ = kept.split("$")
        assert (scheme, rounds) == ("7", "101")
        assert mosquitto_hash(password, base64.b64decode(salt)) == kept


async def test_a_device_bound_anew_starts_afresh_and_old_events_stay_old(
    admin: Caller, world: World, elder: dict[str, Any]
) -> None:
    other = await admin.made("elders", {"name": "赵"})
    await admin.made("devices", BUTTON | {"elder_id": elder["id"]})
    before = world.clock.now()
    await world.press("btn-1")
    async with world.db.reading() as session:
        assert await session.get(DeviceStateRow, "btn-1") is not None
    world.clock.advance(minutes=5)
    moved = await admin.patch("devices/btn-1", {"elder_id": other["id"]})
    assert (moved.json()["elder_id"], moved.json()["home_id"]) == (other["id"], other["home_id"])
    async with world.db.reading() as session:
        assert await session.get(DeviceStateRow, "btn-1") is None
        old = await binding_at(session, "btn-1", before)
        new = await binding_at(session, "btn-1", world.clock.now())
    assert old is not None
    assert old.elder_id == elder["id"]
    assert new is not None
    assert new.elder_id == other["id"]


async def test_binding_to_the_same_again_resets_nothing(
    admin: Caller, world: World, elder: dict[str, Any]
) -> None:
    created = await admin.made("devices", BUTTON | {"elder_id": elder["id"]})
    await world.press("btn-1")
    world.clock.advance(minutes=5)
    same = await admin.patch("devices/btn-1", {"elder_id": elder["id"], "room": "客厅"})
    assert same.json()["bound_since"] == created["bound_since"]
    assert same.json()["room"] == "客厅"
    assert same.json()["last_heard_at"] is not None


async def test_taken_off_the_wall(admin: Caller, elder: dict[str, Any]) -> None:
    await admin.made("devices", BUTTON | {"elder_id": elder["id"]})
    only_home = (await admin.patch("devices/btn-1", {"elder_id": None})).json()
    assert (only_home["elder_id"], only_home["home_id"]) == (None, elder["home_id"])
    nobody = (await admin.patch("devices/btn-1", {"home_id": None})).json()
    assert (nobody["elder_id"], nobody["home_id"], nobody["bound_since"]) == (None, None, None)


async def test_what_an_elder_wears_moves_with_them_and_the_rest_stays(
    admin: Caller, elder: dict[str, Any]
) -> None:
    await admin.made("devices", BUTTON | {"elder_id": elder["id"]})
    meter = {"id": "meter-1", "family": "native", "role": "water_meter"}
    await admin.made("devices", meter | {"elder_id": elder["id"]})
    home = await admin.made("homes", {"address": "女儿家"})
    moved = await admin.patch(f"elders/{elder['id']}", {"home_id": home["id"]})
    assert moved.json()["home_id"] == home["id"]
    worn, hung = await admin.read("devices/btn-1"), await admin.read("devices/meter-1")
    assert (worn["elder_id"], worn["home_id"]) == (elder["id"], home["id"])
    assert (hung["elder_id"], hung["home_id"]) == (None, elder["home_id"])


async def test_devices_go_with_their_home_into_another_area(
    admin: Caller, elder: dict[str, Any]
) -> None:
    await admin.made("devices", BUTTON | {"elder_id": elder["id"]})
    area = await admin.made("areas", {"name": "村", "level": "village"})
    await admin.patch(f"homes/{elder['home_id']}", {"area_id": area["id"]})
    assert (await admin.read("devices/btn-1"))["area_id"] == area["id"]
    refused = await admin.patch("devices/btn-1", {"area_id": None})
    assert refused.status_code == 422


async def test_readings_are_listed_oldest_first(admin: Caller, world: World) -> None:
    await admin.made("devices", {"id": "meter-1", "family": "native", "role": "water_meter"})
    for hour in range(3):
        reading = {
            "register": "water_total",
            "value": 12.0 + hour,
            "unit": "m3",
            "at": f"2026-02-28T0{hour}:00:00Z",
        }
        body = {"id": f"m{hour}", "readings": [reading], "battery_pct": 87}
        await world.hears("anju/v1/meter-1/telemetry", body, lane="bulk")
    page = await admin.read("readings", device_id="meter-1", register="water_total")
    assert [one["value"] for one in page["items"]] == [12.0, 13.0, 14.0]
    assert {one["register"] for one in page["items"]} == {"water_total"}
    late = await admin.read(
        "readings", device_id="meter-1", register="water_total", since="2026-02-28T01:00:00Z"
    )
    assert len(late["items"]) == 2
    assert (await admin.read("devices/meter-1"))["battery_pct"] == 87
    assert (await admin.get("readings")).status_code == 422
    assert (await admin.get("readings", device_id="nobody")).status_code == 404


async def test_the_inbox_shows_what_nobody_could_read_and_nobody_knows(
    admin: Caller, world: World
) -> None:
    await world.hears("anju/v1/btn-9/event", b"{oops \xff")
    await world.press("btn-8")
    (message,) = (await admin.read("quarantine"))["items"]
    assert message["topic"] == "anju/v1/btn-9/event"
    assert message["text"] == "{oops �"
    assert message["payload_base64"] == "e29vcHMg/w=="
    unknown = {one["child_id"] for one in (await admin.read("unknown-devices"))["items"]}
    assert "btn-8" in unknown
    await admin.made("devices", BUTTON | {"id": "btn-8"})
    unknown = {one["child_id"] for one in (await admin.read("unknown-devices"))["items"]}
    assert "btn-8" not in unknown
