"""A notice as it is written: it waits for the outbox, to go one way and then others if need be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerting.routing import Hop
from alerting.tables import Notice
from core.ids import new_id


def waiting_notice(hops: Sequence[Hop], now: datetime, **columns: Any) -> Notice:
    """To be sent at once over the first of `hops`, over the others where that fails.

    `columns` say to whom, of what, how urgently and why; they stand before what is usual.
    """
    first, *others = hops
    usual: dict[str, Any] = {
        "id": new_id("ntc"),
        "channel": first.channel,
        "address": first.address,
        "fallbacks": [{"channel": hop.channel, "address": hop.address} for hop in others],
        "payload": {},
        "state": "waiting",
        "created_at": now,
        "next_attempt_at": now,
        "attempt": 0,
        "crashes": 0,
        "is_repeat": False,
    }
    return Notice(**usual | columns)
