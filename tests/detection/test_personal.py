"""Presses, falls, and words nobody knows."""

from __future__ import annotations

import pytest

from alerting.finding import Severity, Sign
from devices.event import DEVICE_ROLES, EVENT_KINDS, LIFE_SAFETY_ROLES, Confidence
from tests.detection.support import T0, Watch, device, event, hours, minutes, outline


@pytest.mark.parametrize("kind", ["sos", "fall"])
@pytest.mark.parametrize("role", [*sorted(DEVICE_ROLES), None])
def test_every_press_and_every_fall_is_news_whatever_the_role(kind: str, role: str | None) -> None:
    watch = Watch(device(role))
    for press in range(3):
        (found,) = watch.hears([(T0 + minutes(press), event(kind))], T0 + minutes(press))
        assert (found.kind, found.sign) == (kind, Sign.EDGE)
        assert found.severity is Severity.LIFE_SAFETY
        assert found.at == T0 + minutes(press)
        assert found.late_s == 0


@pytest.mark.parametrize("kind", ["sos", "fall"])
def test_a_cancel_clears_the_same_kind(kind: str) -> None:
    watch = Watch(device("watch"))
    (found,) = watch.hears([(T0, event(f"{kind}_cancel"))], T0)
    assert (found.kind, found.sign) == (kind, Sign.CLEARED)


def test_a_press_carries_its_doubt_its_memory_and_its_age() -> None:
    press = event("sos", confidence=Confidence.UNCONFIRMED, retained=True)
    (found,) = Watch(device("sos_button")).hears([(T0, press)], T0 + hours(5))
    assert found.confidence is Confidence.UNCONFIRMED
    assert found.facts == {"retained": True}
    assert found.late_s == 5 * 3600


def test_transport_time_is_not_called_late() -> None:
    watch = Watch(device("sos_button"))
    (found,) = watch.hears([(T0, event("sos"))], T0 + minutes(2))
    assert found.late_s == 0


@pytest.mark.parametrize("role", sorted(LIFE_SAFETY_ROLES))
def test_an_unknown_word_from_a_life_safety_device_is_an_unconfirmed_finding(role: str) -> None:
    word = "help_" * 40
    (found,) = Watch(device(role)).hears([(T0, event(word))], T0)
    assert (found.kind, found.sign) == ("unreadable", Sign.EDGE)
    assert found.severity is Severity.LIFE_SAFETY
    assert found.confidence is Confidence.UNCONFIRMED
    assert found.facts == {"word": word[:64], "role": role}


@pytest.mark.parametrize("role", [*sorted(DEVICE_ROLES - LIFE_SAFETY_ROLES), None])
def test_an_unknown_word_from_any_other_device_is_nothing(role: str | None) -> None:
    assert Watch(device(role)).hear(T0, event("wobble")) == []


QUIET = [
    "test",
    "mute",
    "heartbeat",
    "location",
    "vitals",
    "out_of_bed",
    "no_motion",
    "door_open",
    "door_closed",
]


@pytest.mark.parametrize("kind", QUIET)
def test_known_words_without_a_rule_find_nothing_and_remember_nothing(kind: str) -> None:
    assert kind in EVENT_KINDS
    watch = Watch(device("sos_button"))
    before = watch.state
    assert watch.hear(T0, event(kind)) == []
    assert watch.state == before


def test_several_words_of_one_message_are_judged_in_order() -> None:
    found = Watch(device("watch")).hears(
        [(T0, event("fall")), (T0, event("sos")), (T0, event("fall_cancel"))], T0
    )
    assert outline(found) == [("fall", "edge"), ("sos", "edge"), ("fall", "cleared")]
