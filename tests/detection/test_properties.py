"""What holds for any input: agreement with the rule as written, replay, disorder, bad input."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceState, dump_state, judge, load_state, tick
from alerting.detectors.water_memory import SWAY_DL
from alerting.finding import Finding
from devices.event import EVENT_KINDS, DeviceEvent, Reading
from tests.detection.support import T0, Said, Watch, device, event, reading, water

METER = device("water_meter")
WINDOWS = (12 * 3600, 24 * 3600)
THRESHOLD_DL = 100
Register = list[tuple[int, int]]  # (seconds since T0, tenths of a litre), in order


def used_within(register: Register, last: int, window_s: int) -> int | None:
    """The rule as written: from the last reading at or before the window's start until now."""
    at, value = register[last]
    before = [v for t, v in register[: last + 1] if t <= at - window_s]
    return value - before[-1] if before else None


def as_written(register: Register) -> list[tuple[int, str, int]]:
    """(seconds, sign, level) of every finding of the default rule, in the plainest way."""
    level, found = 0, []
    for last, (at, value) in enumerate(register):
        used = [used_within(register, last, window) for window in WINDOWS]
        reached = max(
            (n for n, u in enumerate(used, 1) if u is not None and u < THRESHOLD_DL), default=0
        )
        if reached > level:
            found.append((at, "worse" if level else "rose", reached))
            level = reached
        enough = (value - register[0][1] if used[0] is None else used[0]) >= THRESHOLD_DL
        if level and not reached and enough:
            found.append((at, "cleared", 0))
            level = 0
    return found


def as_built(register: Register) -> list[tuple[int, str, int]]:
    watch = Watch(METER)
    found = []
    for at, value in register:
        moment = T0 + timedelta(seconds=at)
        for one in watch.hears([(moment, water(value / 10))], moment):
            if one.kind == "no_water_use":
                found.append((at, one.sign.value, one.facts.get("level", 0)))
        assert len(watch.text) <= 512
    return found


def registers(
    gaps_s: st.SearchStrategy[int],
    moves_dl: st.SearchStrategy[int],
    size: int,
    *,
    at_least: int = 1,
) -> st.SearchStrategy[Register]:
    """Registers that only rise, read after `gaps_s`, moved by `moves_dl` each time."""

    def build(rows: list[tuple[int, int]]) -> Register:
        at = value = 0
        register: Register = []
        for gap, move in rows:
            at, value = at + gap, value + move
            register.append((at, value))
        return register

    return st.lists(st.tuples(gaps_s, moves_dl), min_size=at_least, max_size=size).map(build)


hourly = st.sampled_from([3600] * 8 + [3540, 3660])
with_outages = st.one_of(hourly, st.integers(3600, 200_000))
small_moves = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8, 9, 30, 99, 100, 101, 700])
whole_litres = st.sampled_from([0, 0, 0, 0, 0, 10, 10, 20, 30, 100, 600])


@settings(max_examples=300, deadline=None)
@given(registers(hourly, small_moves, 90))
def test_hourly_registers_are_judged_exactly_as_the_rule_is_written(register: Register) -> None:
    assert as_built(register) == as_written(register)


@settings(max_examples=200, deadline=None)
@given(registers(with_outages, small_moves, 60))
def test_outages_do_not_change_that(register: Register) -> None:
    assert as_built(register) == as_written(register)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([600, 900, 1200, 1800, 2700]).flatmap(
        lambda gap: registers(st.just(gap), whole_litres, 220)
    )
)
def test_nor_do_finer_readings_of_a_one_litre_pulse(register: Register) -> None:
    assert as_built(register) == as_written(register)


