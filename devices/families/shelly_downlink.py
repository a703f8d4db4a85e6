"""Remote procedure calls to a Shelly, and what it answers."""

from __future__ import annotations

from typing import Any

import msgspec

from devices import parts
from devices.downlink import Downlink, Order
from devices.event import Decoded, DeviceEvent, Message

_METHODS = {"silence": "Smoke.Mute"}  # Plus Smoke; awake, and so able to hear, while it alarms
_ROLES = {"silence": "smoke_detector"}
_ANSWERS = "anju"
"""Level below the device's own topic that it answers on: nobody else may write there."""


def _say(order: Order) -> tuple[str, bytes] | None:
    method = _METHODS.get(order.command)
    if method is None or order.role != _ROLES[order.command]:
        return None
    base = own_topic(order.prefix, order.name)
    call = {"id": order.id, "src": f"{base}/{_ANSWERS}", "method": method, "params": {"id": 0}}
    return f"{base}/rpc", msgspec.json.encode(call)


def own_topic(prefix: str, name: str) -> str:
    """A Shelly left as it came speaks below its own id, which is the source's prefix then."""
    return prefix if prefix.rpartition("/")[2] == name else f"{prefix}/{name}"


def answered(device: str) -> str | None:
    """The device that answers, where a topic's `…/rpc` is an answer to us."""
    return device.removesuffix(f"/{_ANSWERS}") if device.endswith(f"/{_ANSWERS}") else None


def answer(message: Message, child: str) -> Decoded:
    """`result`, or `error` with a code and a message. Raises `Unreadable`."""
    said = parts.mapping(parts.read_json(message.payload, []), "payload")
    error = said.get("error")
    data: dict[str, Any] = {"command": parts.text(said.get("id"), "payload"), "ok": error is None}
    if type(error) is dict and type(error.get("message")) is str:
        data["detail"] = error["message"][:200]
    return Decoded(
        events=(
            DeviceEvent(
                child_id=child, kind="command_result", data=data, retained=message.retained
            ),
        )
    )


def _filters(prefix: str) -> tuple[str, ...]:
    return f"{prefix}/rpc", f"{prefix}/+/rpc"


def child_topics(prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Everything below each device's own topic; a Shelly has no bridge in front of it."""
    return tuple(f"{own_topic(prefix, name)}/#" for name in names)


DOWNLINK = Downlink(commands=tuple(_METHODS), say=_say, filters=_filters, answers=True)
