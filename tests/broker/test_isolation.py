"""Who may say and hear what, from a call over REST to mosquitto_pub at the shipped broker."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts import mqtt_accounts
from tests.broker.support import Client, ShippedBroker
from tests.support.clock import ManualClock
from tests.support.mosquitto import program
from tests.support.waiting import until
from tests.support.world import World, open_world

pytestmark = pytest.mark.broker
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
CUT_OFF_WITHIN_S = 5.0


@pytest.fixture
async def world(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(database_url, clock) as opened:
        yield opened


def shipped_rounds() -> list[str]:
    """How often the shipped installation writes the lists."""
    found = re.search(r'"(--every)", "([\d.]+)"', COMPOSE.read_text("utf-8"))
    assert found is not None
    return list(found.groups())


@asynccontextmanager
async def lists_are_kept(broker: ShippedBroker, database_url: str) -> AsyncIterator[None]:
    """scripts/mqtt_accounts.py as docker-compose.yml runs it."""
    program_ = await asyncio.create_subprocess_exec(
        *(sys.executable, mqtt_accounts.__file__, "write", "--folder", str(broker.accounts)),
        *(*shipped_rounds(), "--pid", str(broker.pid)),
        env={**os.environ, "ANJU_DATABASE_URL": database_url},
        stdout=PIPE,
    )
    try:
        yield
    finally:
        program_.terminate()
        await program_.wait()


async def renew(world: World, broker: ShippedBroker) -> None:
    """One round of the same, at once."""
    assert await mqtt_accounts.write_lists(world.services.db, broker.accounts)
    broker.reload()


async def run(name: str, broker: ShippedBroker, mqtt: dict[str, str], *words: str) -> Process:
    """`mosquitto_pub` or `mosquitto_sub` at the devices' door."""
    door = ("-h", broker.host, "-p", str(broker.port), "-q", "1", "-V", "5")
    who = ("-u", mqtt["username"], "-P", mqtt["password"], "-i", mqtt["username"])
    return await asyncio.create_subprocess_exec(
        program(name), *door, *who, *words, stdout=PIPE, stderr=STDOUT
    )


async def publish(
    broker: ShippedBroker, mqtt: dict[str, str], topic: str, payload: str = "{}"
) -> bool:
    """Whether the broker took it (MQTT 5 says so)."""
    sent = await run("mosquitto_pub", broker, mqtt, "-t", topic, "-m", payload)
    said, _ = await sent.communicate()
    return b"Not authorized" not in said and sent.returncode == 0


async def may_come_in(broker: ShippedBroker, mqtt: dict[str, str]) -> None:
    topic = f"anju/v1/{mqtt['username']}/event"
    await until(lambda: publish(broker, mqtt, topic), what=f"{topic} let in")


async def listen(broker: ShippedBroker, mqtt: dict[str, str], topic: str) -> Process:
    """`mosquitto_sub` with an open connection, once the broker says so."""
    words = f"as {mqtt['username']} ("
    before = broker.log.count(words)
    listening = await run("mosquitto_sub", broker, mqtt, "-t", topic)
    await until(lambda: broker.log.count(words) > before, what="an open connection")
    return listening


async def cut_off(listening: Process) -> None:
    """The open connection ended within the time, and the broker let nobody in again."""
    await asyncio.wait_for(listening.wait(), CUT_OFF_WITHIN_S)
    assert listening.stdout is not None
    assert b"not authori" in (await listening.stdout.read()).lower()


async def test_a_revoked_device_and_an_old_password_are_cut_off_within_five_seconds(
    world: World, broker: ShippedBroker, database_url: str
) -> None:
    async with lists_are_kept(broker, database_url):
        made = await world.device("btn-7", "sos_button")
        await may_come_in(broker, made["mqtt"])

        listening = await listen(broker, made["mqtt"], "anju/v1/btn-7/#")
        renewed = await world.admin.post("devices/btn-7/credentials")
        await cut_off(listening)
        assert renewed["mqtt"]["password"] != made["mqtt"]["password"]
        await may_come_in(broker, renewed["mqtt"])

        listening = await listen(broker, renewed["mqtt"], "anju/v1/btn-7/#")
        await world.admin.expect(200, "PATCH", "devices/btn-7", json={"active": False})
        await cut_off(listening)
        assert not await publish(broker, renewed["mqtt"], "anju/v1/btn-7/event")


