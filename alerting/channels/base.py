"""What every channel has in common: the message it gets and the four things that can come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One attempt, complete: the channel needs no database."""

    notice_id: str  # also the idempotency key: the same for every attempt
    channel: str
    address: str
    type: str  # incident.opened …
    text: str  # for phones, free of personal data
    link: str
    callback: str
    attempt: int
    repeat: bool  # an earlier attempt may have got through
    body: dict[str, Any] = field(default_factory=dict)  # for webhooks and devices
    url: str = ""  # of the configured provider (sms, call, platform webhook, email)
    secret: str | None = None


class DeliveryError(Exception):
    """Base: `str(error)` says why in a few words, and is shown on the timeline."""


class TemporaryFailure(DeliveryError):
    """Not now: the far side is away or busy. Nothing was delivered; try again."""


class PermanentFailure(DeliveryError):
    """Never like this: a wrong number, a forbidden host. The next channel is tried at once."""


class AmbiguousFailure(DeliveryError):
    """Nobody knows whether it got through (no answer after sending). Sent again, marked so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The far side took it. `delivered` only when that is proof enough for this channel."""

    provider_id: str | None = None
    delivered: bool = False


class Sender(Protocol):
    """One channel. `send` raises a `DeliveryError` or returns; it is bounded in time."""

    can_deliver_receipt: bool

    async def send(self, outgoing: Outgoing) -> Accepted: ...
