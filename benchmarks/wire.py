"""The few MQTT 3.1.1 packets a publisher needs, as bytes. Pure."""

from __future__ import annotations

CONNACK_LENGTH = PUBACK_LENGTH = 4
PUBACK = 0x40


def connect(client_id: str, keepalive_s: int = 600) -> bytes:
    """A clean session."""
    body = b"\x00\x04MQTT\x04\x02" + keepalive_s.to_bytes(2, "big") + _text(client_id.encode())
    return b"\x10" + _length(len(body)) + body


def publish_head(topic: str) -> bytes:
    """The part of a QoS 1 PUBLISH between its length and its packet id."""
    return _text(topic.encode())


def publish(head: bytes, packet_id: int, payload: bytes) -> bytes:
    """A QoS 1 PUBLISH; `head` is `publish_head(topic)`, made once a topic."""
    size = len(head) + 2 + len(payload)
    return b"\x32" + _length(size) + head + packet_id.to_bytes(2, "big") + payload


def _text(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def _length(size: int) -> bytes:
    """Seven bits a byte, lowest first."""
    if size < 128:
        return bytes((size,))
    if size < 16384:
        return bytes((size & 127 | 128, size >> 7))
    return bytes((size & 127 | 128, size >> 7 & 127 | 128, size >> 14))


def subscribe(topic_filter: str) -> bytes:
    """For QoS 0: what is measured must not wait for our own acknowledgements."""
    raw = _text(topic_filter.encode())
    return b"\x82" + _length(2 + len(raw) + 1) + b"\x00\x01" + raw + b"\x00"


def first_packet(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """(first byte, body, what follows) of the first whole packet; None when it is not all there."""
    size = shift = 0
    for index in range(1, min(len(buffer), 5)):
        size |= (buffer[index] & 127) << shift
        shift += 7
        if not buffer[index] & 128:
            end = index + 1 + size
            if len(buffer) < end:
                return None
            return buffer[0], buffer[index + 1 : end], buffer[end:]
    return None


def published(body: bytes) -> tuple[str, bytes]:
    """Topic and payload of the body of a QoS 0 PUBLISH."""
    size = int.from_bytes(body[:2], "big")
    return body[2 : 2 + size].decode(), body[2 + size :]
