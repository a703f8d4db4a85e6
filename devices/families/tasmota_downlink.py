"""A Tasmota device with a buzzer: it can be made to beep, and to be quiet."""

from __future__ import annotations

from devices.downlink import Downlink, Order

_BUZZER = {"identify": b"3", "silence": b"0"}  # beeps; outputs are left alone: a plug may feed
# an oxygen concentrator


def _say(order: Order) -> tuple[str, bytes] | None:
    payload = _BUZZER.get(order.command)
    return None if payload is None else (_topic(order.prefix, order.name, "Buzzer"), payload)


def _topic(prefix: str, name: str, word: str) -> str:
    """As FullTopic says: `tele` has `cmnd` beside it, any other prefix stands before it."""
    head, slash, last = prefix.rpartition("/")
    return f"{head}{slash}cmnd/{name}/{word}" if last == "tele" else f"{prefix}/cmnd/{name}/{word}"


def _filters(prefix: str) -> tuple[str, ...]:
    return (_topic(prefix, "+", "Buzzer"),)


def _listens(prefix: str) -> tuple[str, ...]:
    """A device asks for `cmnd/NAME/#`, and for its groups' and everybody's topics beside it."""
    return (_topic(prefix, "#", "").removesuffix("/"),)


DOWNLINK = Downlink(commands=tuple(_BUZZER), say=_say, filters=_filters, listens=_listens)