def test_a_drip_at_every_hour_of_three_days_is_judged_exactly() -> None:
    for drip in (3, 4, 5, 8, 9):
        register = [(3600 * hour, drip * hour) for hour in range(72)]
        assert as_built(register) == as_written(register)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 40]), min_size=1, max_size=60),
    st.sampled_from([300, 600, 900, 1200]),
)
@example([1], 900)
@example([0, 1], 600)
def test_fine_steps_read_often_act_as_a_window_at_most_two_hours_longer(
    moves: list[int], every: int
) -> None:
    total, register = 0, []
    for number, move in enumerate(islice(cycle(moves), 40 * 3600 // every)):
        total += move
        register.append((number * every, total))
    watch, level = Watch(METER), 0
    for last, (at, value) in enumerate(register):
        moment = T0 + timedelta(seconds=at)
        for one in watch.hears([(moment, water(value / 10))], moment):
            if one.kind != "no_water_use":
                continue
            level = one.facts.get("level", 0)
            if level:  # sound: the rule as written holds
                used = used_within(register, last, WINDOWS[level - 1])
                assert used is not None
                assert used <= one.facts["used_l"] * 10 < THRESHOLD_DL
        for number, window in enumerate(WINDOWS, 1):
            used = used_within(register, last, window + 7200)
            if used is not None and used < THRESHOLD_DL:
                assert level >= number


# --- anything at all

finite = st.floats(allow_nan=False, allow_infinity=False)
plausible = st.floats(0, 3)
when = st.one_of(
    st.integers(0, 200_000),
    st.sampled_from([0, 3600, 7200, 43_200, 86_400]),
    st.integers(-(10**9), 10**9),
)
REGISTERS = ["water_total", "smoke_density", "battery_pct", "water_flow", "made_up"]
units = st.sampled_from(["m3", "m3", "m3", "L", ""])
anything_said = st.one_of(
    st.builds(
        Reading,
        child_id=st.just("d"),
        register=st.sampled_from(REGISTERS),
        value=st.one_of(plausible, finite),
        unit=units,
    ),
    st.builds(
        DeviceEvent,
        child_id=st.just("d"),
        kind=st.one_of(st.sampled_from(sorted(EVENT_KINDS)), st.text(max_size=80)),
        retained=st.booleans(),
    ),
)


def timed(rows: Sequence[tuple[int, DeviceEvent | Reading]]) -> list[Said]:
    return [(T0 + timedelta(seconds=at), what) for at, what in rows]


anything = st.lists(st.tuples(when, anything_said), max_size=40).map(timed)
roles = st.sampled_from(["water_meter", "smoke_detector", "plug", None])


@settings(max_examples=300, deadline=None)
@given(anything, roles, st.integers(0, 10**9))
def test_nothing_raises_and_the_state_stays_small(
    said: list[Said], role: str | None, now_s: int
) -> None:
    watch = Watch(device(role, enrolled_at=T0))
    now = T0 + timedelta(seconds=now_s)
    for one in said:
        watch.hears([one], now)
        assert len(watch.text.encode()) <= 512
    watch.tick(now)
    watch.tick(now - timedelta(days=400))


@settings(deadline=None)
@given(anything)
def test_nothing_raises_at_the_ends_of_time(said: list[Said]) -> None:
    ends = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    state = DeviceState()
    for now in ends:
        for at in ends:
            for _, what in said:
                state = judge(state, [(at, what)], METER, now).state
                state = tick(state, METER, now).state


@settings(max_examples=200, deadline=None)
@given(anything, st.lists(st.integers(0, 40), max_size=6), st.integers(0, 300_000))
def test_a_replay_is_bit_identical_however_the_batches_are_cut(
    said: list[Said], cuts: list[int], now_s: int
) -> None:
    now = T0 + timedelta(seconds=now_s)
    whole = judge(DeviceState(), said, METER, now)
    edges = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    watch = Watch(METER)  # through the stored text after every batch
    found: tuple[Finding, ...] = ()
    for start, end in pairwise(edges):
        found += watch.hears(said[start:end], now)
    assert found == whole.findings
    assert load_state(watch.text) == load_state(dump_state(whole.state))
    assert judge(DeviceState(), said, METER, now) == whole
    if said:
        assert watch.judge_at == whole.judge_at


@settings(max_examples=150, deadline=None)
@given(registers(with_outages, small_moves, 40), st.data())
def test_repeated_and_older_readings_find_nothing_and_change_nothing(
    register: Register, data: st.DataObject
) -> None:
    clean, noisy = Watch(METER), Watch(METER)
    for last, (at, value) in enumerate(register):
        now = T0 + timedelta(seconds=at)
        said = (now, water(value / 10))
        expected = clean.hears([said], now)
        assert noisy.hears([said], now) == expected
        again = data.draw(st.lists(st.integers(0, last), max_size=3))
        noise: list[Said] = [
            (T0 + timedelta(seconds=register[i][0]), water(register[i][1] / 10)) for i in again
        ]
        older = data.draw(st.lists(st.tuples(st.integers(1, 10**6), plausible), max_size=2))
        noise += [
            (now - timedelta(seconds=age), reading("water_total", value_m3, "m3"))
            for age, value_m3 in older
        ]
        assert noisy.hears(noise, now) == ()
        assert noisy.text == clean.text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-7200, 40_000), plausible, st.integers(0, 9000)), max_size=40)
)
def test_no_welfare_finding_rests_on_less_than_two_readings_a_window_apart(
    rows: list[tuple[int, float, int]],
) -> None:
    """Any disorder, reset and lateness: two delivered readings prove each finding."""
    watch, at = Watch(METER), 0
    delivered: list[tuple[datetime, float]] = []
    for step, value, late in rows:
        at += step
        moment = T0 + timedelta(seconds=at)
        delivered.append((moment, value))
        said = (moment, reading("water_total", value, "m3"))
        found: tuple[Finding, ...] = watch.hears([said], moment + timedelta(seconds=late))
        for one in found:
            if one.kind != "no_water_use" or one.sign.value == "cleared":
                continue
            start = moment - timedelta(hours=one.facts["window_h"])
            assert any(
                then <= start and -1e-4 <= value - before < 0.0101 for then, before in delivered
            )


