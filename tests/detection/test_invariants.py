"""Whatever a meter sends: no welfare alarm on less than two readings around the gap, and none
missed for one bad reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceState, DeviceView, dump_state, judge, load_state
from alerting.finding import Finding, Sign
from devices.event import DeviceEvent, Reading
from tests.detection.support import Said, Watch, device, event, reading, water

MADRID = "Europe/Madrid"
T0 = datetime(2026, 2, 20, 23, tzinfo=UTC)  # midnight there; the clocks change on 29 March
DAYS = 40  # until 1 April: known long enough, and the change of the clocks lies in it
HOUR = timedelta(hours=1)
PRESETS = ("adaptive", "adaptive-tight", "adaptive-quiet", "fixed-12h-10l", "fixed-12h-24h-10l")
presets = st.sampled_from(PRESETS)
USED_AT = {6: 9.0, 7: 40.0, 9: 6.0, 12: 25.0, 14: 8.0, 17: 6.0, 19: 30.0, 21: 12.0}


def meter(preset: str) -> DeviceView:
    rules = {"no_water_use": {"preset": preset}}
    return device("water_meter", zone=MADRID, rules=rules, reports_every_s=3600)


@cache
def settled(preset: str) -> tuple[str, float]:
    """The state of a home that was known for DAYS, and its register; it is eight in the morning."""
    state, view, litres = DeviceState(), meter(preset), 40_000.0
    for hour in range(1, 24 * DAYS + 9):
        litres += USED_AT.get(hour % 24, 0.0)
        now = T0 + hour * HOUR
        state = judge(state, [(now, water(litres))], view, now).state
    return dump_state(state), litres


STILL = T0 + (24 * DAYS + 8) * HOUR
"""From here on nobody uses water."""


class Home:
    """A settled home from the last reading with use on."""

    def __init__(self, preset: str) -> None:
        self.watch = Watch(meter(preset))
        self.watch.text, self.litres = settled(preset)

    def hears(self, said: Said, now: datetime) -> tuple[Finding, ...]:
        return alarms(self.watch.hears([said], now))


def alarms(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(
        one for one in found if one.kind == "no_water_use" and one.sign is not Sign.CLEARED
    )


@cache
def due(preset: str) -> tuple[tuple[datetime, int], ...]:
    """(time, level) of the alarms of a home that stands still and is read every hour."""
    home, found = Home(preset), []
    for hour in range(1, 41):
        now = STILL + hour * HOUR
        found += [(now, one.facts["level"]) for one in home.hears((now, water(home.litres)), now)]
    return tuple(found)


# --- one bad reading ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """One wrong thing that arrives `minute` minutes into the gap, and what it claims."""

    minute: int
    said: DeviceEvent | Reading
    off_s: int = 0  # what its own clock is off by


far_off = st.sampled_from([-10 * 365 * 86_400, -86_400, -7200, 7200, 40 * 365 * 86_400])
values_m3 = st.one_of(
    st.just(float("nan")),
    st.just(float("inf")),
    st.floats(-1e9, 1e9),
    st.floats(0.0, 60.0),  # resets, other registers, and spikes that a home could have used
    st.sampled_from([0.0, 39.9, 40.001, 41.5, 44.0, 65.535, 4294.967295, 999_999.999]),
)
bad_readings = st.one_of(
    st.builds(lambda value: reading("water_total", value, "m3"), values_m3),
    st.builds(lambda value: reading("water_total", value, "L"), values_m3),
    st.sampled_from(
        [
            reading("power", 17_000.0, "W"),
            reading("voltage", 52.0, "V"),
            reading("water_flow", 0.0, "m3/h"),
            event("heartbeat"),
            event("fault"),
        ]
    ),
)
bads = st.builds(Bad, minute=st.integers(1, 30 * 60), said=bad_readings)
off_clocks = st.builds(Bad, minute=st.integers(1, 30 * 60), said=bad_readings, off_s=far_off)


@settings(max_examples=120, deadline=None)
@given(presets, bads | off_clocks)
def test_one_bad_reading_anywhere_in_a_gap_delays_no_alarm_by_more_than_one_reading(
    preset: str, bad: Bad
) -> None:
    home, found = Home(preset), []
    at = STILL + timedelta(minutes=bad.minute)
    said_at = min(at + timedelta(seconds=bad.off_s), at)  # a clock ahead is settled on receipt
    for hour in range(1, 42):
        now = STILL + hour * HOUR
        if now - HOUR < at <= now:
            found += [(at, one) for one in home.hears((said_at, bad.said), at)]
        found += [(now, one) for one in home.hears((now, water(home.litres)), now)]
    for when, level in due(preset):
        on_time = [
            one for told, one in found if one.facts["level"] >= level and told <= when + HOUR
        ]
        assert on_time, f"level {level}, due at {when - STILL}"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("litres", [1, 30, 900, 4999])
@pytest.mark.parametrize("hour", [1, 5, 9, 11])
def test_a_spike_that_a_home_could_have_used_is_taken_back_with_the_next_two_readings(
    preset: str, litres: int, hour: int
) -> None:
    home, found = Home(preset), []
    for number in range(1, 41):
        now = STILL + number * HOUR
        if number == hour:
            home.hears((now - HOUR / 2, water(home.litres + litres)), now - HOUR / 2)
        found += [(now, one.facts["level"]) for one in home.hears((now, water(home.litres)), now)]
    for when, level in due(preset):
        assert any(when <= told <= when + HOUR and known >= level for told, known in found)
    spiked = STILL + hour * HOUR
    for when, level in due(preset):
        if when < spiked:  # the spike ended it: it is found again
            again = [told for told, known in found if told >= spiked and known >= level]
            assert again[0] <= spiked + HOUR


@pytest.mark.parametrize("preset", PRESETS)
def test_an_old_value_sent_once_more_does_not_undo_a_use(preset: str) -> None:
    home = Home(preset)
    before = home.litres - USED_AT[7]
    now = STILL + HOUR
    home.hears((now, water(before)), now)
    found = []
    for number in range(2, 41):
        now = STILL + number * HOUR
        found += [(now, one.facts["level"]) for one in home.hears((now, water(home.litres)), now)]
    assert tuple(found) == due(preset)


# --- no alarm on less than two readings -----------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """One thing that arrives: so long after the one before, and how it was spoilt."""

    after_s: int
    used_l: float
    spoilt: str
    share: float  # how far


SPOILS = (
    "lost", "reset", "swapped", "duplicate", "disorder", "back_dated", "years_off", "garbage",
    "litres", "flag",
)  # fmt: skip
streams = st.lists(
    st.builds(
        Sent,
        after_s=st.sampled_from([3600] * 6 + [900, 7200, 20_000, 60_000]),
        used_l=st.sampled_from([0.0] * 7 + [1.0, 5.0, 12.0, 300.0]),
        spoilt=st.sampled_from(["no"] * 12 + list(SPOILS)),
        share=st.floats(0, 1),
    ),
    min_size=10,
    max_size=70,
)


def arriving(stream: Sequence[Sent], litres: float) -> list[tuple[datetime, list[Said]]]:
    """(now, what arrives then): a register that rises, in the state in which it gets here."""
    now, register, base = STILL, litres, 0.0
    batches: list[tuple[datetime, list[Said]]] = []
    kept: list[Said] = [(now, water(register))]
    for sent in stream:
        now += timedelta(seconds=sent.after_s)
        register += sent.used_l
        if sent.spoilt in ("reset", "swapped"):
            base = register - (0.0 if sent.spoilt == "reset" else 90_000 * sent.share)
        said: Said = (now, water(register - base))
        kept.append(said)
        back = kept[round(sent.share * (len(kept) - 1))]
        spoilt: dict[str, list[Said]] = {
            "lost": [],
            "duplicate": [said, said, back],
            "disorder": [said, back, kept[-2]],
            "back_dated": [*kept[-20:]],
            "years_off": [(now + timedelta(days=7000 * (sent.share - 0.5)), said[1])],
            "garbage": [(now, reading("water_total", float("nan"), "m3"))],
            "litres": [(now, reading("water_total", register, "L"))],
            "flag": [(now, event("leak")), said],
        }
        batches.append((now, spoilt.get(sent.spoilt, [said])))
    return batches


@settings(max_examples=150, deadline=None)
@given(presets, streams)
def test_no_alarm_without_two_readings_around_the_gap_that_agree(
    preset: str, stream: list[Sent]
) -> None:
    """The reading at the alarm and one at the beginning of the gap were delivered, and between
    their values lies less than the rule counts as use."""
    home = Home(preset)
    delivered = [(STILL - HOUR, home.litres / 1000), (STILL, home.litres / 1000)]
    for now, said in arriving(stream, home.litres):
        for at, what in said:
            if isinstance(what, Reading) and what.register == "water_total":
                delivered.append((min(at, now), what.value))
            for one in home.hears((at, what), now):
                facts = one.facts
                last = datetime.fromisoformat(facts["last_reading_at"])
                start = datetime.fromisoformat(facts["since"])
                span = timedelta(seconds=facts.get("limit_s") or facts["window_h"] * 3600)
                here = [value for then, value in delivered if then == last]
                there = [v for then, v in delivered if then <= max(start, last - span)]
                least = 0.0101 if "window_h" in facts and "limit_s" not in facts else 0.0031
                assert last - start >= span or "limit_s" not in facts
                assert any(-0.0021 < h - t < least for h in here for t in there)


@settings(max_examples=100, deadline=None)
@given(presets, streams, st.integers(1, 9))
def test_a_replay_of_such_a_stream_is_identical_however_it_is_cut(
    preset: str, stream: list[Sent], size: int
) -> None:
    text, litres = settled(preset)
    batches = arriving(stream, litres)
    now = batches[-1][0]
    said = [one for _, batch in batches for one in batch]
    view = meter(preset)
    whole = judge(load_state(text), said, view, now)
    state = load_state(text)
    found: tuple[Finding, ...] = ()
    for start in range(0, len(said), size):
        judged = judge(state, said[start : start + size], view, now)
        state, found = load_state(dump_state(judged.state)), found + judged.findings
        assert len(dump_state(state)) <= 512
    assert found == whole.findings
    assert dump_state(state) == dump_state(whole.state)


# --- and it still sees ----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(presets, st.lists(st.booleans(), min_size=60, max_size=60))
def test_with_half_of_the_readings_missing_the_alarm_comes_with_the_next_that_arrives(
    preset: str, arrives: list[bool]
) -> None:
    home = Home(preset)
    found: list[tuple[datetime, int]] = []
    heard: list[datetime] = []
    for hour, is_heard in enumerate(arrives, 1):
        if not is_heard:
            continue
        now = STILL + hour * HOUR
        heard.append(now)
        found += [(now, one.facts["level"]) for one in home.hears((now, water(home.litres)), now)]
    for when, level in due(preset):
        later = [now for now in heard if now >= when]
        if later and "fixed" in preset:
            assert any(told <= later[0] and known >= level for told, known in found)
        elif later and later[0] - when <= 3 * HOUR:
            assert any(told <= max(later[0], when) + 3 * HOUR for told, _ in found) or (
                later[-1] < when + 8 * HOUR
            )


@pytest.mark.parametrize("preset", PRESETS)
def test_the_days_on_which_the_clocks_change_raise_nothing(preset: str) -> None:
    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        watch, litres = Watch(meter(preset)), 0.0
        start = day - timedelta(days=30)
        for hour in range(24 * 34):
            now = start + hour * HOUR
            litres += USED_AT.get(now.astimezone(ZoneInfo(MADRID)).hour, 0.0)
            assert alarms(watch.hears([(now, water(litres))], now)) == ()


@settings(max_examples=40, deadline=None)
@given(presets, st.sampled_from([-3 * 365, -40, -1, 1, 40, 3 * 365]))
def test_a_server_whose_clock_was_years_off_finds_the_gap_when_it_is_right_again(
    preset: str, days: int
) -> None:
    home = Home(preset)
    wrong = STILL + timedelta(days=days)
    found = [*home.hears((wrong, water(home.litres)), wrong)]
    for hour in range(1, 60):
        now = STILL + hour * HOUR
        found += home.hears((now, water(home.litres)), now)
    assert found
