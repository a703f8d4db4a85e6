"""Topics below a source's prefix, and which prefix a topic tried on its own may be below."""

from __future__ import annotations

from devices.event import Message
from devices.family import SourceView

MAX_PREFIX = 200
_OWN_ROOT = "anju"  # topics of the native protocol, all versions


def below(message: Message, source: SourceView, default: str) -> list[str] | None:
    """The topic's levels below the source's prefix; None when it is not below it."""
    prefix = (source.prefix or default) + "/"
    if not message.topic.startswith(prefix):
        return None
    levels = message.topic[len(prefix) :].split("/")
    return levels if levels != [""] else None


def prefixes_overlap(a: str, b: str) -> bool:
    """Whether a topic can be below both prefixes, so that two sources would hear one message."""
    return f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/")


def prefix_problem(prefix: str) -> str | None:
    """Why a source must not be given that topic prefix; None when it may."""
    levels = prefix.split("/")
    if not prefix:
        return "is empty"
    if len(prefix) > MAX_PREFIX:
        return f"is longer than {MAX_PREFIX} characters"
    if not prefix.isprintable():
        return "contains a character that cannot be printed"
    if "+" in prefix or "#" in prefix:
        return "must not contain the wildcards + and #"
    if prefix.startswith("$"):
        return "must not begin with $, which belongs to the broker"
    if "" in levels:
        return "must not begin or end with a slash or have two in a row"
    if levels[0] == _OWN_ROOT:
        return f"must not be below {_OWN_ROOT}/, which belongs to native devices"
    return None
