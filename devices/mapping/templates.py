"""Topic templates: `{prefix}/{device}/state`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PREFIX, DEVICE, ANY = "{prefix}", "{device}", "+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """`{prefix}`, then levels: a word of its own, `{device}` (once at most), or `+` for any."""

    text: str
    levels: tuple[str, ...]  # below the prefix

    @property
    def names_device(self) -> bool:
        return DEVICE in self.levels

    def filter(self, prefix: str) -> str:
        """The MQTT topic filter below that prefix."""
        return "/".join((prefix, *("+" if level == DEVICE else level for level in self.levels)))

    def match(self, levels: Sequence[str]) -> bool:
        """Whether those levels below the prefix are a topic of this form."""
        return len(levels) == len(self.levels) and all(
            wanted in (DEVICE, ANY) or wanted == level
            for wanted, level in zip(self.levels, levels, strict=True)
        )

    def device(self, levels: Sequence[str]) -> str | None:
        """Which device speaks on a topic that matches; None when the topic does not say."""
        return levels[self.levels.index(DEVICE)] if DEVICE in self.levels else None

    def prefix_of(self, topic: str) -> str | None:
        """The prefix under which `topic` would be of this form, or None."""
        levels = topic.split("/")
        above, below = levels[: -len(self.levels)], levels[-len(self.levels) :]
        return "/".join(above) if above and all(above) and self.match(below) else None


def parse(text: str) -> Template:
    """Raises `ValueError` saying what is wrong."""
    first, *levels = text.split("/")
    if first != PREFIX or not levels:
        raise ValueError(f"{text!r} must begin with {PREFIX}/, as in {PREFIX}/{DEVICE}/state")
    for level in levels:
        if not level:
            raise ValueError(f"{text!r} has an empty level")
        if level in (DEVICE, ANY):
            continue
        if any(sign in level for sign in "{}+#"):
            raise ValueError(f"{text!r}: {level!r} is neither a word, {DEVICE} nor +")
        if not level.isprintable():
            raise ValueError(f"{text!r} contains a character that cannot be printed")
    if levels.count(DEVICE) > 1:
        raise ValueError(f"{text!r} names {DEVICE} twice")
    return Template(text=text, levels=tuple(levels))
