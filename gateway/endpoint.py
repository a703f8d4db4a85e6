"""Where the broker is, and a client that speaks to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.client import Client

SESSION_EXPIRY_S = 7 * 86400
KEEPALIVE_S = 30


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, from `ANJU_MQTT_URL`."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca: str | None = None  # PEM file; None: the system's authorities
    embedded: bool = False

    @classmethod
    def parse(cls, url: str, ca: str = "") -> Endpoint:
        """`mqtt://user:pass@host:1883`, `mqtts://…`, `embedded://127.0.0.1:1883`."""
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8883 if tls else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            ca=ca or None,
            embedded=parts.scheme == "embedded",
        )

    @property
    def best_version(self) -> MQTTProtocolVersion:
        """MQTT 5 unless the broker is the embedded one, which never answers it."""
        return MQTTProtocolVersion.MQTTv311 if self.embedded else MQTTProtocolVersion.MQTTv5


def new_client(client_id: str, endpoint: Endpoint, version: MQTTProtocolVersion) -> Client:
    """A client with a persistent session that acknowledges nothing by itself."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version is MQTTProtocolVersion.MQTTv5 else False,
        protocol=version,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages_set(0)  # paho's 20 let receipts out in rounds after an outage
    if endpoint.username is not None:
        client.username_pw_set(endpoint.username, endpoint.password)
    if endpoint.tls:
        client.tls_set(ca_certs=endpoint.ca)
    return client


def connect(
    client: Client,
    endpoint: Endpoint,
    version: MQTTProtocolVersion,
    receive_maximum: int,
) -> None:
    """Open the connection and send CONNECT; blocks for as long as TCP and TLS take.

    `receive_maximum` is how many messages the broker may send before the first is acknowledged
    (MQTT 5 only). Raises OSError where nothing answers, ValueError for a host that cannot be one.
    """
    options: dict[str, Any] = {}
    if version is MQTTProtocolVersion.MQTTv5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = receive_maximum
        options = {"clean_start": False, "properties": properties}
    client.connect(endpoint.host, endpoint.port, KEEPALIVE_S, **options)
