"""When a meter's standing still says nothing, because what it measures did not come. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class SupplyKind(StrEnum):
    """What does not come. Only water is handed down to meters so far."""

    WATER = "water"


class SupplyState(StrEnum):
    """What is known of an interruption."""

    SUSPECTED = "suspected"  # Anju found that many homes stand still together: nothing rests
    DISMISSED = "dismissed"  # a person said that it is none
    RECORDED = "recorded"  # a person said so: from its beginning to its end the meters rest
    ENDED = "ended"


ROLES: Mapping[str, frozenset[str]] = {SupplyKind.WATER: frozenset({"water_meter"})}
"""The devices whose silence an interruption explains; a leak sensor lies on the floor."""

MOST = timedelta(hours=72)
"""An interruption is looked at again so long after it began, or was last confirmed."""

BACK_MOST = timedelta(hours=24)
"""It may have begun so long before somebody puts it down."""

LEAST = timedelta(hours=1)
"""One that was over sooner explains no gap: it was put down by mistake, or made no difference."""

AHEAD_MOST = timedelta(days=30)
"""So long before it begins an announcement may be put down."""


class Cut(NamedTuple):
    """A recorded interruption, as far as a device needs it. Times are UTC."""

    area_id: str
    kind: str
    begins_at: datetime
    until: datetime


def is_short(begins_at: datetime, over_at: datetime) -> bool:
    """Whether gaps go on as if there had been none."""
    return over_at - begins_at < LEAST


def dry_since(
    cuts: Iterable[Cut],
    areas: Collection[str],
    role: str,
    flowed_at: datetime | None,
    now: datetime,
) -> datetime | None:
    """Since when a device that stands still says nothing of who lives there; None: it does.

    `areas`: ids of the home's area and of all above it. `flowed_at`: when it was last seen to be
    supplied while an interruption was recorded; such a home is watched as ever.
    """
    begun = (
        cut.begins_at
        for cut in cuts
        if role in ROLES.get(cut.kind, ())
        and cut.area_id in areas
        and cut.begins_at <= now < cut.until
        and (flowed_at is None or flowed_at <= cut.begins_at)
    )
    return min(begun, default=None)
