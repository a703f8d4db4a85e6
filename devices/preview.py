"""What Anju would make of one message: the pure part of `anju devices try`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import InvalidInput
from devices.event import Confidence, Decoded, Message
from devices.family import DeviceFamily, SourceView
from devices.registry import FAMILIES, family_of_topic
from devices.times import settle


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One message tried out."""

    family: DeviceFamily | None  # whose topic it is; None: nobody's
    prefix: str
    decoded: Decoded
    notes: tuple[str, ...]  # what the family missed in it, in words
    role: str | None = None  # which every device in it counted as having
    received_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """The contract's two keys; see `preview`."""
        return {
            "events": _rows(self.decoded, self.prefix, self.received_at),
            "quarantined": self.decoded.quarantined,
        }

    def context(self) -> dict[str, Any]:
        """Beside the contract's keys: who understood it, and what was missing."""
        return {"family": self.family.name if self.family else None, "notes": list(self.notes)}


def preview(topic: str, payload: bytes, role: str | None, received_at: datetime) -> dict[str, Any]:
    """`{"events": [{"device", "kind" or "register", "value", "unit", "at", "confidence"}],
    "quarantined": reason or None}`, all JSON-able; `at` in RFC 3339, UTC.

    The topic decides the family, by the form of a device's own topics or by default prefixes. The
    devices in the message count as registered, with `role`, or else what the family's devices
    usually are, as the role of each.
    A presence is an event of kind `online` or `offline`; a bridge's own has the bridge's prefix
    for a device.
    """
    return try_message(topic, payload, role, received_at).as_dict()


def try_message(
    topic: str,
    payload: bytes,
    role: str | None,
    received_at: datetime,
    family: DeviceFamily | None = None,
) -> Trial:
    """The same with the family that was found and what it missed; with `family` it is that one,
    below whatever prefix its topics fit under."""
    if family is not None:
        found: tuple[str, DeviceFamily] | None
        found = (family.guess_prefix(topic) or family.default_prefix, family)
    else:
        found = _family_of(topic)
    if found is None:
        unknown = Decoded(quarantined="unknown_topic")
        return Trial(family=None, prefix="", decoded=unknown, notes=(), received_at=received_at)
    prefix, family = found
    role = role or next(iter(family.roles), None)
    message = Message(topic=topic, payload=payload, received_at=received_at)
    decoded, view = _decode(family, prefix, message, role)
    return Trial(
        family=family,
        prefix=prefix,
        decoded=decoded,
        notes=family.explain(message, view),
        role=role,
        received_at=received_at,
    )


def topic_of_push(adapter: str) -> str:
    """What stands for a topic where something is pushed. Raises `InvalidInput` for no adapter."""
    known = sorted(name for name, family in FAMILIES.items() if family.is_push)
    if adapter not in known:
        raise InvalidInput("--push", f"{adapter!r} is none of {', '.join(known)}")
    return FAMILIES[adapter].default_prefix


def _family_of(topic: str) -> tuple[str, DeviceFamily] | None:
    """(prefix, family): the longest default prefix above the topic, else who knows its form.

    A declared family's topics, such as `{device}/state`, fit too much for their form to tell.
    """
    by_prefix = {each.default_prefix: each for each in FAMILIES.values()}
    match = family_of_topic(topic, by_prefix)
    if match is not None:
        return match
    for family in FAMILIES.values():
        prefix = None if family.mapping_file else family.guess_prefix(topic)
        if prefix is not None:
            return prefix, family
    return None


def _decode(
    family: DeviceFamily, prefix: str, message: Message, role: str | None
) -> tuple[Decoded, SourceView]:
    """Decoded twice: the first time tells which devices speak, and a registered one may be
    understood better than a stranger."""
    decoded = family.decode(message, SourceView(prefix=prefix))
    roles = dict.fromkeys(decoded.speakers(), role or "")
    view = SourceView(prefix=prefix, roles=roles)
    return family.decode(message, view), view


def _rows(decoded: Decoded, prefix: str, received_at: datetime) -> list[dict[str, Any]]:
    """Events, readings and presences, in this order, as the contract's flat objects."""
    rows = [
        _row(event.child_id, "kind", event.kind, event.at, received_at, event.confidence)
        for event in decoded.events
    ]
    rows += [
        _row(each.child_id, "register", each.register, each.at, received_at)
        | {"value": each.value, "unit": each.unit}
        for each in decoded.readings
    ]
    for presence in decoded.presences:
        word = "online" if presence.online else "offline"
        device = prefix if presence.child_id is None else presence.child_id
        rows.append(_row(device, "kind", word, presence.at, received_at))
    return rows


def _row(
    device: str,
    key: str,
    word: str,
    at: datetime | None,
    received_at: datetime,
    confidence: Confidence = Confidence.CONFIRMED,
) -> dict[str, Any]:
    return {
        "device": device,
        key: word,
        "value": None,
        "unit": None,
        "at": settle(at, received_at).at.isoformat(),
        "confidence": confidence.value,
    }
