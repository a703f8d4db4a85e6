"""Which readings of a register are believed, and how its movement is remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detectors.register import Line, Verdict, follow
from alerting.detectors.stairs import (
    KEEP_MOVED,
    KEEP_S,
    MAX_STEPS,
    Stairs,
    climb,
    moved_within,
    pairs,
    taken_back,
)

HOUR = 3600
MOST = 1000  # an hour
LINE = Line(10 * HOUR, 5000)
DOUBTING = Line(10 * HOUR, 5000, 12 * HOUR, 40)


@pytest.mark.parametrize(
    ("line", "at_h", "value", "verdict"),
    [
        (Line(), 10, 5000, Verdict.FIRST),
        (LINE, 11, 5000, Verdict.FOLLOWS),
        (LINE, 11, 6000, Verdict.FOLLOWS),
        (LINE, 11, 6001, Verdict.JUMPED),
        (LINE, 10.1, 6000, Verdict.FOLLOWS),  # an hour's worth is believed at any time
        (LINE, 10.1, 6001, Verdict.JUMPED),
        (LINE, 13, 8000, Verdict.FOLLOWS),
        (LINE, 13, 8001, Verdict.JUMPED),
        (LINE, 11, 4999, Verdict.WENT_BACK),
        (LINE, 10, 5000, Verdict.IGNORED),
        (LINE, 9, 4000, Verdict.IGNORED),
        (LINE, 10, 5001, Verdict.FOLLOWS),
        (LINE, 10, 4999, Verdict.WENT_BACK),
        (DOUBTING, 12, 40, Verdict.IGNORED),  # the doubted reading delivered twice
        (DOUBTING, 11, 5000, Verdict.IGNORED),  # older than the doubt: settles nothing
        (DOUBTING, 13, 5000, Verdict.FOLLOWS),  # it was a glitch
        (DOUBTING, 13, 40, Verdict.RESTARTED),  # it was a new register
        (DOUBTING, 13, 900, Verdict.RESTARTED),
        (DOUBTING, 13, 30, Verdict.WENT_BACK),  # nothing fits: doubted anew
        (DOUBTING, 13, 90_000, Verdict.JUMPED),
    ],
)
def test_where_a_reading_belongs(line: Line, at_h: float, value: int, verdict: Verdict) -> None:
    at = int(at_h * HOUR)
    after, said = follow(line, at, value, MOST)
    assert said is verdict
    if verdict is Verdict.IGNORED:
        assert after == line
    elif verdict in (Verdict.WENT_BACK, Verdict.JUMPED):
        assert after == Line(line.at, line.value, at, value)
    else:
        assert after == Line(at, value)


rare = st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**9)), max_size=60)


@given(st.lists(st.tuples(st.just(HOUR), st.integers(1, 6)), min_size=20, max_size=60))
def test_movement_of_an_hourly_register_is_exact_in_every_window(
    rows: list[tuple[int, int]],
) -> None:
    stairs, at, value = Stairs(0), 0, 0
    register = [(0, 0)]
    for gap, moved in rows:
        at, value = at + gap, value + moved
        register.append((at, value))
        stairs = climb(stairs, at, moved)
        for window in range(HOUR, KEEP_S + 1, HOUR):
            before = [v for t, v in register if t <= at - window]
            expected = value - before[-1] if before else None
            actual = moved_within(stairs, at, window)
            if expected is None and value >= KEEP_MOVED:
                assert actual is None or actual >= KEEP_MOVED
            elif expected is None or expected < KEEP_MOVED:
                assert actual == expected
            else:
                assert actual is not None
                assert actual >= KEEP_MOVED


@given(
    st.lists(st.tuples(st.just(HOUR), st.integers(0, 6)), min_size=20, max_size=60),
    st.integers(1, 4000),
)
def test_a_rise_that_was_none_can_be_taken_back(rows: list[tuple[int, int]], spike: int) -> None:
    stairs, at = Stairs(0), 0
    for gap, moved in rows:
        at += gap
        stairs = climb(stairs, at, moved) if moved else stairs
    back = taken_back(climb(stairs, at + HOUR, spike), stairs.rose_at)
    for window in range(HOUR, KEEP_S + 1, HOUR):
        later = at + 2 * HOUR
        assert moved_within(back, later, window) == moved_within(stairs, later, window)


@given(rare)
def test_what_is_remembered_of_steps_is_bounded(rows: list[tuple[int, int]]) -> None:
    stairs, at = Stairs(0), 0
    for gap, moved in rows:
        at += gap
        stairs = climb(stairs, at, moved)
        steps = pairs(stairs)
        assert len(steps) <= MAX_STEPS
        assert all(0 <= span <= 2 * KEEP_S for span, _ in steps)
        assert all(0 < rise <= KEEP_MOVED for _, rise in steps)
        assert sum(span for span, _ in steps[1:-1]) < KEEP_S
        assert sum(rise for _, rise in steps[1:-1]) < KEEP_MOVED
