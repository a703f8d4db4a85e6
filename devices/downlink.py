"""What a family's devices can be asked to do, and how it is said to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One device is asked to do something."""

    id: str  # of the command; a device that answers names it, one that hears it twice does it once
    command: str  # silence, identify, test; a native device's own words, too
    prefix: str  # of its source
    name: str  # what its topics are called
    role: str = ""
    capabilities: tuple[str, ...] = ()  # what the bridge's inventory said of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Downlink:
    """How a family's devices are spoken to.

    `say` makes (topic, payload) of an order, or None where this device cannot do it.
    """

    commands: tuple[str, ...]  # those that at least some of its devices can do
    say: Callable[[Order], tuple[str, bytes] | None]
    filters: Callable[[str], tuple[str, ...]]  # prefix → topics that `say` may choose, for the
    # access list of Anju's own account
    listens: Callable[[str], tuple[str, ...]] = lambda _prefix: ()  # prefix → what a device asks
    # the broker for, where that is not below its source's own roots
    answers: bool = False  # the device says what came of it, as an event `command_result`
    takes_any: bool = False  # other words than `commands` are passed on as they are


def possible(downlink: Downlink | None, order: Order) -> tuple[str, ...]:
    """The commands that this very device can be given; empty when it cannot be spoken to."""
    if downlink is None:
        return ()
    return tuple(
        command
        for command in downlink.commands
        if downlink.say(replace(order, command=command)) is not None
    )
