"""A paho client that takes messages out of what it read in one go, and acknowledges many at once.

paho asks the system for a packet's first byte, for each byte of its length and for its body, and
gives every message properties, locks and a walk through a tree of topics; an acknowledgement is a
packet and a system call of its own. That was half of what a meter reading cost (docs/adr). Here
messages are cut out of large reads; whatever else the broker says is handed to paho, packet by
packet. `_sock_recv` and `_packet_queue` are paho's own: tests/gateway/test_client.py sees to it
that they still are what they were.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion

_READ_BYTES = 65_536
_PUBLISH, _PUBACK = 0x30, 0x40
_puback = struct.Struct("!BBH").pack


class Arrival(NamedTuple):
    """One message as it stood on the wire."""

    topic: str
    payload: bytes
    mid: int  # 0 where it needs no acknowledgement
    qos: int
    retained: bool


class Client(paho.Client):
    """Use `read` in place of `loop_read`, and `acknowledge` in place of `ack`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ahead = bytearray()  # read from the socket; `_at` is how far it has been used
        self._at = 0
        self._end: int | None = None  # of the packet that paho is reading out of `_ahead`
        self._has_properties = kwargs.get("protocol") == MQTTProtocolVersion.MQTTv5
        self.has_more = False
        """Whether `read` stopped for having read enough: there may be more without a new read."""

    def read(self, most: int) -> list[Arrival]:
        """Up to `most` messages of QoS 0 and 1; everything else goes to paho and its callbacks."""
        if not self.has_more and not self._fill():
            return []
        arrivals: list[Arrival] = []
        self.has_more = False
        while (end := self._packet_end()) is not None:
            if len(arrivals) == most:
                self.has_more = True
                return arrivals
            arrival = self._message(end)
            if arrival is not None:
                self._at = end
                arrivals.append(arrival)
            else:
                self._hand_over(end)
                if self.socket() is None:  # paho refused it, and what follows is worth nothing
                    self._at = len(self._ahead)
        del self._ahead[: self._at]
        self._at = 0
        return arrivals

    def acknowledge(self, mids: Sequence[int]) -> None:
        """PUBACK for each, in this order, written as one piece."""
        if mids:
            self._packet_queue(_PUBACK, b"".join([_puback(_PUBACK, 2, mid) for mid in mids]), 0, 1)

    def _fill(self) -> bool:
        """Read what the socket has; False when that is nothing."""
        try:
            raw = super()._sock_recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            raw = b""
        if raw:
            self._ahead += raw
        else:
            self.loop_read()  # paho finds that the connection is gone, too, and says so
        return bool(raw)

    def _packet_end(self) -> int | None:
        """Where the packet at `_at` ends; None while it is not all there."""
        ahead, at = self._ahead, self._at
        size = shift = 0
        for index in range(at + 1, min(at + 5, len(ahead))):
            byte = ahead[index]
            size |= (byte & 127) << shift
            if byte < 128:
                end = index + 1 + size
                return end if end <= len(ahead) else None
            shift += 7
        return None if len(ahead) - at < 5 else len(ahead)  # not MQTT: for paho to refuse

    def _message(self, end: int) -> Arrival | None:
        """The packet up to `end`, if it is a sound PUBLISH of QoS 0 or 1."""
        ahead = self._ahead
        first = ahead[self._at]
        qos = first >> 1 & 3
        if first & 0xF0 != _PUBLISH or qos > 1:
            return None
        begin = self._at + 2
        while ahead[begin - 1] > 127:  # the length's further bytes
            begin += 1
        body = bytes(ahead[begin:end])
        at = 2 + int.from_bytes(body[:2], "big")
        topic, mid = body[2:at], 0
        if qos:
            mid = int.from_bytes(body[at : at + 2], "big")
            at += 2
        if self._has_properties:
            at += 1 if body[at : at + 1] == b"\0" else _properties_size(body, at)
        if not topic or at > len(body):
            return None
        return Arrival(topic.decode("utf-8", "replace"), body[at:], mid, qos, bool(first & 1))

    def _hand_over(self, end: int) -> None:
        """Let paho read the packet up to `end` and nothing beyond it."""
        self._end = end
        try:
            self.loop_read()
        finally:
            self._at, self._end = end, None

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._end is None:
            return super()._sock_recv(bufsize)
        raw = bytes(self._ahead[self._at : min(self._at + bufsize, self._end)])
        if not raw:
            raise BlockingIOError
        self._at += len(raw)
        return raw


def _properties_size(body: bytes, at: int) -> int:
    """Bytes of the properties at `at`, their length included."""
    size = shift = 0
    for index in range(at, min(at + 4, len(body))):
        size |= (body[index] & 127) << shift
        if body[index] < 128:
            return index + 1 - at + size
        shift += 7
    return len(body)  # nonsense: beyond the end, so that paho refuses it
