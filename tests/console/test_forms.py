"""What people typed: trimmed, checked, and refused in words that name the field."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.forms import MAX_TEXT, clean, local_time, optional, required, version_of
from core.errors import InvalidInput

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-03-01T08:15", datetime(2026, 3, 1, 0, 15, tzinfo=UTC)),
        ("2026-03-01T08:15:30", datetime(2026, 3, 1, 0, 15, 30, tzinfo=UTC)),
        ("2026-03-01T08:15+00:00", datetime(2026, 3, 1, 8, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_meant_in_the_homes_zone(typed: str, meant: datetime) -> None:
    assert local_time({"at": typed}, "at", ZONE) == meant


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "missing"),
        ("tomorrow", "time"),
        ("2026-02-30T08:15", "time"),
        ("0001-01-01T00:00", "time"),
        ("9999-12-31T23:59-14:00", "time"),
    ],
)
def test_a_time_that_is_none_is_refused_by_name(typed: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        local_time({"at": typed}, "at", ZONE)
    assert (refusal.value.field, refusal.value.problem) == ("at", problem)


@given(st.text(max_size=30))
def test_every_text_is_a_time_or_refused(typed: str) -> None:
    try:
        moment = local_time({"at": typed}, "at", ZONE)
    except InvalidInput:
        return
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("typed", ["0x1", "-1", "1.0", "１", "1" * 10])
def test_a_version_is_a_number(typed: str) -> None:
    assert version_of({"version": "7"}) == 7
    assert version_of({}) is None
    with pytest.raises(InvalidInput):
        version_of({"version": typed})


def test_fields_are_trimmed_and_bounded_and_files_left_out() -> None:
    fields = clean({"text": "  x ", "long": "x" * (MAX_TEXT + 1), "file": object()})
    assert fields == {"text": "x", "long": "x" * MAX_TEXT}
    assert optional({"text": ""}, "text") is None
    for unreadable in ("a\0b", "\ud800"):
        with pytest.raises(InvalidInput):
            clean({"text": unreadable})
    with pytest.raises(InvalidInput):
        required({}, "text")
