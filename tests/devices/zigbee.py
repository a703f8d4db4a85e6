"""One message of a Zigbee2MQTT bridge, decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from devices.event import Decoded, Message
from devices.families.zigbee2mqtt import FAMILY
from devices.family import SourceView
from tests.devices.meaning import RECEIVED_AT

IEEE = "0x00158d00000000aa"


def decode(
    topic: str,
    payload: Any,
    *,
    roles: Mapping[str, str] | None = None,
    aliases: Mapping[str, str] | None = None,
    capabilities: Mapping[str, tuple[str, ...]] | None = None,
    prefix: str = "zigbee2mqtt",
    retained: bool = False,
) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = Message(
        topic=f"{prefix}/{topic}", payload=raw, received_at=RECEIVED_AT, retained=retained
    )
    view = SourceView(
        prefix=prefix, roles=roles or {}, aliases=aliases or {}, capabilities=capabilities or {}
    )
    return FAMILY.decode(message, view)
