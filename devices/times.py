"""What time Anju believes when a device's clock may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

FUTURE_TOLERANCE = timedelta(seconds=120)
OLDEST = timedelta(days=400)  # a meter may deliver a year's history, with a month to spare
FIRST_PLAUSIBLE = datetime(2020, 1, 1, tzinfo=UTC)


class ClockFault(StrEnum):
    """Why a device's own time was not believed."""

    FUTURE = "future"  # more than two minutes ahead of us
    EPOCH = "epoch"  # 1970, a firmware's build date, or seconds since boot taken for a date
    YEARS_OFF = "years_off"  # plausible to look at and wrong by years


class SettledTime(msgspec.Struct, frozen=True, kw_only=True):
    """The time to store, and what was wrong with the device's own."""

    at: datetime  # UTC
    late_s: float  # how long before its receipt it happened; 0.0 when the device's time is unknown
    clock_fault: ClockFault | None = None


def settle(
    at: datetime | None, received_at: datetime, *, not_before: datetime | None = None
) -> SettledTime:
    """The time to believe of something that says it happened `at` and came at `received_at`.

    `not_before` is when the device was enrolled. Readings may be back-dated by weeks, and a late
    alarm is still an alarm: lateness is reported, never a reason to refuse. All times zone-aware.
    """
    if at is None:
        return SettledTime(at=received_at, late_s=0.0)
    fault = _clock_fault(at, received_at, not_before)
    if fault is not None:
        return SettledTime(at=received_at, late_s=0.0, clock_fault=fault)
    return SettledTime(at=at, late_s=max(0.0, (received_at - at).total_seconds()))


def _clock_fault(
    at: datetime, received_at: datetime, not_before: datetime | None
) -> ClockFault | None:
    if at < FIRST_PLAUSIBLE:
        return ClockFault.EPOCH
    if at - received_at > FUTURE_TOLERANCE:
        return ClockFault.FUTURE
    if received_at - at > OLDEST:
        return ClockFault.YEARS_OFF
    if not_before is not None and not_before - at > OLDEST:
        return ClockFault.YEARS_OFF
    return None
