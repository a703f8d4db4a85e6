"""The stored state: small, readable back, begun anew when it cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detect import DeviceState, dump_state, judge, load_state
from alerting.detectors.assessable import Register
from alerting.detectors.drip import BLOCKS, Drip
from alerting.detectors.habit import (
    CAP_MOST_S,
    CELLS,
    DAYS_MOST,
    MARGIN_MOST_S,
    Habit,
)
from alerting.detectors.leak import RUN_MAX_DL, RUN_MAX_S, Leak
from alerting.detectors.levels import Levels
from alerting.detectors.machine import Machine
from alerting.detectors.meter import PULSE_MAX, Meter
from alerting.detectors.register import Line
from alerting.detectors.stairs import KEEP_S, MAX_STEPS, Stairs, climb, moved_within, pairs
from alerting.detectors.tap import Tap
from alerting.detectors.view import MAX_SECONDS
from alerting.detectors.water import MOST_M3, Water
from devices.event import LEVEL_KINDS
from tests.detection.support import T0, Watch, device, event, hours, reading, water

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


def spoken() -> bytes:
    """All nine levels, each cleared long after it rose."""
    kinds, watch = sorted(LEVEL_KINDS), Watch(device())
    until = datetime(2106, 1, 1, tzinfo=UTC)
    for kind in kinds:
        watch.hear(until - hours(40), event(kind))
        watch.hear(until, event(LEVEL_KINDS[kind]))
    watch.hear(until, reading("battery_pct", 5, "%"))
    slots = watch.state.levels.slots
    assert isinstance(slots, bytes)
    assert len(slots) == 7 * (len(kinds) + 1)
    return slots


def largest(by_habit: bool) -> DeviceState:
    """Every level spoken of, a doubted register, every rule's memory at its widest.

    Steps within a day add up to less than a day and to less than ten litres, so not all of them
    can be wide.
    """
    register = MOST_M3 * 10_000
    stairs = Stairs(0)
    for number in range(MAX_STEPS + 1):
        span = KEEP_S if number == 0 else 3456
        stairs = climb(stairs, stairs.rose_at + span, 11 if 0 < number < 9 else 1)
    assert len(pairs(stairs)) == MAX_STEPS
    habit = Habit(
        used_at=MAX_SECONDS,
        flags=63,
        day_ends=MAX_SECONDS,
        days=DAYS_MOST,
        margins=(MARGIN_MOST_S, MARGIN_MOST_S),
        caps=(CAP_MOST_S, CAP_MOST_S),
        cells=bytes([255]) * CELLS,
        meter=Meter(99_999, PULSE_MAX, PULSE_MAX),
        drip=Drip(MAX_SECONDS, register, bytes([255]) * BLOCKS),
        still_s=65_535,
    )
    return DeviceState(
        levels=Levels(spoken(), 999, 999_999),
        water=Water(
            line=Line(MAX_SECONDS, register, MAX_SECONDS, register),
            stairs=Stairs() if by_habit else Stairs(MAX_SECONDS, stairs.steps, 1),
            tap=Tap(MAX_SECONDS, register, 91_799, 1_300_000, 1),
            level=2,
            doubted_at=MAX_SECONDS,
            judge_at=MAX_SECONDS,
            habit=habit if by_habit else None,
            rearm_at=MAX_SECONDS,
            rearmed=99,
            away_uses=99,
            seen_at=MAX_SECONDS,
            stuck=1,
            leak=Leak(MAX_SECONDS, register, bytes([255]) * 16, RUN_MAX_S, RUN_MAX_DL, 50_000, 7),
            machine=Machine(
                began_at=MAX_SECONDS,
                used_dl=65_535,
                last_at=MAX_SECONDS,
                every_s=MAX_SECONDS,
                each_dl=65_535,
                count=9_999,
                since=MAX_SECONDS,
                odd_at=MAX_SECONDS,
                on=1,
                step_dl=9_999,
            ),
            was_at=MAX_SECONDS,
            was_dl=register,
        ),
        rebuilt=1,
        register=Register(MAX_SECONDS, MAX_SECONDS, 1),
    )


@pytest.mark.parametrize("by_habit", [True, False])
def test_the_largest_state_there_can_be_fits(by_habit: bool) -> None:
    state = largest(by_habit)
    text = dump_state(state)
    assert len(text.encode()) <= LIMIT
    assert load_state(text) == state


def test_every_field_of_the_largest_state_is_there() -> None:
    """Whoever adds a field must widen the proof above: nothing in it is left at its default."""
    for state in (largest(by_habit=True), largest(by_habit=False)):
        part = state.water
        assert part is not None
        for struct in (part, part.leak, part.machine, part.line, part.tap):
            for field in msgspec.structs.fields(struct):
                if field.name not in ("habit", "stairs"):
                    assert getattr(struct, field.name) != field.default, field.name


def test_a_state_stored_as_json_before_is_still_read() -> None:
    old = '[1,[[],-1,-1],[[1772323200,50000,0,0],[1772323200,"",1],[1772323200,50000],1,0,0,null]]'
    part = load_state(old).water
    assert part is not None
    assert (part.level, part.rearm_at, part.leak, part.machine) == (1, 0, Leak(), Machine())
    watch = Watch(device("water_meter"))
    watch.text = old
    watch.hear(T0 + hours(1), water(5000))
    assert watch.text[0] != "["
