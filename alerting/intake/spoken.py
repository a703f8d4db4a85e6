"""Who speaks in a message, out of which allowance, and a message without what some of them said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace as with_fields

from msgspec.structs import replace

from alerting.intake.heard import Child, Heard
from devices.event import CLEARING_KINDS, EVENT_KINDS, LIFE_SAFETY_KINDS, Decoded, DeviceEvent

UNREADABLE = "unreadable"
"""What may hide an alarm: a message nobody can read, a word that nobody knows."""

NOBODY = ""
"""Stands for whoever sends what cannot be read and does not say who they are."""

_QUIET = frozenset({"heartbeat", "motion", "no_motion", *CLEARING_KINDS})
READINGS = ""


def speakers(batch: Iterable[Heard]) -> Iterator[Child]:
    """Everybody who said something in a batch, as often as they did."""
    for heard in batch:
        yield from spoken(heard)


def one_each_first(batch: Sequence[Heard]) -> tuple[list[Heard], list[Heard]]:
    """The first alarm of every device, and the rest: nobody's first press waits for another's
    twentieth. What one device said stays in its order."""
    first: list[Heard] = []
    rest: list[Heard] = []
    seen: set[Child] = set()
    for heard in batch:
        children = set(spoken(heard))
        (rest if children & seen else first).append(heard)
        seen |= children
    return first, rest


def spoken(heard: Heard) -> dict[Child, list[str]]:
    """Who speaks in a message, and out of which allowances it may be taken."""
    source_id, decoded = heard.source_id, heard.decoded
    found: dict[Child, list[str]] = {}
    for event in decoded.events:
        found.setdefault((source_id, event.child_id), []).append(_slot(event))
    for child_id in _others(decoded):
        found.setdefault((source_id, child_id), [READINGS])
    if decoded.culprit is not None:
        found.setdefault((source_id, decoded.culprit), [UNREADABLE])
    if not found and decoded.quarantined is not None:
        found[source_id, NOBODY] = [READINGS]
    return found


def _others(decoded: Decoded) -> Iterator[str]:
    for reading in decoded.readings:
        yield reading.child_id
    for presence in decoded.presences:
        if presence.child_id is not None:
            yield presence.child_id
    yield from decoded.heard


def _slot(event: DeviceEvent) -> str:
    if event.kind in _QUIET:
        return READINGS
    return event.kind if event.kind in EVENT_KINDS else UNREADABLE


def is_alarm(slot: str) -> bool:
    return slot in LIFE_SAFETY_KINDS or slot == UNREADABLE


def without(heard: Heard, children: set[Child]) -> Heard | None:
    """The message without what some of its devices said; None when nothing is left of it."""
    gone = {child_id for _, child_id in children}
    decoded = heard.decoded
    speaker = decoded.culprit or NOBODY
    rest = replace(
        decoded,
        events=tuple(e for e in decoded.events if e.child_id not in gone),
        readings=tuple(r for r in decoded.readings if r.child_id not in gone),
        presences=tuple(p for p in decoded.presences if p.child_id not in gone),
        heard=tuple(child_id for child_id in decoded.heard if child_id not in gone),
        quarantined=None if speaker in gone else decoded.quarantined,
        culprit=None if speaker in gone else decoded.culprit,
    )
    is_left = rest.events or rest.readings or rest.presences or rest.heard or rest.inventory
    if not (is_left or rest.quarantined):
        return None
    return _with(heard, rest)


def only_of(heard: Heard, child: Child) -> Heard:
    """What one device said in a message."""
    others = {other for other in spoken(heard) if other != child}
    return (without(heard, others) or heard) if others else heard


def _with(heard: Heard, decoded: Decoded) -> Heard:
    return with_fields(heard, decoded=decoded)
