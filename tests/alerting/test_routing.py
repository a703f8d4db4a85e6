"""Who is told, over which channels, and why: every target of a step meets a roster."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.escalation import By, Target, Who
from alerting.routing import Hop, Person, Roster, RouteReason, Telling, nobody_reached, route

HOOK = Hop(channel="webhook", address="https://hooks.example/a")
PHONES = frozenset({"sms", "call"})


def person(
    ident: str, *, phone: str | None = "", hops: tuple[Hop, ...] = (), **more: Any
) -> Person:
    number = f"+86{ident}" if phone == "" else phone
    return Person(id=ident, name=ident.upper(), phone=number, hops=hops, **more)


DAUGHTER = person("daughter", rank=1, hops=(HOOK,))
SON = person("son", rank=1)
NIECE = person("niece", rank=4, language="en")
NEIGHBOUR = person("neighbour", rank=7)
FULL = Roster(
    contacts=(NEIGHBOUR, NIECE, DAUGHTER, SON),
    responsible_visitor=person("visitor"),
    assigned_visitor=person("sent"),
    owner=person("owner"),
    on_call=(person("night"), person("standby")),
    supervisors=(person("boss"),),
    webhooks=(Hop(channel="webhook", address="chn-1"), Hop(channel="webhook", address="chn-2")),
    desk_armed=True,
    has_operator=True,
    phone_channels=PHONES,
)


def changed(roster: Roster, **fields: Any) -> Roster:
    known = {name: getattr(roster, name) for name in Roster.__slots__}
    return Roster(**(known | fields))


def tell(who: str, by: str = "message") -> Target:
    return Target(who=who, by=by)  # type: ignore[arg-type]


def told(tellings: tuple[Telling, ...]) -> list[tuple[str, str, str]]:
    """(recipient, first channel, why)."""
    return [(one.recipient_id or "-", one.hops[0].channel, one.reason.value) for one in tellings]


def channels(telling: Telling) -> list[str]:
    return [hop.channel for hop in telling.hops]


@pytest.mark.parametrize(
    ("who", "by", "expected"),
    [
        ("desk", "message", [("desk", "console", "duty_desk")]),
        (
            "contacts",
            "message",
            [
                ("daughter", "webhook", "first_contact"),
                ("son", "sms", "first_contact"),
                ("niece", "sms", "emergency_contact"),
                ("neighbour", "sms", "emergency_contact"),
            ],
        ),
        (
            "first_contact",
            "call",
            [("daughter", "call", "first_contact"), ("son", "call", "first_contact")],
        ),
        ("second_contact", "call", [("niece", "call", "emergency_contact")]),
        ("later_contacts", "call", [("neighbour", "call", "emergency_contact")]),
        ("responsible_visitor", "message", [("visitor", "sms", "responsible_visitor")]),
        ("assigned_visitor", "call", [("sent", "call", "assigned_visitor")]),
        ("owner", "all", [("owner", "sms", "owner"), ("owner", "call", "owner")]),
        ("on_call", "call", [("night", "call", "on_call"), ("standby", "call", "on_call")]),
        ("supervisors", "message", [("boss", "sms", "supervisor")]),
        ("operator", "message", [("-", "operator", "operator")]),
        (
            "webhooks",
            "message",
            [("chn-1", "webhook", "city_platform"), ("chn-2", "webhook", "city_platform")],
        ),
    ],
)
def test_each_target_is_told_with_its_reason(
    who: str, by: str, expected: list[tuple[str, str, str]]
) -> None:
    assert told(route([tell(who, by)], FULL)) == expected


def test_the_table_above_knows_every_target_and_every_reason() -> None:
    reasons = {one.reason for who in get_args(Who) for one in route([tell(who, "all")], FULL)}
    unwatched = route([tell("desk")], changed(FULL, desk_armed=False))
    assert reasons | {one.reason for one in unwatched} == set(RouteReason)


@pytest.mark.parametrize("who", get_args(Who))
def test_a_target_that_is_nobody_is_told_nothing(who: str) -> None:
    tellings = route([tell(who, "all")], Roster(desk_armed=False))
    assert [one.recipient for one in tellings] == (["duty desk"] if who == "desk" else [])
    assert nobody_reached(tellings)


def test_the_other_channels_follow_for_when_the_first_fails() -> None:
    (by_message,) = route([tell("first_contact")], changed(FULL, contacts=(DAUGHTER,)))
    (by_call,) = route([tell("first_contact", "call")], changed(FULL, contacts=(DAUGHTER,)))
    assert channels(by_message) == ["webhook", "sms", "call"]
    assert channels(by_call) == ["call", "webhook", "sms"]
    assert by_call.hops[0].address == "+86daughter"


def test_a_telephone_is_of_use_only_where_a_provider_is_configured() -> None:
    without_calls = changed(FULL, contacts=(DAUGHTER, SON), phone_channels=frozenset({"sms"}))
    assert told(route([tell("contacts", "call")], without_calls)) == [
        ("daughter", "webhook", "first_contact"),
        ("son", "sms", "first_contact"),
    ]
    nothing = changed(FULL, contacts=(SON,), phone_channels=frozenset())
    assert route([tell("contacts", "call")], nothing) == ()


def test_a_number_that_was_named_for_a_channel_wins_over_the_telephone() -> None:
    careful = person("c", hops=(Hop(channel="call", address="+8612"),))
    (telling,) = route([tell("contacts", "call")], changed(FULL, contacts=(careful,)))
    assert [(hop.channel, hop.address) for hop in telling.hops] == [
        ("call", "+8612"),
        ("sms", "+86c"),
    ]


@pytest.mark.parametrize("by", get_args(By))
@pytest.mark.parametrize("alternate", [False, True])
def test_a_contact_who_answered_is_never_called_again(by: str, alternate: bool) -> None:
    answered = person("c", answered=True, hops=(HOOK,))
    tellings = route(
        [tell("contacts", by)], changed(FULL, contacts=(answered,)), alternate=alternate
    )
    assert not any("call" in channels(one) for one in tellings), "nor as a fall-back"
    assert bool(tellings) == (by != "call"), "messages still come"


def test_an_unwatched_desk_passes_at_once_to_the_on_call_phone() -> None:
    unwatched = changed(FULL, desk_armed=False)
    tellings = route([tell("desk")], unwatched)
    assert told(tellings) == [
        ("desk", "console", "duty_desk"),
        ("night", "call", "desk_unwatched"),
        ("standby", "call", "desk_unwatched"),
    ]
    assert not nobody_reached(tellings)
    assert nobody_reached(route([tell("desk")], changed(unwatched, on_call=())))
    assert not nobody_reached(route([tell("desk")], changed(FULL, on_call=())))


def test_an_on_call_person_is_not_rung_twice_for_two_reasons() -> None:
    tellings = route([tell("desk"), tell("on_call", "call")], changed(FULL, desk_armed=False))
    assert told(tellings)[1:] == [
        ("night", "call", "desk_unwatched"),
        ("standby", "call", "desk_unwatched"),
    ]


def test_a_repeat_begins_with_another_channel() -> None:
    several = person(
        "c",
        hops=(
            HOOK,
            Hop(channel="email", address="c@example.org"),
            Hop(channel="call", address="+861"),
            Hop(channel="call", address="+862"),
        ),
    )
    roster = changed(FULL, contacts=(several,))
    (message,) = route([tell("contacts")], roster, alternate=True)
    assert channels(message) == ["sms", "email", "webhook", "call", "call"]
    (call,) = route([tell("contacts", "call")], roster, alternate=True)
    assert [hop.address for hop in call.hops[:2]] == ["+862", "+861"]


def test_the_same_person_over_the_same_channel_is_told_once() -> None:
    roster = changed(FULL, responsible_visitor=person("x"), owner=person("x"))
    tellings = route([tell("responsible_visitor"), tell("owner"), tell("owner", "call")], roster)
    assert told(tellings) == [("x", "sms", "responsible_visitor"), ("x", "call", "owner")]


def test_people_are_told_in_their_language() -> None:
    languages = {one.recipient_id: one.language for one in route([tell("contacts")], FULL)}
    assert languages == {"daughter": "zh", "son": "zh", "niece": "en", "neighbour": "zh"}


def test_without_an_operator_nobody_stands_behind_the_ladder() -> None:
    assert route([tell("operator")], changed(FULL, has_operator=False)) == ()
    assert nobody_reached(route([tell("operator")], changed(FULL, has_operator=False)))


def people() -> st.SearchStrategy[Person]:
    hops = st.builds(
        Hop,
        channel=st.sampled_from(["webhook", "sms", "call", "email", "apprise"]),
        address=st.sampled_from(["a", "b"]),
    )
    return st.builds(
        Person,
        id=st.sampled_from("pqrs"),
        name=st.just("N"),
        phone=st.none() | st.sampled_from(["1", "2"]),
        hops=st.lists(hops, max_size=3).map(tuple),
        rank=st.integers(1, 9),
        answered=st.booleans(),
    )


ROSTERS = st.builds(
    Roster,
    contacts=st.lists(people(), max_size=4).map(tuple),
    responsible_visitor=st.none() | people(),
    owner=st.none() | people(),
    on_call=st.lists(people(), max_size=2).map(tuple),
    supervisors=st.lists(people(), max_size=2).map(tuple),
    desk_armed=st.booleans(),
    has_operator=st.booleans(),
    phone_channels=st.sets(st.sampled_from(["sms", "call"])).map(frozenset),
)
STEPS = st.lists(
    st.builds(Target, who=st.sampled_from(get_args(Who)), by=st.sampled_from(get_args(By))),
    min_size=1,
    max_size=5,
)


@given(targets=STEPS, roster=ROSTERS, alternate=st.booleans())
def test_each_recipient_hears_over_each_channel_once_and_always_over_some(
    targets: list[Target], roster: Roster, alternate: bool
) -> None:
    tellings = route(targets, roster, alternate=alternate)
    first = [(one.recipient_id, one.hops[0].channel, one.hops[0].address) for one in tellings]
    assert len(first) == len(set(first))
    assert all(one.hops for one in tellings)
    operators = [one for one in tellings if one.reason is RouteReason.OPERATOR]
    wanted = roster.has_operator and any(target.who == "operator" for target in targets)
    assert len(operators) == int(wanted)
    if wanted:
        assert not nobody_reached(tellings)
