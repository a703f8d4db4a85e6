"""The embedded broker, driven by real clients."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import warnings

import pytest

from core.errors import SettingsError
from gateway.embedded import EmbeddedBroker
from simulators.broker import BrokerAddress
from simulators.press import vanish
from tests.simulators.support import free_port
from tests.support.clock import ManualClock


async def test_a_message_reaches_a_subscriber(broker: BrokerAddress) -> None:
    async with broker.client() as listener, broker.client() as device:
        await listener.subscribe("anju/v1/+/event", qos=1)
        await device.publish("anju/v1/b-1/event", b"{}", qos=1)
        message = await asyncio.wait_for(anext(aiter(listener.messages)), 5)
    assert (str(message.topic), message.payload, message.qos) == ("anju/v1/b-1/event", b"{}", 1)


async def test_a_retained_status_reaches_only_who_asked_for_it(broker: BrokerAddress) -> None:
    async with broker.client() as device, broker.client() as desk:
        await desk.subscribe("anju/v1/+/status", qos=1)
        await device.publish("anju/v1/b-1/status", b"online", qos=1, retain=True)
        first = await asyncio.wait_for(anext(aiter(desk.messages)), 5)
        async with broker.client() as bulk_lane:
            await bulk_lane.subscribe("anju/v1/+/telemetry", qos=1)
            await device.publish("anju/v1/w-1/telemetry", b"reading", qos=1)
            heard = await asyncio.wait_for(anext(aiter(bulk_lane.messages)), 5)
        async with broker.client() as late_desk:
            await late_desk.subscribe("anju/v1/+/status", qos=1)
            replayed = await asyncio.wait_for(anext(aiter(late_desk.messages)), 5)
    assert first.payload == b"online"
    assert heard.payload == b"reading"
    assert (replayed.payload, replayed.retain) == (b"online", True)


async def test_a_device_that_vanishes_leaves_its_last_will(
    broker: BrokerAddress, clock: ManualClock
) -> None:
    async with broker.client() as listener:
        await listener.subscribe("anju/v1/b-1/status", qos=1)
        await asyncio.to_thread(vanish, broker, "b-1", clock.now())
        heard = aiter(listener.messages)
        states = [
            json.loads((await asyncio.wait_for(anext(heard), 5)).payload)["state"] for _ in "12"
        ]
    assert states == ["online", "offline"]


async def test_a_taken_port_is_one_clear_error() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            await EmbeddedBroker("127.0.0.1", port).start()
    assert caught.value.setting == "ANJU_MQTT_URL"
    assert f"port {port} on 127.0.0.1 is taken" in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "example.org", "::"])
def test_it_refuses_to_serve_strangers(host: str) -> None:
    with pytest.raises(SettingsError, match="ANJU_MQTT_URL: the embedded broker has no passwords"):
        EmbeddedBroker(host, 1883)


async def test_it_starts_again_on_the_port_it_left() -> None:
    port = free_port()
    for _ in range(2):
        broker = EmbeddedBroker("127.0.0.1", port)
        await broker.start()
        async with BrokerAddress.from_url(broker.url).client() as client:
            await client.publish("a", b"b", qos=1)
        await broker.stop()
        await broker.stop()  # harmless


async def test_stopping_does_not_wait_for_a_socket_that_never_spoke() -> None:
    broker = EmbeddedBroker("127.0.0.1", free_port())
    await broker.start()
    _, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    await asyncio.wait_for(broker.stop(), 5)
    writer.close()
    await writer.wait_closed()


async def test_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broker = EmbeddedBroker("127.0.0.1", port)
        await broker.start()
        async with BrokerAddress.from_url(broker.url).client() as client:
            await client.publish("anju/v1/b-1/event", b"{}", qos=1)
        await broker.stop()
    logging.getLogger("amqtt.broker").error("a traceback nobody needs")
    assert "amqtt" not in capfd.readouterr().err
