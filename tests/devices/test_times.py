"""What time Anju believes, at the edges and everywhere between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.times import ClockFault, settle

NOW = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
instants = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=zones)
receipts = st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("said", "believed", "late_s", "fault"),
    [
        (None, NOW, 0, None),
        (NOW, NOW, 0, None),
        (NOW - timedelta(seconds=30), NOW - timedelta(seconds=30), 30, None),
        (NOW - timedelta(days=36), NOW - timedelta(days=36), 36 * 86400, None),
        (NOW - timedelta(days=400), NOW - timedelta(days=400), 400 * 86400, None),
        (NOW - timedelta(days=400, seconds=1), NOW, 0, ClockFault.YEARS_OFF),
        (NOW + timedelta(seconds=120), NOW + timedelta(seconds=120), 0, None),
        (NOW + timedelta(seconds=121), NOW, 0, ClockFault.FUTURE),
        (datetime(2036, 1, 1, tzinfo=UTC), NOW, 0, ClockFault.FUTURE),
        (datetime(1970, 1, 1, 0, 3, 14, tzinfo=UTC), NOW, 0, ClockFault.EPOCH),
        (datetime(1979, 12, 1, tzinfo=UTC), NOW, 0, ClockFault.EPOCH),
        (datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), NOW, 0, ClockFault.EPOCH),
        (datetime(2020, 1, 1, tzinfo=UTC), NOW, 0, ClockFault.YEARS_OFF),
    ],
)
def test_what_is_believed(
    said: datetime | None, believed: datetime, late_s: float, fault: ClockFault | None
) -> None:
    settled = settle(said, NOW)
    assert (settled.at, settled.late_s, settled.clock_fault) == (believed, late_s, fault)


def test_a_device_enrolled_later_cannot_have_spoken_years_before() -> None:
    received = datetime(2026, 4, 12, tzinfo=UTC)
    said = received - timedelta(days=399)
    assert settle(said, received, not_before=said + timedelta(days=400)).clock_fault is None
    refused = settle(said, received, not_before=said + timedelta(days=401))
    assert refused.at == received
    assert refused.clock_fault == "years_off"


@given(said=instants | st.none(), received=receipts, enrolled=receipts | st.none())
def test_the_believed_time_is_always_plausible(
    said: datetime | None, received: datetime, enrolled: datetime | None
) -> None:
    settled = settle(said, received, not_before=enrolled)
    assert settled.at - received <= timedelta(seconds=120)
    assert received - settled.at <= timedelta(days=400)
    assert settled.at >= datetime(2020, 1, 1, tzinfo=UTC)
    assert settled.late_s == max(0.0, (received - settled.at).total_seconds())


@given(said=instants, received=receipts, enrolled=receipts | st.none())
def test_a_time_is_either_kept_or_named_faulty(
    said: datetime, received: datetime, enrolled: datetime | None
) -> None:
    settled = settle(said, received, not_before=enrolled)
    if settled.clock_fault is None:
        assert settled.at == said
    else:
        assert (settled.at, settled.late_s) == (received, 0.0)


@given(said=instants, received=receipts)
def test_settling_a_settled_time_changes_nothing(said: datetime, received: datetime) -> None:
    once = settle(said, received)
    again = settle(once.at, received)
    assert (again.at, again.clock_fault) == (once.at, None)


@given(received=receipts, seconds=st.floats(-120, 35 * 86400))
def test_a_month_of_history_is_never_refused(received: datetime, seconds: float) -> None:
    said = received - timedelta(seconds=seconds)
    assert settle(said, received).at == said
