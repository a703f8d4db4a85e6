"""Allowances of devices: what passes, what is held back, and that nothing is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.intake.heard import Heard
from alerting.intake.spoken import one_each_first
from alerting.intake.throttle import (
    ALARM,
    ORDINARY,
    REPORT_EVERY_S,
    Sieved,
    Throttle,
)
from devices.event import Decoded, DeviceEvent, Message, Reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def heard(*kinds: str, child: str = "d", at_s: float = 0, **decoded: object) -> Heard:
    events = tuple(DeviceEvent(child_id=child, kind=kind, event_id="e") for kind in kinds)
    message = Message(topic="t", payload=b"", received_at=T0 + timedelta(seconds=at_s))
    return Heard(
        source_id="native",
        lane="urgent",
        message=message,
        decoded=Decoded(events=events, **decoded),  # type: ignore[arg-type]
    )


def readings(*children: str, at_s: float = 0) -> Heard:
    said = tuple(Reading(child_id=child, register="power", value=1, unit="W") for child in children)
    return heard(at_s=at_s, readings=said)


def counted(sieved: Sieved) -> int:
    return sum(folded.count for folded in sieved.folded)


def test_a_batch_of_many_devices_is_not_touched() -> None:
    batch = [readings(f"d{number}") for number in range(2000)]
    assert Throttle().sieve(batch).kept == batch


def test_a_message_counts_once_however_many_readings_it_brings() -> None:
    deltas = readings(*["d"] * 24)
    assert Throttle().sieve([deltas] * 100).dropped == 0


def test_each_kind_of_alarm_has_an_allowance_of_its_own() -> None:
    throttle = Throttle()
    assert throttle.sieve([readings("d")] * 5000).dropped == 5000 - ORDINARY.burst
    for kind in ("sos", "fall", "smoke", "heat", "gas", "a-word-nobody-knows"):
        assert throttle.sieve([heard(kind)]).dropped == 0
    assert throttle.sieve([heard("leak")]).dropped == 0
    assert throttle.sieve([heard("heartbeat")]).dropped == 1


def test_what_came_with_an_admitted_alarm_stays_with_it() -> None:
    throttle = Throttle()
    throttle.sieve([readings("d")] * 5000)
    message = heard("sos", readings=readings("d").decoded.readings)
    assert throttle.sieve([message]).kept == [message]


def test_a_message_of_many_loses_only_what_the_mad_one_said() -> None:
    throttle = Throttle()
    throttle.sieve([readings("mad")] * 5000)
    sieved = throttle.sieve([readings("mad", "calm")])
    assert [r.child_id for one in sieved.kept for r in one.decoded.readings] == ["calm"]
    assert sieved.dropped == 1


def test_time_gives_back_what_was_used_and_a_clock_that_went_back_does_not() -> None:
    throttle = Throttle()
    throttle.sieve([readings("d")] * 1000)
    assert throttle.sieve([readings("d", at_s=-3600)]).dropped == 1
    later = throttle.sieve([readings("d", at_s=86_400)] * 1000)
    assert later.dropped == 1000 - ORDINARY.burst


def test_a_device_is_reported_once_an_hour_with_what_was_left_out() -> None:
    throttle = Throttle()
    told = [
        (said.child[1], said.count)
        for second in range(0, int(REPORT_EVERY_S) + 1, 600)
        for said in throttle.sieve([readings("d", at_s=second)] * 1000).talkative
    ]
    assert [child for child, _ in told] == ["d", "d"]
    assert told[0][1] == 1000 - ORDINARY.burst
    assert told[1][1] == 6 * (1000 - ORDINARY.burst)


def test_memory_is_bounded_and_a_forgotten_device_may_say_more() -> None:
    throttle = Throttle(most_keys=100)
    throttle.sieve([readings("d")] * 1000)
    throttle.sieve([readings(f"d{number}") for number in range(1000)])
    assert len(throttle) == 100
    assert throttle.sieve([readings("d")]).dropped == 0


def test_a_batch_that_is_tried_again_costs_its_devices_nothing() -> None:
    throttle = Throttle()
    throttle.sieve([readings("d")] * 300)
    throttle.forget([("native", "d")])
    assert throttle.sieve([readings("d")] * 300).dropped == 0


def test_while_we_catch_up_only_alarms_are_folded() -> None:
    throttle, history = Throttle(), [readings("d")] * 5000
    assert throttle.sieve(history, forgiving=True).kept == history
    sieved = throttle.sieve([heard("sos")] * 5000, forgiving=True)
    assert len(sieved.kept) == ORDINARY.burst
    assert counted(sieved) == 5000 - ORDINARY.burst
    assert throttle.sieve([heard("sos")]).dropped == 0  # the present has its own


def test_nobody_is_a_device_of_its_own() -> None:
    unread = heard(quarantined="unknown_topic")
    assert Throttle().sieve([unread] * 1000).dropped == 1000 - ORDINARY.burst


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["sos", "smoke", "fall", "what?", "heartbeat"]),
            st.integers(0, 3),
        ),
        max_size=300,
    ),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_every_alarm_passes_or_is_counted_and_the_first_of_a_kind_always_passes(
    said: list[tuple[str, str, int]], cuts: list[int]
) -> None:
    throttle, at, batch = Throttle(), 0, []
    for child, kind, pause in said:
        at += pause
        batch.append(heard(kind, child=child, at_s=at))
    kept: list[Heard] = []
    folded = 0
    edges = sorted({0, len(batch), *(cut for cut in cuts if cut < len(batch))})
    for start, end in pairwise(edges):
        sieved = throttle.sieve(batch[start:end])
        kept += sieved.kept
        folded += counted(sieved)
        assert all(heard in batch for one in sieved.folded for heard in one.told)
    last = throttle.sieve([readings("z", at_s=at + 2)])  # whoever speaks next
    folded += counted(last)
    alarms = [one for one in batch if one.decoded.events[0].kind != "heartbeat"]
    assert sum(one in alarms for one in kept) + folded == len(alarms)
    firsts = {(one.decoded.events[0].child_id, one.decoded.events[0].kind) for one in alarms}
    words = {(one.decoded.events[0].child_id, one.decoded.events[0].kind) for one in kept}
    assert firsts <= words
    per_kind = ALARM.burst + at * ALARM.per_s + 1
    for first in firsts:
        same = [
            one
            for one in kept
            if (one.decoded.events[0].child_id, one.decoded.events[0].kind) == first
        ]
        assert len(same) <= per_kind


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_first_of_every_device_goes_first_and_each_keeps_its_order(said: list[str]) -> None:
    batch = [heard("sos", child=child, at_s=number) for number, child in enumerate(said)]
    first, rest = one_each_first(batch)
    assert {one.decoded.events[0].child_id for one in first} == set(said)
    assert len(first) == len(set(said))
    for child in set(said):
        mine = [one for one in (*first, *rest) if one.decoded.events[0].child_id == child]
        assert mine == [one for one in batch if one.decoded.events[0].child_id == child]
