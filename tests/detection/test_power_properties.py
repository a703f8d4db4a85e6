"""Electricity: what holds for any load, any disorder, any hole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceState, dump_state, judge, load_state
from alerting.detectors import supply
from alerting.detectors.supply import Power
from alerting.finding import Finding
from devices.event import Reading
from tests.detection.support import Said, Watch, device, reading

START = datetime(2026, 3, 2, tzinfo=UTC)
VIEW = device("electricity_meter", rules={"no_power_use": {"preset": "fixed-24h"}}, zone="UTC")
PLUG = device("plug", zone="UTC")


def counts(wh: float, step_wh: int = 1) -> Reading:
    return reading("energy_total", int(wh) // step_wh * step_wh / 1000, "kWh")


def power_of(watch: Watch) -> Power:
    part = watch.state.power
    assert part is not None
    return part


gaps_s = st.sampled_from([300, 600, 900, 1800, 3600, 7200])
jitter = st.lists(st.integers(-20, 20), min_size=1, max_size=17)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 20_000),
    gaps_s,
    st.sampled_from([1, 10, 100, 1000]),
    jitter,
    st.lists(st.floats(0.05, 0.95), max_size=3),
)
def test_a_constant_load_is_never_activity(
    watts: float, every_s: int, step_wh: int, shifts: list[int], holes: list[float]
) -> None:
    """However large, however coarsely counted, whenever read, whatever is missing."""
    watch, total = Watch(VIEW), 9 * 86_400 // every_s
    lost = {round(hole * total) + n for hole in holes for n in range(5 * 3600 // every_s)}
    for number in range(1, total):
        if number in lost:
            continue
        at = number * every_s + shifts[number % len(shifts)]
        watch.hears([(START + timedelta(seconds=at), counts(watts * at / 3600, step_wh))],
                    START + timedelta(seconds=at))  # fmt: skip
        assert supply.last_activity(power_of(watch)) == 0


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 20_000), st.sampled_from([10, 60, 300, 1800]), jitter)
def test_nor_are_samples_of_it(watts: float, every_s: int, shifts: list[int]) -> None:
    every_s = max(every_s, 120)
    watch = Watch(VIEW)
    for number in range(1, 7 * 86_400 // every_s):
        moment = START + timedelta(seconds=number * every_s + shifts[number % len(shifts)])
        watch.hears([(moment, reading("power", watts, "W"))], moment)
    assert supply.last_activity(power_of(watch)) == 0


def refrigerator_wh(minute: int) -> float:
    """100 W for a quarter of every hour and 6 W that never stop, from midnight on."""
    hours, rest = divmod(minute, 60)
    return hours * 31.0 + 6 * rest / 60 + 100 * min(rest, 15) / 60


def settled() -> tuple[Watch, int]:
    """Eight days of a home with a kettle (133 Wh) at seven, noon and seven, read each quarter."""
    watch, minute = Watch(VIEW), 0
    while minute < 8 * 1440:
        minute += 15
        day, rest = divmod(minute, 1440)
        boiled = 3 * day + sum(rest >= at for at in (430, 730, 1150))
        moment = START + timedelta(minutes=minute)
        watch.hears([(moment, counts(refrigerator_wh(minute) + 133 * boiled))], moment)
    return watch, minute


SETTLED, MINUTE = settled()
BOILED_WH = 8 * 3 * 133
QUIET_S = MINUTE * 60 + round(START.timestamp()) - power_of(SETTLED).quiet_from
"""How long it has been quiet when the tests begin."""


def again() -> Watch:
    watch = Watch(VIEW)
    watch.text = SETTLED.text
    return watch


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=40),
    st.integers(0, 20 * 60),
    st.integers(2, 5),
)
def test_no_hole_invents_activity_and_none_is_seen_before_it_was(
    gaps: list[int], kettle_minute: int, boils: int
) -> None:
    """Any readings, any holes: what is called activity lies in a stretch of two hours and a half
    at most, in which the kettle boiled."""
    watch, minute, read_at = again(), 0, [-15, 0]
    before = supply.last_activity(power_of(watch))
    for gap in gaps:
        minute += gap
        read_at.append(minute)
        boiled = BOILED_WH + (133 * boils if minute > kettle_minute else 0)
        moment = START + timedelta(minutes=MINUTE + minute)
        watch.hears([(moment, counts(refrigerator_wh(MINUTE + minute) + boiled))], moment)
        at = supply.last_activity(power_of(watch))
        if at == before:
            continue
        before = at
        since = round((at - START.timestamp()) / 60) - MINUTE
        assert since in read_at
        assert since <= kettle_minute
        assert minute - since <= 150 + 30
        assert minute > kettle_minute


steps_s = st.sampled_from([3600, 5400, 7200, 9000] * 8 + [900, 20_000, 90_000, -7200])
odd_wh = st.sampled_from([0] * 40 + [133, 133, -900, -(10**6), 10**6])
rows = st.lists(
    st.tuples(steps_s, odd_wh, st.booleans(), st.sampled_from([0, 0, 0, 9000])),
    min_size=20,
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_no_finding_rests_on_less_than_two_readings_around_the_gap(
    said: list[tuple[int, int, bool, int]],
) -> None:
    """Any disorder, reset, glitch, hole and lateness: two delivered readings prove each finding."""
    watch, at, used = again(), MINUTE * 60, 0
    delivered: list[tuple[int, float]] = []
    for step, odd, stays, late in said:
        at += step
        moment = START + timedelta(seconds=at)
        wh = max(refrigerator_wh(at // 60) + BOILED_WH + used + odd, 0)
        used += odd if stays else 0
        delivered.append((at, wh))
        for one in watch.hears([(moment, counts(wh))], moment + timedelta(seconds=late)):
            if one.kind != "no_power_use" or one.sign.value != "rose":
                continue
            since = datetime.fromisoformat(one.facts["since"])
            begins = round((since - START).total_seconds())
            assert at - begins >= 24 * 3600
            most = one.facts["base_w"] * (at - begins) / 3600
            assert begins == MINUTE * 60 - QUIET_S or any(
                then == begins and -1 <= wh - before <= most for then, before in delivered
            )


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_repeated_older_and_impossible_readings_change_nothing(data: st.DataObject) -> None:
    clean, noisy = again(), again()
    for number in range(1, 12):
        minute = MINUTE + number * 15
        now = START + timedelta(minutes=minute)
        said: Said = (now, counts(refrigerator_wh(minute) + BOILED_WH))
        assert noisy.hears([said], now) == clean.hears([said], now)
        ages = data.draw(st.lists(st.integers(1, 10**6), max_size=2))
        noise: list[Said] = [said]
        noise += [(now - timedelta(seconds=age), counts(data.draw(st.floats(0, 9e8))))
                  for age in ages]  # fmt: skip
        odd = data.draw(st.sampled_from([-1.0, 1e9, -0.001, 1e300]))
        noise += [(now, reading("energy_total", odd, "kWh")),
                  (now, reading("energy_total", 3.0, "Wh"))]  # fmt: skip
        assert noisy.hears(noise, now) == ()
        assert noisy.text == clean.text


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 94),
    st.one_of(st.floats(-500, -0.1), st.floats(40, 10**6)),
)
def test_one_bad_reading_never_hides_a_gap(place: int, off_kwh: float) -> None:
    watch = again()
    found: list[Finding] = []
    for number in range(1, 26 * 4):
        minute = MINUTE + number * 15
        now = START + timedelta(minutes=minute)
        kwh = (refrigerator_wh(minute) + BOILED_WH) / 1000
        if number == place:
            kwh = max(kwh + off_kwh, 0) if off_kwh > 0 else max(kwh + off_kwh, kwh / 3)
        found += watch.hears([(now, reading("energy_total", round(kwh, 3), "kWh"))], now)
    assert [one.kind for one in found] == ["no_power_use"]


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 3), st.integers(1, 60))
def test_a_new_counter_begins_the_gap_anew_and_is_no_activity(
    kwh: float, quarters_before: int
) -> None:
    watch = again()
    found: list[Finding] = []
    before = supply.last_activity(power_of(watch))
    swapped = START + timedelta(minutes=MINUTE + quarters_before * 15)
    for number in range(1, quarters_before + 93):
        minute = MINUTE + number * 15
        now = START + timedelta(minutes=minute)
        wh = refrigerator_wh(minute) + BOILED_WH
        if now >= swapped:
            wh += 1000 * kwh - refrigerator_wh(MINUTE) - BOILED_WH
        found += watch.hears([(now, counts(wh))], now)
    assert found == []
    assert supply.last_activity(power_of(watch)) == before


finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 400_000), st.integers(-(10**9), 10**9)),
        st.builds(
            Reading,
            child_id=st.just("d"),
            register=st.sampled_from(["energy_total", "power", "voltage"]),
            value=st.one_of(st.floats(0, 3000), finite),
            unit=st.sampled_from(["kWh", "W", "W", ""]),
        ),
    ),
    max_size=40,
).map(lambda said: [(START + timedelta(seconds=at), what) for at, what in said])


@settings(max_examples=200, deadline=None)
@given(anything, st.sampled_from(["electricity_meter", "plug", "water_meter", None]),
       st.integers(0, 10**9))  # fmt: skip
def test_nothing_raises_and_the_state_stays_small(
    said: Sequence[Said], role: str | None, now_s: int
) -> None:
    watch = Watch(device(role, rules=VIEW.rules))
    for one in said:
        watch.hears([one], START + timedelta(seconds=now_s))
        assert len(watch.text.encode()) <= 512
    if role not in supply.ROLES:
        assert watch.state.power is None


@settings(max_examples=100, deadline=None)
@given(anything, st.lists(st.integers(0, 40), max_size=6), st.integers(0, 300_000))
def test_a_replay_is_bit_identical_however_the_batches_are_cut(
    said: list[Said], cuts: list[int], now_s: int
) -> None:
    now = START + timedelta(seconds=now_s)
    whole = judge(DeviceState(), said, VIEW, now)
    edges = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    watch = Watch(VIEW)
    found: tuple[Finding, ...] = ()
    for start, end in pairwise(edges):
        found += watch.hears(said[start:end], now)
    assert found == whole.findings
    assert load_state(watch.text) == load_state(dump_state(whole.state))
    assert judge(DeviceState(), said, VIEW, now) == whole
