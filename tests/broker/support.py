"""The shipped broker in a temporary folder, and clients that say what came of it."""

from __future__ import annotations

import queue
import re
import secrets
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from care.equipment import mosquitto_hash
from core.settings import load_settings
from devices.rights import Account
from scripts.mqtt_accounts import (
    ACCESS,
    CERTIFICATES,
    PASSWORDS,
    access_list,
    certificate_list,
    password_list,
    prepare,
)
from tests.support.mosquitto import SHIPPED, Mosquitto, free_port

GATEWAY, GATEWAY_PASSWORD = "anju-gateway", "gateway-password-of-a-test"
DEVICE_PASSWORD = "device-password-of-a-test"
BRIDGE = "src-east"
WITHIN_S = 20.0


def account(name: str, password: str) -> tuple[str, str]:
    """User name and hash, as Anju keeps them."""
    return name, mosquitto_hash(password, secrets.token_bytes(12))


class ShippedBroker(Mosquitto):
    """deploy/mosquitto/ as it is, but for ports and folders: `port` is the devices' door."""

    def __init__(self, folder: Path, devices: tuple[str, ...] = ("btn-1", "btn-2")) -> None:
        self.gateway_port, port = free_port(), free_port()
        self.accounts = folder / "accounts"
        self.accounts.mkdir(parents=True)
        self.let_in(devices)
        url = f"mqtt://{GATEWAY}:{GATEWAY_PASSWORD}@127.0.0.1:{self.gateway_port}"
        prepare(load_settings(mqtt_url=url, secret_key="only for tests, really"), self.accounts)
        super().__init__(folder, port=port, config=self._moved(folder, port))

    def let_in(self, devices: tuple[str, ...]) -> None:
        """Write the lists as `scripts/mqtt_accounts.py` does, for these devices and one bridge."""
        names = [*devices, BRIDGE]
        passwords = password_list([account(name, DEVICE_PASSWORD) for name in names])
        (self.accounts / PASSWORDS).write_text(passwords, "utf-8")
        bridge = Account(name=BRIDGE, family="zigbee2mqtt", prefix="east/zigbee2mqtt")
        accounts = [*(Account(name=name) for name in devices), bridge]
        (self.accounts / ACCESS).write_text(access_list(accounts), "utf-8")
        (self.accounts / CERTIFICATES).write_text(certificate_list(accounts), "utf-8")

    def _moved(self, folder: Path, port: int) -> str:
        text = SHIPPED.read_text("utf-8")
        for shipped, here in (
            ("/mosquitto/data/", f"{folder}/"),
            ("/mosquitto/accounts/", f"{self.accounts}/"),
            ("/mosquitto/config/", f"{SHIPPED.parent}/"),
        ):
            text = text.replace(shipped, here)
        text = re.sub(r"^listener 1883$", f"listener {port} 127.0.0.1", text, flags=re.M)
        text = re.sub(
            r"^listener 1884$", f"listener {self.gateway_port} 127.0.0.1", text, flags=re.M
        )
        return "user root\n" + text  # ignored unless the tests run as root

    def gateway(self, client_id: str) -> Client:
        """Anju's own door, with a session that the broker keeps."""
        return Client(self.gateway_port, client_id, GATEWAY, GATEWAY_PASSWORD, persistent=True)

    def device(self, name: str, *, client_id: str | None = None) -> Client:
        """The devices' door, by name and its right password."""
        return Client(self.port, client_id or name, name, DEVICE_PASSWORD)


class Client:
    """An MQTT 5 client that keeps what it hears in `heard`."""

    def __init__(
        self, port: int, client_id: str, username: str, password: str, *, persistent: bool = False
    ) -> None:
        self._port, self._persistent = port, persistent
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(username, password)
        self._answers: queue.Queue[str] = queue.Queue()
        self._lost: queue.Queue[str] = queue.Queue()
        self._suback: queue.Queue[None] = queue.Queue()
        self.heard: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self._client.on_connect = lambda *said: self._answers.put(str(said[3]))
        self._client.on_disconnect = lambda *said: self._lost.put(str(said[3]))
        self._client.on_subscribe = lambda *said: self._suback.put(None)
        self._client.on_message = lambda *said: self.heard.put(said[2])

    def connect(self) -> str:
        """Connect and return the broker's answer in words, for example `Success`."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600 if self._persistent else 0
        self._client.connect(
            "127.0.0.1", self._port, 60, clean_start=not self._persistent, properties=properties
        )
        self._client.loop_start()
        return self._answers.get(timeout=WITHIN_S)

    def subscribe(self, *topics: str) -> None:
        self._client.subscribe([(topic, 1) for topic in topics])
        self._suback.get(timeout=WITHIN_S)

    def publish(self, topic: str, payload: bytes = b"{}", *, qos: int = 1) -> None:
        """Returns once the broker has answered (QoS 1) or the message is on its way (QoS 0)."""
        self._client.publish(topic, payload, qos=qos).wait_for_publish(WITHIN_S)

    def send(self, topic: str, payload: bytes, *, qos: int = 1) -> paho.MQTTMessageInfo:
        return self._client.publish(topic, payload, qos=qos)

    def hear(self) -> paho.MQTTMessage:
        """The next message; fails when none comes."""
        return self.heard.get(timeout=WITHIN_S)

    def thrown_out(self) -> str:
        """Why the broker hung up; fails when it does not."""
        return self._lost.get(timeout=WITHIN_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Client:
        answer = self.connect()
        assert answer == "Success", answer
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
