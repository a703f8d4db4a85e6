"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.times import age_on, clock, clock_of_iso, phone_text, span

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)

SPANS = [
    (-5, "00:00"),
    (0, "00:00"),
    (42.9, "00:42"),
    (61, "01:01"),
    (3599, "59:59"),
    (3600, "1:00:00"),
    (33_605, "9:20:05"),
    (86_399, "23:59:59"),
    (86_400, "1 天 00:00"),
    (187_920, "2 天 04:12"),
]


@pytest.mark.parametrize(("seconds", "text"), SPANS)
def test_a_span_is_as_short_as_it_can_be(seconds: float, text: str) -> None:
    assert span(seconds, "天") == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "08:15:00"),
        (NOW - timedelta(hours=8, minutes=14), "00:01:00"),
        (NOW - timedelta(hours=8, minutes=16), "02-28 23:59"),
        (NOW - timedelta(days=80), "2025-12-11 08:15"),
    ],
)
def test_a_clock_shows_the_day_only_when_it_is_another(moment: datetime, text: str) -> None:
    assert clock(moment, ZONE, NOW) == text


def test_a_time_in_words_is_shown_in_the_homes_zone_and_nonsense_as_it_is() -> None:
    assert clock_of_iso("2026-03-01T00:03:50+00:00", ZONE, NOW) == "08:03:50"
    assert clock_of_iso("yesterday", ZONE, NOW) == "yesterday"


@pytest.mark.parametrize(
    ("birth", "years"),
    [(None, None), (date(1941, 3, 1), 85), (date(1941, 3, 2), 84), (date(1940, 2, 29), 86)],
)
def test_an_age_counts_completed_years(birth: date | None, years: int | None) -> None:
    assert age_on(birth, date(2026, 3, 1)) == years


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""),
        ("+8613900001234", "139 0000 1234"),
        ("+85223456789", "+85223456789"),
        ("120", "120"),
        ("+86138", "+86138"),
    ],
)
def test_a_mobile_number_is_grouped_to_be_read_aloud(number: str | None, text: str) -> None:
    assert phone_text(number) == text
