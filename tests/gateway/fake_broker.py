"""A broker that misbehaves on purpose: refuses versions, forgets sessions, hangs up at will."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14
V311, V5 = 4, 5
Answer = Literal["accept", "refuse", "refuse like 3.1.1", "silence", "hang up"]


@dataclass
class Connect:
    """What a CONNECT packet asked for; `properties` by their number (0x21: Receive Maximum)."""

    level: int
    client_id: str
    clean: bool
    properties: dict[int, int] = field(default_factory=dict)


@dataclass
class Peer:
    """One connection of a client."""

    connect: Connect
    writer: asyncio.StreamWriter
    subscribed: list[str] = field(default_factory=list)
    unsubscribed: list[str] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)  # packet ids, in order
    published: list[tuple[str, bytes]] = field(default_factory=list)
    said_goodbye: bool = False

    def deliver(self, mid: int, topic: str = "t", payload: bytes = b"", *, qos: int = 1) -> None:
        name = topic.encode()
        body = struct.pack("!H", len(name)) + name
        body += struct.pack("!H", mid) if qos else b""
        body += b"\0" if self.connect.level == V5 else b""
        self.send(PUBLISH, body + payload, flags=qos << 1)

    def send(self, kind: int, body: bytes, *, flags: int = 0) -> None:
        self.writer.write(bytes([kind << 4 | flags]) + _varint(len(body)) + body)

    def hang_up(self) -> None:
        self.writer.close()


class FakeBroker:
    """`answers[level]` is what a CONNECT of that version gets; the next one, when it is a list."""

    def __init__(self) -> None:
        self.answers: dict[int, Answer] = {V311: "accept", V5: "accept"}
        self.session_present = False
        self.refused: set[str] = set()  # topic filters that nobody may subscribe to
        self.attempts: list[Connect] = []
        self.peers: list[Peer] = []  # accepted ones, newest last
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def peer(self) -> Peer:
        return self.peers[-1]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FakeBroker]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            _, body = await _packet(reader)
            connect = _parse_connect(body)
            self.attempts.append(connect)
            peer = Peer(connect, writer)
            if not self._greet(peer):
                return
            self.peers.append(peer)
            while True:
                header, body = await _packet(reader)
                self._handle(peer, header, body)

    def _greet(self, peer: Peer) -> bool:
        answer = self.answers[peer.connect.level]
        is_v5 = peer.connect.level == V5
        if answer == "accept":
            flags = bytes([self.session_present, 0])
            peer.send(CONNACK, flags + (b"\0" if is_v5 else b""))
            return True
        if answer == "refuse":
            peer.send(CONNACK, b"\0\x84\0" if is_v5 else b"\0\x01")
        if answer == "refuse like 3.1.1":
            peer.send(CONNACK, b"\0\x01")
        if answer != "silence":
            peer.hang_up()
        return False

    def _handle(self, peer: Peer, header: int, body: bytes) -> None:
        kind, is_v5 = header >> 4, peer.connect.level == V5
        if kind == PINGREQ:
            peer.send(PINGRESP, b"")
        elif kind == DISCONNECT:
            peer.said_goodbye = True
        elif kind == PUBACK:
            peer.acknowledged.append(int.from_bytes(body[:2], "big"))
        elif kind in (SUBSCRIBE, UNSUBSCRIBE):
            at = 2 + (1 + body[2] if is_v5 else 0)
            filters = []
            while at < len(body):
                topic, at = _text(body, at)
                at += kind == SUBSCRIBE  # the options
                filters.append(topic)
            (peer.subscribed if kind == SUBSCRIBE else peer.unsubscribed).extend(filters)
            codes = bytes(0x80 if one in self.refused else 1 for one in filters)
            answer = SUBACK if kind == SUBSCRIBE else UNSUBACK
            empty = b"\0" if is_v5 else b""
            peer.send(answer, body[:2] + empty + (codes if kind == SUBSCRIBE or is_v5 else b""))
        elif kind == PUBLISH:
            topic, at = _text(body, 0)
            if header & 0x06:
                peer.send(PUBACK, body[at : at + 2])
                at += 2
            peer.published.append((topic, body[at + (1 + body[at] if is_v5 else 0) :]))


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    header = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return header, await reader.readexactly(length)


def _varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def _text(body: bytes, at: int) -> tuple[str, int]:
    length = int.from_bytes(body[at : at + 2], "big")
    return body[at + 2 : at + 2 + length].decode(), at + 2 + length


def _parse_connect(body: bytes) -> Connect:
    _, at = _text(body, 0)
    level, flags, at = body[at], body[at + 1], at + 4
    properties: dict[int, int] = {}
    if level == V5:
        end = at + 1 + body[at]
        at += 1
        while at < end:  # only the two that Anju sends: 0x11 (4 bytes) and 0x21 (2 bytes)
            size = {0x11: 4, 0x21: 2}[body[at]]
            properties[body[at]] = int.from_bytes(body[at + 1 : at + 1 + size], "big")
            at += 1 + size
    client_id, _ = _text(body, at)
    return Connect(level, client_id, bool(flags & 2), properties)
