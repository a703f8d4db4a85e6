"""Topics below a source's prefix, and which prefix a topic tried on its own may be below."""

from __future__ import annotations

from devices.event import Message
from devices.family import SourceView


def below(message: Message, source: SourceView, default: str) -> list[str] | None:
    """The topic's levels below the source's prefix; None when it is not below it."""
    prefix = (source.prefix or default) + "/"
    if not message.topic.startswith(prefix):
        return None
    levels = message.topic[len(prefix) :].split("/")
    return levels if levels != [""] else None