@settings(max_examples=150, deadline=None)
@example([(hour * 3600, int(hour >= 7)) for hour in range(20)], 0.4375, -1)
@given(
    registers(hourly, small_moves, 60, at_least=20),
    st.floats(0.1, 0.9),
    st.one_of(st.integers(-(10**6), -1), st.integers(60_000, 10**12), st.just(10**300)),
)
def test_one_bad_reading_never_hides_a_gap(register: Register, place: float, off: int) -> None:
    """One reading lower than the one before it, or far above: every other is judged as without.

    Except where it says just what a register would that swung up by two litres at most and back:
    then that movement is no use, which finds a gap sooner if anything.
    """
    bad = int(place * len(register))
    (_, last), (_, before) = register[bad - 1], register[max(bad - 2, 0)]
    is_swing = before < last and last - SWAY_DL <= last + off <= before
    with_it, without = Watch(METER), Watch(METER)
    for index, (at, value) in enumerate(register):
        now = T0 + timedelta(seconds=at)
        if index == bad:
            wrong_m3 = float((register[index - 1][1] + off) / 10_000)
            with_it.hears([(now, reading("water_total", wrong_m3, "m3"))], now)
            continue
        with_it.hears([(now, water(value / 10))], now)
        without.hears([(now, water(value / 10))], now)
        here, there = with_it.state.water, without.state.water
        assert here is not None
        assert there is not None
        if is_swing and index > bad:
            assert here.level >= there.level
        else:
            assert (here.level, here.stairs) == (there.level, there.stairs)


def test_events_of_a_level_in_any_order_end_in_the_state_of_the_newest() -> None:
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]):
        words = ["smoke", "smoke_clear", "smoke", "smoke_clear"]
        watch = Watch(device())
        for index in order:
            at = T0 + timedelta(hours=index)
            watch.hears([(at, event(words[index]))], T0 + timedelta(hours=4))
        assert watch.hear(T0 + timedelta(hours=5), event("smoke")) == [("smoke", "rose")]
