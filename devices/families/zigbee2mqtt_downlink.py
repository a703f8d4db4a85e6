"""What a child of Zigbee2MQTT can be asked to do, by what the inventory says that it exposes."""

from __future__ import annotations

from typing import Any

import msgspec

from devices.downlink import Downlink, Order

# Property → what is written to it; the first that a device exposes is taken. Values as
# zigbee-herdsman-converters name them.
_WRITTEN: dict[str, tuple[tuple[str, Any], ...]] = {
    "identify": (("identify", "identify"),),
    "silence": (
        ("warning", {"mode": "stop", "strobe": False}),  # sirens, Heiman HS2WD-E
        ("buzzer", "mute"),  # Aqara smoke and gas: for ten minutes
        ("silence", True),  # Tuya
        ("alarm", False),  # Tuya sirens
    ),
    "test": (("selftest", ""), ("self_test", True)),
}


def _say(order: Order) -> tuple[str, bytes] | None:
    for name, value in _WRITTEN.get(order.command, ()):
        if name in order.capabilities:
            return f"{order.prefix}/{order.name}/set", msgspec.json.encode({name: value})
    return None


def _filters(prefix: str) -> tuple[str, ...]:
    return f"{prefix}/+/set", f"{prefix}/+/+/set"  # names contain slashes


def child_topics(prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """A child's state, its availability and its attributes; and the bridge's own affairs."""
    return (
        f"{prefix}/bridge/#",
        *(f"{prefix}/{name}{end}" for name in names for end in ("", "/+")),
    )


DOWNLINK = Downlink(commands=tuple(_WRITTEN), say=_say, filters=_filters)
"""Whether a device did it, its bridge does not say: sent is all that can be known."""
