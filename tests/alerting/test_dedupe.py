"""The same event or another one: what a digest distinguishes, and what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerting.intake.dedupe import SAME_PRESS, Memory, Verdict, digest
from devices.event import DeviceEvent

NOW = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
CHILD = ("native", "btn-1")
NEW, AGAIN = Verdict(is_duplicate=False), Verdict(is_duplicate=True)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
DATA = st.dictionaries(st.text(max_size=3), JSON, max_size=4)
TIMES = st.none() | st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def event(kind: str = "sos", ident: str | None = None, **fields: Any) -> DeviceEvent:
    return DeviceEvent(child_id="btn-1", kind=kind, event_id=ident, **fields)


def reordered(value: Any) -> Any:
    """The same JSON with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(kind=st.text(min_size=1, max_size=5), at=TIMES, data=DATA)
def test_the_order_in_which_a_device_says_things_does_not_matter(
    kind: str, at: datetime | None, data: dict[str, Any]
) -> None:
    mark = digest(event(kind, at=at, data=data))
    assert mark == digest(event(kind, at=at, data=reordered(data))) and len(mark) == 32
    told_again = event(kind, "an id", at=at, data=data, retained=True)
    assert mark == digest(told_again), "how it came is not what it said"


@given(first=st.tuples(TIMES, DATA), second=st.tuples(TIMES, DATA))
def test_two_things_said_are_two_digests(first: Any, second: Any) -> None:
    marks = {digest(event(at=at, data=data)) for at, data in (first, second)}
    assert (len(marks) == 1) == (repr(first) == repr(second) or _equal(first, second))
    assert digest(event("fall", at=first[0])) != digest(event("sos", at=first[0]))


def _equal(first: Any, second: Any) -> bool:
    """Equal as JSON: `True` is not 1 there."""
    return bool(first == second) and _types(first) == _types(second)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    return [_types(item) for item in value] if isinstance(value, list | tuple) else type(value)


class Told:
    """A memory that is asked and told in turn, as a batch does it."""

    def __init__(self, enrolled_at: datetime | None = None) -> None:
        self.memory, self.enrolled_at = Memory(), enrolled_at

    def hears(self, said: DeviceEvent, after_s: float = 0) -> Verdict:
        at, mark = NOW + timedelta(seconds=after_s), digest(said)
        verdict = self.memory.judge(CHILD, said, mark, at, self.enrolled_at)
        if not verdict.is_duplicate:
            self.memory.remember(CHILD, said, mark, at)
        return verdict


def test_the_same_id_and_payload_is_the_same_event() -> None:
    told = Told()
    assert told.hears(event(ident="1")) == NEW
    assert told.hears(event(ident="1"), 3600) == AGAIN
    assert told.hears(event(ident="2")) == NEW, "another id is another press"


def test_the_same_id_with_another_payload_is_another_event_and_a_fault() -> None:
    told = Told()
    told.hears(event(ident="1"))
    reused = Verdict(is_duplicate=False, id_reused=True)
    assert told.hears(event(ident="1", data={"presses": 2})) == reused
    assert told.hears(event(ident="1", data={"presses": 2})) == AGAIN
    assert told.hears(event("fall", "1")) == reused


def test_what_came_before_the_enrolment_belongs_to_another_life() -> None:
    told = Told(enrolled_at=NOW + timedelta(seconds=10))
    told.hears(event(ident="1"))
    assert told.hears(event(ident="1"), 11) == NEW
    assert told.hears(event(ident="1"), 12) == AGAIN


def test_without_an_id_one_press_told_twice_within_two_seconds_is_one() -> None:
    told = Told()
    told.hears(event())
    assert told.hears(event(data={"as": "text"}), 1.999) == AGAIN
    assert told.hears(event("fall"), 1) == NEW, "another kind is another matter"
    later = Told()
    later.hears(event())
    assert later.hears(event(), SAME_PRESS.total_seconds()) == NEW


def test_a_retained_message_that_equals_the_last_one_is_no_news() -> None:
    told = Told()
    told.hears(event("smoke", data={"smoke": True}))
    assert told.hears(event("smoke", data={"smoke": True}, retained=True), 7200) == AGAIN
    assert told.hears(event("smoke", data={"smoke": True, "x": 1}, retained=True), 7200) == NEW
    fresh = Told()
    assert fresh.hears(event("smoke", retained=True)) == NEW, "never seen: surfaced"


def test_a_frame_that_a_network_server_stamps_anew_is_the_same_for_a_minute() -> None:
    """Seen up to 48 s apart; further apart a counter may have begun anew."""
    told = Told()
    assert told.hears(event(ident="f:7", at=NOW, data={"action": "short"})) == NEW
    again = event(ident="f:7", at=NOW + timedelta(seconds=48), data={"action": "short"})
    assert told.hears(again, 48) == AGAIN
    reused = Verdict(is_duplicate=False, id_reused=True)
    other = event(ident="f:7", at=NOW + timedelta(seconds=48), data={"action": "long"})
    assert told.hears(other, 48) == reused
    later = event(ident="f:7", at=NOW + timedelta(seconds=109), data={"action": "short"})
    assert told.hears(later, 109) == reused


def test_another_matter_in_between_does_not_make_a_press_news() -> None:
    told = Told()
    told.hears(event(data={"action": "single"}))
    told.hears(event("battery_low"))
    assert told.hears(event(data={"as": "text"}), 1) == AGAIN
    assert told.hears(event(data={"action": "single"}, retained=True), 7200) == AGAIN


def test_what_ended_in_between_may_begin_anew() -> None:
    told = Told()
    for kind in ("smoke", "smoke_clear", "smoke"):
        assert told.hears(event(kind)) == NEW, kind


def test_children_of_one_source_do_not_remember_for_each_other() -> None:
    memory, said = Memory(), event(ident="1")
    memory.remember(CHILD, said, digest(said), NOW)
    for child in (("native", "btn-2"), ("src-2", "btn-1")):
        assert memory.judge(child, said, digest(said), NOW, None) == NEW
