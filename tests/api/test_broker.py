"""EMQX asks Anju: the same answers as the lists that Mosquitto is given."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.api import Caller, World

SECRET = "what-the-broker-shows"
ALLOW = {"result": "allow", "is_superuser": False}
DENY = {"result": "deny", "is_superuser": False}


@pytest.fixture
def broker(world: World) -> World:
    world.services.settings = world.services.settings.model_copy(update={"broker_secret": SECRET})
    return world


async def ask(world: World, call: str, secret: str = SECRET, **body: Any) -> httpx.Response:
    headers = {"X-Anju-Broker-Secret": secret}
    return await world.client.post(f"/api/v1/broker/emqx/{call}", json=body, headers=headers)


async def comes_in(world: World, mqtt: dict[str, str], clientid: str | None = None) -> Any:
    who = mqtt["username"] if clientid is None else clientid
    return (await ask(world, "authenticate", clientid=who, **mqtt)).json()


async def may(world: World, name: str, action: str, topic: str) -> bool:
    body = {"username": name, "clientid": name, "action": action, "topic": topic}
    answer = (await ask(world, "authorize", **body)).json()
    assert answer in (ALLOW, DENY)
    return bool(answer == ALLOW)


async def test_a_device_comes_in_with_its_password_as_itself(broker: World, admin: Caller) -> None:
    device = {"id": "btn-1", "family": "native", "role": "sos_button"}
    mqtt = (await admin.made("devices", device))["mqtt"]
    assert await comes_in(broker, mqtt) == ALLOW
    assert await comes_in(broker, mqtt, "anju-urgent-0") == DENY
    assert await comes_in(broker, mqtt | {"password": "x"}) == DENY
    assert await comes_in(broker, {"username": "", "password": ""}) == DENY

    renewed = (await admin.post("devices/btn-1/credentials")).json()["mqtt"]
    assert await comes_in(broker, mqtt) == DENY
    assert await comes_in(broker, renewed) == ALLOW
    await admin.patch("devices/btn-1", {"active": False})
    assert await comes_in(broker, renewed) == DENY
    assert not await may(broker, "btn-1", "publish", "anju/v1/btn-1/event")


async def test_a_device_and_a_bridge_are_kept_to_their_topics(broker: World, admin: Caller) -> None:
    await admin.made("devices", {"id": "btn-1", "family": "native", "role": "sos_button"})
    assert await may(broker, "btn-1", "publish", "anju/v1/btn-1/event")
    assert await may(broker, "btn-1", "subscribe", "anju/v1/btn-1/command")
    assert not await may(broker, "btn-1", "publish", "anju/v1/btn-2/event")
    assert not await may(broker, "btn-1", "subscribe", "anju/v1/+/command")
    assert not await may(broker, "btn-1", "subscribe", "#")

    source = {"name": "桥", "family": "zigbee2mqtt", "prefix": "east", "only_listed": True}
    bridge = await admin.made("sources", source)
    child = {"family": "zigbee2mqtt", "source_id": bridge["id"], "child_id": "0x1"}
    await admin.made("devices", child | {"id": "smoke-1", "role": "smoke_detector"})
    name = bridge["mqtt"]["username"]
    assert await may(broker, name, "subscribe", "east/#")
    assert await may(broker, name, "publish", "east/0x1")
    assert not await may(broker, name, "publish", "east/0x2")
    await admin.patch(f"sources/{bridge['id']}", {"only_listed": False})
    assert await may(broker, name, "publish", "east/0x2")
    await admin.patch(f"sources/{bridge['id']}", {"active": False})
    assert not await may(broker, name, "publish", "east/0x1")
    assert await comes_in(broker, bridge["mqtt"]) == DENY


async def test_nobody_but_the_broker_is_answered(world: World, broker: World) -> None:
    for secret in ("", "wrong"):
        answer = await ask(broker, "authenticate", secret, username="a", clientid="a")
        assert answer.status_code == 403
    world.services.settings = world.services.settings.model_copy(update={"broker_secret": ""})
    assert (await ask(world, "authenticate", "", username="a")).status_code == 403


async def test_who_has_no_account_gets_no_password(admin: Caller) -> None:
    source = {"name": "桥", "family": "zigbee2mqtt", "prefix": "east"}
    bridge = await admin.made("sources", source)
    child = {"family": "zigbee2mqtt", "source_id": bridge["id"], "child_id": "0x1"}
    await admin.made("devices", child | {"id": "smoke-1", "role": "smoke_detector"})
    refused = await admin.post("devices/smoke-1/credentials")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "it has no MQTT account of its own",
    )
    reserved = {"id": "anju-urgent-0", "family": "native", "role": "sos_button"}
    assert (await admin.post("devices", reserved)).status_code == 422
