"""A bridge limited to its registered children."""

from __future__ import annotations

from devices.event import Decoded, DeviceEvent, Presence, Reading
from devices.listed import of_listed

LISTED = frozenset({"a"})


def said(child: str, kind: str = "tamper") -> Decoded:
    return Decoded(
        events=(DeviceEvent(child_id=child, kind=kind),),
        readings=(Reading(child_id=child, register="power", value=1.0, unit="W"),),
        presences=(Presence(child_id=child, online=True),),
    )


def test_a_listed_child_and_the_bridge_itself_are_heard_in_full() -> None:
    assert of_listed(said("a"), LISTED) == said("a")
    bridge = Decoded(presences=(Presence(child_id=None, online=False),))
    assert of_listed(bridge, LISTED) == bridge


def test_another_child_is_refused_and_noted() -> None:
    assert of_listed(said("b"), LISTED) == Decoded(heard=("b",), quarantined="not_listed")
    assert of_listed(Decoded(heard=("b",)), LISTED).quarantined == "not_listed"


def test_its_alarm_is_never_dropped() -> None:
    refused = of_listed(said("b", "smoke"), LISTED)
    (alarm,) = refused.events
    assert (alarm.kind, alarm.confidence) == ("smoke", "unconfirmed")
    assert (refused.readings, refused.presences) == ((), ())
    assert refused.quarantined == "not_listed"
    assert refused.culprit is None, "the alarm was understood: no second incident"


def test_what_cannot_be_read_stays_the_reason() -> None:
    unread = Decoded(heard=("b",), quarantined="not_json", culprit="b")
    assert of_listed(unread, LISTED) == unread
