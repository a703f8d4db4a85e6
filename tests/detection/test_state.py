"""The stored state: small, readable back, begun anew when it cannot be read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detect import DeviceState, dump_state, judge, load_state
from alerting.detectors.assessable import Register
from alerting.detectors.levels import Levels
from alerting.detectors.register import Line
from alerting.detectors.stairs import KEEP_S, MAX_STEPS, Stairs, climb, moved_within, pairs
from alerting.detectors.tap import Tap
from alerting.detectors.view import MAX_SECONDS
from alerting.detectors.water import Water
from tests.detection.support import T0, Watch, device, event, hours, water

LIMIT = 512


@pytest.mark.parametrize("text", [None, ""])
def test_a_new_device_begins_fresh(text: str | None) -> None:
    state = load_state(text)
    assert state == DeviceState()
    assert not state.rebuilt


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "[]" * 3,
        "{}",
        "[0]",
        "[2]",
        '["1"]',
        "[1,[[0,1],-1]]",
        "[1,[[0,-5,0],-1]]",
        "[1,[[],-1],[[0,0,0,0],[0,[5],0]]]",
        f"[1,[[],-1],[[{10**30}]]]",
        "[1,[[],-1],[[0,0,0,0],[0,[" + "1," * 99 + "1],0]]]",
        "[" * 5000,
        "\ud800",
        "\x00",
    ],
)
def test_what_cannot_be_read_is_begun_anew_and_says_so(text: str) -> None:
    state = load_state(text)
    assert state == DeviceState(rebuilt=1)
    judged = judge(state, [], device(), T0)
    assert judged.state.rebuilt, "until it is made anew from what is stored"
    assert judged.judge_at is not None and judged.judge_at < T0


def test_a_shape_with_fields_appended_since_is_still_read() -> None:
    assert load_state("[1,[[2,1767225600,0]]]").levels == Levels((2, 1767225600, 0))
    assert load_state("[1]") == DeviceState()


@given(st.text())
def test_no_text_at_all_raises(text: str) -> None:
    assert isinstance(load_state(text), DeviceState)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(json_values, max_size=5), st.integers(0, 99))
def test_whatever_was_stored_the_next_reading_can_be_judged(stored: list[object], n: int) -> None:
    text = msgspec.json.encode([1, *stored]).decode()
    watch = Watch(device("water_meter"))
    watch.text = text
    watch.hear(T0 + hours(n), event("smoke"), event("smoke_clear"), water(n))
    watch.tick(T0 + hours(n))


def test_nothing_said_and_nothing_understood_is_the_very_same_state() -> None:
    state = load_state(dump_state(judge(DeviceState(), [(T0, event("smoke"))], device(), T0).state))
    assert judge(state, [], device(), T0).state is state
    assert judge(state, [(T0, event("heartbeat"))], device(), T0).state is state


def test_steps_stored_as_flat_pairs_are_still_read_and_counted_the_same() -> None:
    text = "[1,[[],-1],[[9000,50,0,0],[9000,[7200,3,1800,2],1]]]"
    stored = load_state(text).water
    assert stored is not None
    assert pairs(stored.stairs) == ((7200, 3), (1800, 2))
    assert moved_within(stored.stairs, 9000, 1800) == 2
    assert pairs(climb(stored.stairs, 9600, 4)) == ((7200, 3), (1800, 2), (600, 4))


def test_the_largest_state_there_can_be_fits() -> None:
    """Every level spoken of, a doubted register of ten digits, and steps as wide as they come.

    Steps within a day add up to less than a day and to less than ten litres, so not all of them
    can be wide.
    """
    stairs = Stairs(0)
    for number in range(MAX_STEPS + 1):
        span = KEEP_S if number == 0 else 3456
        stairs = climb(stairs, stairs.rose_at + span, 11 if 0 < number < 9 else 1)
    assert len(pairs(stairs)) == MAX_STEPS
    register = 9_999_999_999
    state = DeviceState(
        levels=Levels(tuple(v for n in range(9) for v in (2 * n, MAX_SECONDS, 99_999)), 999),
        water=Water(
            Line(MAX_SECONDS, register, MAX_SECONDS, register),
            Stairs(MAX_SECONDS, stairs.steps, 1),
            Tap(MAX_SECONDS, register, 91_799, register, 1),
            2,
            MAX_SECONDS,
            MAX_SECONDS,
        ),
        rebuilt=1,
        register=Register(MAX_SECONDS, MAX_SECONDS, 1),
    )
    text = dump_state(state)
    assert len(text.encode()) <= LIMIT
    assert load_state(text) == state
