"""The client that reads ahead: the same messages as paho's own, whatever pieces they come in."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from gateway.client import Arrival, Client
from gateway.endpoint import Endpoint, connect, new_client

V311, V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5
CONNACK = {V311: b"\x20\x02\x00\x00", V5: b"\x20\x03\x00\x00\x00"}
SUBACK = {V311: b"\x90\x03\x00\x01\x01", V5: b"\x90\x04\x00\x01\x00\x01"}
PINGRESP = b"\xd0\x00"


class Wire:
    """A client and the broker's end of its connection, both in this thread."""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        self.version = version
        self.said: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            endpoint = Endpoint(host="127.0.0.1", port=listener.getsockname()[1])
            self.client: Client = new_client("test", endpoint, version)
            self.client.on_connect = lambda *_: self.said.append("connected")
            self.client.on_disconnect = lambda *_: self.said.append("lost")
            self.client.on_subscribe = lambda *_: self.said.append("subscribed")
            connect(self.client, endpoint, version, 100)
            self.broker, _ = listener.accept()
        self.broker.settimeout(5)
        assert self.broker.recv(1000)[0] == 0x10

    def read(self, raw: bytes, *, most: int = 1000) -> list[Arrival]:
        """What the client makes of `raw`, once it has arrived."""
        if raw:
            self.broker.sendall(raw)
        arrivals: list[Arrival] = []
        patience = 5.0
        while not self.client.has_more and self._is_readable(patience):
            arrivals += self.client.read(most)
            patience = 0.0
            if self.client.socket() is None:
                break
        return arrivals

    def _is_readable(self, within_s: float) -> bool:
        own: Any = self.client.socket()
        return bool(select.select([own.fileno()], [], [], within_s)[0])

    def close(self) -> None:
        self.broker.close()
        own: Any = self.client.socket()
        if own is not None:
            own.close()


@pytest.fixture(params=[V311, V5], ids=["3.1.1", "5"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    made = Wire(request.param)
    made.read(CONNACK[made.version])
    yield made
    made.close()


def length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, low = size >> 7, size & 127
        out.append(low | (128 if size else 0))
        if not size:
            return bytes(out)


def packet(
    version: MQTTProtocolVersion,
    topic: str,
    payload: bytes,
    mid: int = 0,
    *,
    retained: bool = False,
    properties: bytes = b"",
) -> bytes:
    """A PUBLISH; QoS 1 where it has a packet id."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + (struct.pack("!H", mid) if mid else b"")
    if version is V5:
        body += length(len(properties)) + properties
    body += payload
    first = 0x30 | (2 if mid else 0) | retained
    return bytes([first]) + length(len(body)) + body


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 100, 100_000])
def test_messages_are_the_same_in_whatever_pieces_they_come(wire: Wire, piece: int) -> None:
    expiry = b"\x02\x00\x00\x0e\x10"
    content_type = b"\x03\x00\x96" + b"x" * 150  # its length takes two bytes
    raw = b"".join(
        (
            packet(wire.version, "anju/v1/a/event", b"{}", 1),
            PINGRESP,
            packet(wire.version, "安居/b", b"\x00\xff" * 100, properties=expiry),
            packet(wire.version, "c", b"", 65_535, retained=True, properties=content_type),
            SUBACK[wire.version],
            packet(wire.version, "d", b"last", 2),
        )
    )
    wire.said.clear()
    found: list[Arrival] = []
    for at in range(0, len(raw), piece):
        found += wire.read(raw[at : at + piece])
    assert found == [
        Arrival("anju/v1/a/event", b"{}", 1, 1, False),
        Arrival("安居/b", b"\x00\xff" * 100, 0, 0, False),
        Arrival("c", b"", 65_535, 1, True),
        Arrival("d", b"last", 2, 1, False),
    ]
    assert wire.said == ["subscribed"]


def test_a_message_larger_than_one_read_is_put_together(wire: Wire) -> None:
    payload = bytes(range(256)) * 1000
    raw = packet(wire.version, "t", payload, 5)
    found = [one for at in range(0, len(raw), 30_000) for one in wire.read(raw[at : at + 30_000])]
    assert [(one.payload == payload, one.mid) for one in found] == [(True, 5)]


def test_paho_reads_what_is_not_a_message_through_us(wire: Wire) -> None:
    """Fails when paho no longer reads by `_sock_recv`: then nothing would be handed over."""
    assert wire.said == ["connected"]
    assert wire.client.is_connected()


def test_acknowledgements_leave_in_order_and_as_one_piece(wire: Wire) -> None:
    """Fails when paho's `_packet_queue` is no longer what it was."""
    wire.client.acknowledge([7, 65_535, 1])
    assert wire.broker.recv(1000) == b"\x40\x02\x00\x07\x40\x02\xff\xff\x40\x02\x00\x01"
    wire.client.acknowledge([])
    wire.client.publish("t", b"x")
    assert wire.broker.recv(1000)[0] == 0x30


def test_receipts_do_not_wait_for_the_broker_to_answer_the_first_ones(wire: Wire) -> None:
    """After an outage hundreds are due at once; paho alone lets twenty out at a time."""
    for _ in range(200):
        wire.client.publish("t", b"x", qos=1)
    sent = b""
    size = len(packet(wire.version, "t", b"x", 1))
    while len(sent) < 200 * size:
        sent += wire.broker.recv(100_000)


def test_no_more_is_read_than_asked_for_and_the_rest_is_kept(wire: Wire) -> None:
    raw = b"".join(packet(wire.version, "t", b"%d" % mid, mid) for mid in range(1, 6))
    first = wire.read(raw, most=2)
    assert wire.client.has_more
    second = wire.client.read(2)
    assert wire.client.has_more
    third = wire.client.read(2)
    assert not wire.client.has_more
    assert [one.mid for one in (*first, *second, *third)] == [1, 2, 3, 4, 5]
    assert len(third) == 1


def test_a_topic_that_is_not_utf_8_is_a_message_all_the_same(wire: Wire) -> None:
    raw = packet(wire.version, "aXb", b"1", 3).replace(b"aXb", b"a\xffb")
    assert wire.read(raw) == [Arrival("a\N{REPLACEMENT CHARACTER}b", b"1", 3, 1, False)]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x32\x01\x00",  # no room for a topic
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
    ],
)
def test_nonsense_ends_the_connection(wire: Wire, raw: bytes) -> None:
    assert wire.read(raw + packet(wire.version, "t", b"x", 1)) == []
    assert wire.said == ["connected", "lost"]


def test_the_end_of_the_connection_is_told(wire: Wire) -> None:
    last = packet(wire.version, "t", b"last", 9)
    wire.broker.sendall(last)
    wire.broker.close()
    assert [one.payload for one in wire.read(b"")] == [b"last"]
    assert wire.said == ["connected", "lost"]