async def test_a_device_speaks_and_hears_as_itself_only(
    world: World, broker: ShippedBroker
) -> None:
    first, second = [(await world.device(f"btn-{n}", "sos_button"))["mqtt"] for n in (1, 2)]
    await renew(world, broker)
    with broker.gateway("watcher") as everything:
        everything.subscribe("#")
        await may_come_in(broker, first)
        assert everything.hear().topic == "anju/v1/btn-1/event"
        for topic in ("btn-2/event", "btn-2/status", "btn-2/command", "btn-1/command", "btn-1/ack"):
            assert not await publish(broker, first, f"anju/v1/{topic}"), topic
        assert not await publish(broker, first, "zigbee2mqtt/smoke")
        assert everything.heard.empty()

    words = ("-v", "-W", "20", "-C", "1", "-t", "#", "-t", "anju/v1/btn-2/command")
    listening = await run("mosquitto_sub", broker, first, *words)
    with broker.gateway("anju-urgent-0") as anju, Client(broker.port, "x", **second) as other:
        other.subscribe("anju/v1/btn-2/command")

        async def heard() -> bytes | None:
            anju.publish("anju/v1/btn-2/command", b"for another")
            anju.publish("anju/v1/btn-1/ack", b"for me")
            return None if listening.returncode is None else await listening.stdout.read()  # type: ignore[union-attr]

        assert await until(heard, what="an answer") == b"anju/v1/btn-1/ack for me\n"
        assert other.hear().payload == b"for another"


async def bridge(world: World, **fields: Any) -> dict[str, Any]:
    body = {"name": "网桥", "family": "zigbee2mqtt", "prefix": "east/zigbee2mqtt"}
    made: dict[str, Any] = await world.admin.post("sources", body | fields)
    return made


async def adopt(world: World, source: dict[str, Any], child: str, **fields: Any) -> None:
    body = {"family": "zigbee2mqtt", "source_id": source["id"], "child_id": child}
    await world.device(f"dev-{child[-4:]}", "smoke_detector", **body, **fields)


async def test_a_bridge_limited_to_its_list_cannot_speak_for_another_child(
    world: World, broker: ShippedBroker
) -> None:
    source = await bridge(world, only_listed=True)
    await adopt(world, source, "0x00158d0000000001")
    inventory = [
        {"ieee_address": "0x00158d0000000001", "friendly_name": "厨房 烟感", "type": "EndDevice"},
        {"ieee_address": "0x00158d0000000002", "friendly_name": "隔壁", "type": "EndDevice"},
    ]
    await world.hears("east/zigbee2mqtt/bridge/devices", inventory)
    await renew(world, broker)
    mqtt, prefix = source["mqtt"], "east/zigbee2mqtt"
    await until(lambda: publish(broker, mqtt, f"{prefix}/bridge/state"), what="the bridge let in")
    for mine in ("0x00158d0000000001", "厨房 烟感", "厨房 烟感/availability", "bridge/devices"):
        assert await publish(broker, mqtt, f"{prefix}/{mine}"), mine
    for not_mine in ("0x00158d0000000002", "隔壁", "隔壁/action", "厨房 烟感2"):
        assert not await publish(broker, mqtt, f"{prefix}/{not_mine}"), not_mine

    await world.admin.expect(200, "PATCH", f"sources/{source['id']}", json={"only_listed": False})
    await renew(world, broker)
    await until(lambda: publish(broker, mqtt, f"{prefix}/隔壁"), what="the whole prefix")


async def test_a_revoked_bridge_is_cut_off_and_what_still_arrives_is_set_aside(
    world: World, broker: ShippedBroker
) -> None:
    source = await bridge(world)
    await renew(world, broker)
    mqtt = source["mqtt"]
    await until(lambda: publish(broker, mqtt, "east/zigbee2mqtt/a"), what="the bridge let in")
    listening = await listen(broker, mqtt, "east/zigbee2mqtt/#")
    await world.admin.expect(200, "PATCH", f"sources/{source['id']}", json={"active": False})
    await renew(world, broker)
    await cut_off(listening)

    handled = await world.hears("east/zigbee2mqtt/0x1", {"smoke": True})
    assert not handled.incidents
    (aside,) = (await world.admin.get("quarantine"))["items"]
    assert (aside["reason"], aside["source_id"]) == ("revoked", source["id"])
    await world.admin.expect(200, "PATCH", f"sources/{source['id']}", json={"active": True})
    assert (await world.hears("east/zigbee2mqtt/0x1", {"smoke": True})).incidents
