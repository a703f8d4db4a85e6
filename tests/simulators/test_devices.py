"""Simulated devices against a real broker: what they say, and that they insist."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.clock import SystemClock
from core.errors import InvalidInput, SettingsError
from gateway.embedded import EmbeddedBroker
from simulators import press
from simulators.broker import BrokerAddress
from simulators.devices import Fleet, Heard, retry_delays
from simulators.messages import native_status
from tests.simulators.support import free_port
from tests.support.clock import ManualClock

SOON = (0.05, 0.05, 0.05, 0.05, 2.0, 2.0)


class Gateway:
    """Stands in for Anju on the broker: remembers events, acknowledges the nth of each id."""

    def __init__(self, *, deaf_for: int = 0) -> None:
        self.deaf_for = deaf_for
        self.events: list[tuple[str, bytes]] = []

    @asynccontextmanager
    async def listening(self, address: BrokerAddress) -> AsyncIterator[Gateway]:
        async with address.client() as client:
            await client.subscribe("anju/v1/+/event", qos=1)

            async def answer() -> None:
                async for message in client.messages:
                    topic, payload = str(message.topic), bytes(message.payload)
                    self.events.append((topic, payload))
                    if len(self.events) > self.deaf_for:
                        receipt = {"id": json.loads(payload)["id"], "accepted": True}
                        ack = topic.removesuffix("event") + "ack"
                        await client.publish(ack, json.dumps(receipt), qos=1)

            answering = asyncio.create_task(answer())
            try:
                yield self
            finally:
                answering.cancel()
                await asyncio.wait((answering,))


def test_repeats_come_after_2_4_8_up_to_60_seconds_for_a_day() -> None:
    delays = list(retry_delays())
    assert delays[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert set(delays[5:]) == {60}
    assert 24 * 3600 <= sum(delays) < 24 * 3600 + 60


async def test_a_press_is_sent_once_when_it_is_acknowledged(
    broker: BrokerAddress, clock: ManualClock
) -> None:
    async with (
        Gateway().listening(broker) as gateway,
        Fleet(broker, clock).connected() as fleet,
    ):
        receipt = await fleet.report("btn-1", "sos", {"room": "卧室"})
    assert receipt.accepted
    assert receipt.attempts == 1
    [(topic, payload)] = gateway.events
    assert topic == "anju/v1/btn-1/event"
    assert json.loads(payload) == {
        "id": receipt.event_id,
        "at": "2026-03-01T08:15:00.000+08:00",
        "kind": "sos",
        "data": {"room": "卧室"},
    }


async def test_a_press_that_nobody_acknowledges_is_repeated_unchanged(
    broker: BrokerAddress, clock: ManualClock
) -> None:
    async with (
        Gateway(deaf_for=3).listening(broker) as gateway,
        Fleet(broker, clock).connected() as fleet,
    ):
        receipt = await fleet.report("btn-1", "sos", delays=SOON)
    assert receipt.accepted
    assert receipt.attempts >= 4
    assert len(set(gateway.events)) == 1


async def test_two_presses_have_two_ids(broker: BrokerAddress, clock: ManualClock) -> None:
    async with (
        Gateway().listening(broker),
        Fleet(broker, clock).connected() as fleet,
    ):
        first, second = await asyncio.gather(
            fleet.report("btn-1", "sos"), fleet.report("btn-1", "sos")
        )
    assert first.accepted
    assert second.accepted
    assert first.event_id != second.event_id


async def test_a_device_gives_up_only_when_its_repeats_run_out(
    broker: BrokerAddress, clock: ManualClock
) -> None:
    async with Fleet(broker, clock).connected() as fleet:
        receipt = await fleet.report("btn-1", "sos", delays=(0.01, 0.01))
    assert not receipt.accepted
    assert receipt.attempts == 2


async def test_a_press_while_the_broker_restarts_arrives_when_it_is_back(
    clock: ManualClock,
) -> None:
    running = EmbeddedBroker("127.0.0.1", free_port())
    await running.start()
    address = BrokerAddress.from_url(running.url)
    async with Fleet(address, clock).connected() as fleet:
        await running.stop()
        pressing = asyncio.create_task(fleet.report("btn-1", "sos", delays=itertools.repeat(0.2)))
        running = EmbeddedBroker("127.0.0.1", address.port)
        await running.start()
        async with Gateway().listening(address):
            receipt = await asyncio.wait_for(pressing, 20)
    await running.stop()
    assert receipt.accepted


async def test_a_button_learns_that_help_is_coming(
    broker: BrokerAddress, clock: ManualClock
) -> None:
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    async with (
        broker.client() as anju,
        Fleet(broker, clock).connected() as fleet,
    ):
        fleet.on_heard = heard.put_nowait
        await anju.publish("anju/v1/btn-1/ack", b"not json", qos=1)
        await anju.publish("anju/v1/btn-1/ack", b"[1]", qos=1)
        said = {"incident": "inc-1", "stage": "accepted"}
        await anju.publish("anju/v1/btn-1/ack", json.dumps(said), qos=1)
        word = await asyncio.wait_for(heard.get(), 5)
    assert (word.device_id, word.incident, word.stage) == ("btn-1", "inc-1", "accepted")


async def test_a_status_is_retained(broker: BrokerAddress, clock: ManualClock) -> None:
    async with Fleet(broker, clock).connected() as fleet:
        await fleet.publish(native_status("btn-1", online=True, at=clock.now()))
    async with broker.client() as late:
        await late.subscribe("anju/v1/+/status", qos=1)
        message = await asyncio.wait_for(anext(aiter(late.messages)), 5)
    assert message.retain
    assert json.loads(message.payload)["state"] == "online"


async def test_no_broker_is_a_clear_error(clock: ManualClock) -> None:
    nowhere = BrokerAddress(host="127.0.0.1", port=free_port())
    with pytest.raises(
        ConnectionError, match=f"no MQTT broker answers at mqtt://127.0.0.1:{nowhere.port}"
    ):
        async with Fleet(nowhere, clock).connected(within_s=0.3):
            pass


@pytest.mark.parametrize(("act", "kind"), [("press", "sos"), ("smoke", "smoke"), ("fall", "fall")])
async def test_simulate_says_that_the_ack_came(
    broker: BrokerAddress, capsys: pytest.CaptureFixture[str], act: Any, kind: str
) -> None:
    async with Gateway().listening(broker) as gateway:
        status = await asyncio.to_thread(press.run, act, "btn-1", str(broker))
    assert status == 0
    assert json.loads(gateway.events[0][1])["kind"] == kind
    assert "stored by Anju" in capsys.readouterr().out


async def test_simulate_speaks_for_a_detector_behind_a_bridge_too(
    broker: BrokerAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "新烟感 未登记"
    async with broker.client() as client:
        await client.subscribe("zigbee2mqtt/#", qos=1)
        status = await asyncio.to_thread(
            press.run_behind_bridge, "smoke", name, "zigbee2mqtt", str(broker)
        )
        said = [await asyncio.wait_for(anext(aiter(client.messages)), 5) for _ in range(2)]
    assert status == 0
    assert {str(message.topic) for message in said} == {f"zigbee2mqtt/{name}"}
    assert [json.loads(message.payload)["smoke"] for message in said] == [True, False]
    assert name in capsys.readouterr().out


def test_a_bridge_s_child_has_no_word_for_a_fall() -> None:
    with pytest.raises(InvalidInput, match="--bridge"):
        press.run_behind_bridge("fall", "x", "zigbee2mqtt", "mqtt://127.0.0.1:1")


async def test_simulate_fails_when_no_ack_comes(broker: BrokerAddress) -> None:
    receipt = await press.press("press", "btn-1", broker, SystemClock(), (0.01,))
    assert press._tell(receipt, "btn-1", "sos") == 1


def test_simulate_fails_in_one_line_without_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    assert press.run("silence", "btn-1", url) == 1
    assert f"cannot reach {url}" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["", "a/b", "钮", "x" * 65, "a b", "+"])
def test_simulate_names_a_device_id_that_cannot_be(device: str) -> None:
    with pytest.raises(InvalidInput, match="--device"):
        press.run("press", device, "mqtt://127.0.0.1:1")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", BrokerAddress(host="broker", port=1883)),
        ("mqtts://broker", BrokerAddress(host="broker", port=8883, tls=True)),
        ("embedded://127.0.0.1:1884", BrokerAddress(host="127.0.0.1", port=1884)),
        (
            "mqtt://b%40x:p%3Aw@broker:99",
            BrokerAddress(host="broker", port=99, username="b@x", password="p:w"),
        ),
    ],
)
def test_broker_urls(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.from_url(url) == expected


@pytest.mark.parametrize("url", ["", "broker:1883", "http://broker", "mqtt://", "mqtt://b:port"])
def test_a_wrong_broker_url_names_its_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="--mqtt-url"):
        BrokerAddress.from_url(url, "--mqtt-url")
