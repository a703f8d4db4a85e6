"""`anju simulate`: one event from one device, by hand, and whether Anju acknowledged it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, get_args

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from core.clock import Clock, SystemClock
from core.errors import InvalidInput
from simulators.broker import BrokerAddress
from simulators.devices import Fleet, Receipt, retry_delays
from simulators.messages import NATIVE_PREFIX, native_status, zigbee_state

Act = Literal["press", "smoke", "fall", "silence"]
ACTS: tuple[Act, ...] = get_args(Act)
_EVENT_OF: dict[Act, str] = {"press": "sos", "smoke": "smoke", "fall": "fall"}
_DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CONNECT_S = 10.0


def run(act: Act, device_id: str, mqtt_url: str, *, wait_s: float = 30.0) -> int:
    """What the command does; returns its exit status.

    0: the `ack` came (or, for `silence`, the device is gone). 1: no `ack` within about `wait_s`
    seconds, or no broker. Raises `InvalidInput` or `SettingsError` for what cannot be used.
    """
    if not _DEVICE_ID.fullmatch(device_id):
        raise InvalidInput("--device", f"{device_id!r} is not 1–64 of A–Z a–z 0–9 . _ -")
    address = BrokerAddress.from_url(mqtt_url, "--mqtt-url")
    clock = SystemClock()
    try:
        if act == "silence":
            vanish(address, device_id, clock.now())
            print(f"{device_id} 已失联，遗嘱消息已发出 / gone; the broker published its will")
            return 0
        receipt = asyncio.run(press(act, device_id, address, clock, retry_delays(for_s=wait_s)))
    except OSError as error:
        print(f"连不上 / cannot reach {address}: {error}", file=sys.stderr)
        return 1
    return _tell(receipt, device_id, _EVENT_OF[act])


async def press(
    act: Act, device_id: str, address: BrokerAddress, clock: Clock, delays: Iterable[float]
) -> Receipt:
    """Report the event of `act` and repeat it until its `ack`, or until `delays` run out."""
    fleet = Fleet(address, clock, ack_topic=f"{NATIVE_PREFIX}/{device_id}/ack")
    async with fleet.connected(within_s=_CONNECT_S):
        return await fleet.report(device_id, _EVENT_OF[act], delays=delays)


def vanish(address: BrokerAddress, device_id: str, at: datetime) -> None:
    """Be a device whose battery dies: say `online`, then go without a goodbye.

    The broker publishes the last will, which is how a silent device is noticed. Blocks for as
    long as the network takes. Raises `OSError` when the broker cannot be reached.
    """
    will = native_status(device_id, online=False, at=at)
    birth = native_status(device_id, online=True, at=at)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.will_set(will.topic, will.payload, qos=1, retain=True)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set()
    client.connect_timeout = _CONNECT_S
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        sent = client.publish(birth.topic, birth.payload, qos=1, retain=True)
        sent.wait_for_publish(_CONNECT_S)
        if not sent.is_published():
            raise OSError(MQTTErrorCode.MQTT_ERR_CONN_REFUSED, "the broker did not accept it")
    finally:
        client.loop_stop()
        socket = client.socket()
        if socket is not None:
            socket.close()


_STATE_OF: dict[Act, dict[str, object]] = {
    "press": {"action": "emergency", "battery": 97},
    "smoke": {"smoke": True, "battery": 97},
}


def run_behind_bridge(act: Act, name: str, prefix: str, mqtt_url: str) -> int:
    """The same for a child of a Zigbee2MQTT bridge: its state, and that it ended; nobody answers.

    `name` is what its topic is called. Returns 0, or 1 without a broker. Raises `InvalidInput` for
    an act that such a device has no word for.
    """
    if act not in _STATE_OF:
        raise InvalidInput("--bridge", f"{act} is for native devices; press and smoke work here")
    address = BrokerAddress.from_url(mqtt_url, "--mqtt-url")
    said = _STATE_OF[act]
    over = {"smoke": False} if "smoke" in said else {"action": ""}
    try:
        asyncio.run(_say_behind_bridge(address, prefix, name, said, said | over))
    except OSError as error:
        print(f"连不上 / cannot reach {address}: {error}", file=sys.stderr)
        return 1
    print(f"{name} {_EVENT_OF[act]}: 已发到 / published to {prefix}/{name}")
    return 0


async def _say_behind_bridge(
    address: BrokerAddress, prefix: str, name: str, *states: dict[str, object]
) -> None:
    fleet = Fleet(address, SystemClock())
    async with fleet.connected(within_s=_CONNECT_S):
        for state in states:
            await fleet.publish(zigbee_state(prefix, name, state))


def _tell(receipt: Receipt, device_id: str, kind: str) -> int:
    said = f"{device_id} {kind} ({receipt.event_id})"
    times = f"{receipt.attempts} × {receipt.waited_s:.1f} s"
    if receipt.accepted:
        print(f"{said}: 安居已收到并存好 / stored by Anju ({times})")
        return 0
    print(f"{said}: 没有收到确认 / no ack came ({times})", file=sys.stderr)
    return 1
