"""What an invented telephone shows, how it behaves, and what its provider says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

Kind = Literal["sms", "call"]


class CallState(StrEnum):
    """Where a message is; the values that end it are also the receipts' states."""

    SENT = "sent"  # an SMS under way
    RINGING = "ringing"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    BUSY = "busy"  # engaged, or the callee refused the call
    NO_ANSWER = "no_answer"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How one telephone behaves without anybody touching it. Nothing set: a person decides."""

    answers: bool | None = None  # True: picks up and presses `key`; False: lets it ring
    key: str | None = "1"  # pressed after picking up; None: only listens
    busy: bool = False
    fails: bool = False  # accepted by the provider, never arrives
    temporary: bool = False  # the provider answers 503
    permanent: bool = False  # the provider answers 422, as for a number that does not exist
    times: int | None = None  # for the next n messages only; None: until changed


@dataclass(kw_only=True, slots=True)
class Receipt:
    """What the provider tells the sender, and whether the sender has taken it."""

    state: str  # delivered, answered, key, failed, busy, no_answer
    at: datetime
    key: str | None = None
    reason: str | None = None
    taken: bool = False
    attempts: int = 0
    next_at: datetime | None = None  # None: not to be sent any more

    def body(self) -> bytes:
        """As posted to the callback."""
        shown = {"state": self.state, "at": self.at.isoformat()}
        shown |= {"key": self.key} if self.key is not None else {}
        shown |= {"reason": self.reason} if self.reason is not None else {}
        return json.dumps(shown, ensure_ascii=False).encode()


@dataclass(kw_only=True, slots=True)
class PhoneMessage:
    """An SMS or a call, as the telephone of `to` shows it."""

    id: str  # the provider's
    delivery_id: str  # the sender's
    kind: Kind
    to: str
    text: str
    callback: str
    at: datetime
    state: CallState
    rule: Rule
    changes_at: datetime  # when it goes on by itself
    key: str | None = None
    repeats: int = 0  # how often the sender sent it again
    receipts: list[Receipt] = field(default_factory=list)


class Refused(Exception):
    """The provider does not take a message; `status` is the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)
