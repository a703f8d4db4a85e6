"""Who is told, over which channels, and why: targets of a step meet the people there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from alerting.escalation import By, Target


class RouteReason(StrEnum):
    """Why somebody is told; the timeline shows it in words (wording)."""

    DUTY_DESK = "duty_desk"
    DESK_UNWATCHED = "desk_unwatched"  # no armed desk page: the on-call phone instead
    FIRST_CONTACT = "first_contact"
    EMERGENCY_CONTACT = "emergency_contact"
    RESPONSIBLE_VISITOR = "responsible_visitor"
    ASSIGNED_VISITOR = "assigned_visitor"
    OWNER = "owner"
    ON_CALL = "on_call"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    CITY_PLATFORM = "city_platform"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """One way to reach somebody."""

    channel: str  # webhook sms call email apprise console operator
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A user or contact who may be told. `hops` are the channels they named themselves."""

    id: str
    name: str
    phone: str | None = None
    hops: tuple[Hop, ...] = ()
    language: str = "zh"
    rank: int = 1
    answered: bool = False  # a contact who said "I know": no more calls


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Everybody there is for one incident at one moment."""

    contacts: tuple[Person, ...] = ()
    responsible_visitor: Person | None = None
    assigned_visitor: Person | None = None
    owner: Person | None = None
    on_call: tuple[Person, ...] = ()
    supervisors: tuple[Person, ...] = ()
    webhooks: tuple[Hop, ...] = ()  # the city's platform; address is the channel's id
    desk_armed: bool = False
    has_operator: bool = False
    phone_channels: frozenset[str] = field(default_factory=frozenset)  # of {"sms", "call"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """Tell this one over the first hop; the others are for when it fails for good."""

    recipient_kind: str  # contact user desk operator platform
    recipient_id: str | None
    recipient: str
    hops: tuple[Hop, ...]
    reason: RouteReason
    language: str = "zh"

    @property
    def reaches_somebody(self) -> bool:
        """A desk that nobody watches is told for the record only."""
        return self.reason is not RouteReason.DUTY_DESK or self.hops[0].address == "armed"


def route(
    targets: Iterable[Target], roster: Roster, *, alternate: bool = False
) -> tuple[Telling, ...]:
    """The tellings of one step, each once, in the order of its targets.

    `alternate` turns the order of everybody's channels round, so that a repeat does not knock
    at the same dead door.
    """
    seen: set[tuple[str | None, str, str]] = set()
    result: list[Telling] = []
    for target in targets:
        for telling in _of_target(target, roster, alternate):
            key = (telling.recipient_id, telling.hops[0].channel, telling.hops[0].address)
            if key not in seen:
                seen.add(key)
                result.append(telling)
    return tuple(result)


def nobody_reached(tellings: Sequence[Telling]) -> bool:
    """True when a step is empty: then the next one is due at once."""
    return not any(telling.reaches_somebody for telling in tellings)


def _of_target(target: Target, roster: Roster, alternate: bool) -> Iterator[Telling]:
    if target.who == "desk":
        yield from _desk(roster, alternate)
    elif target.who == "operator":
        if roster.has_operator:
            yield Telling(
                recipient_kind="operator",
                recipient_id=None,
                recipient="operator",
                hops=(Hop(channel="operator"),),
                reason=RouteReason.OPERATOR,
            )
    elif target.who == "webhooks":
        for hop in roster.webhooks:
            yield Telling(
                recipient_kind="platform",
                recipient_id=hop.address,
                recipient="webhook",
                hops=(hop,),
                reason=RouteReason.CITY_PLATFORM,
            )
    else:
        for person, kind, reason in _people(target.who, roster):
            yield from _tell(person, kind, reason, target.by, roster, alternate)


def _desk(roster: Roster, alternate: bool) -> Iterator[Telling]:
    address = "armed" if roster.desk_armed else "unwatched"
    yield Telling(
        recipient_kind="desk",
        recipient_id="desk",
        recipient="duty desk",
        hops=(Hop(channel="console", address=address),),
        reason=RouteReason.DUTY_DESK,
    )
    if not roster.desk_armed:
        for person in roster.on_call:
            yield from _tell(person, "user", RouteReason.DESK_UNWATCHED, "call", roster, alternate)


def _people(who: str, roster: Roster) -> Iterator[tuple[Person, str, RouteReason]]:
    contacts = sorted(roster.contacts, key=lambda person: person.rank)
    ranks = sorted({person.rank for person in contacts})
    if who == "contacts":
        for person in contacts:
            first = bool(ranks) and person.rank == ranks[0]
            reason = RouteReason.FIRST_CONTACT if first else RouteReason.EMERGENCY_CONTACT
            yield person, "contact", reason
    elif who in ("first_contact", "second_contact", "later_contacts"):
        wanted = {"first_contact": ranks[:1], "second_contact": ranks[1:2]}.get(who, ranks[2:])
        reason = (
            RouteReason.FIRST_CONTACT if who == "first_contact" else RouteReason.EMERGENCY_CONTACT
        )
        for person in contacts:
            if person.rank in wanted:
                yield person, "contact", reason
    else:
        single = {
            "responsible_visitor": (roster.responsible_visitor, RouteReason.RESPONSIBLE_VISITOR),
            "assigned_visitor": (roster.assigned_visitor, RouteReason.ASSIGNED_VISITOR),
            "owner": (roster.owner, RouteReason.OWNER),
        }
        if who in single:
            person_or_none, reason = single[who]
            if person_or_none is not None:
                yield person_or_none, "user", reason
            return
        people, reason = {
            "on_call": (roster.on_call, RouteReason.ON_CALL),
            "supervisors": (roster.supervisors, RouteReason.SUPERVISOR),
        }[who]
        for person in people:
            yield person, "user", reason


def _tell(
    person: Person, kind: str, reason: RouteReason, by: By, roster: Roster, alternate: bool
) -> Iterator[Telling]:
    messages = [hop for hop in person.hops if hop.channel != "call"]
    calls = [hop for hop in person.hops if hop.channel == "call"]
    if person.phone:
        if "sms" in roster.phone_channels and not any(hop.channel == "sms" for hop in messages):
            messages.append(Hop(channel="sms", address=person.phone))
        if "call" in roster.phone_channels and not calls:
            calls.append(Hop(channel="call", address=person.phone))
    if alternate:
        messages.reverse()
        calls.reverse()
    if person.answered:
        if by == "call":
            return
        calls = []  # not as a fall-back either: they said that they know
    orders = {
        "message": ([*messages, *calls],),
        "call": ([*calls, *messages],),
        "all": ([*messages, *calls], [*calls, *messages]),
    }[by]
    for hops in orders:
        if hops:
            yield Telling(
                recipient_kind=kind,
                recipient_id=person.id,
                recipient=person.name,
                hops=tuple(hops),
                reason=reason,
                language=person.language,
            )
