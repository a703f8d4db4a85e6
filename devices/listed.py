"""A bridge limited to its registered children: what it says for others is refused, but alarms."""

from __future__ import annotations

from collections.abc import Container

import msgspec

from devices.event import LIFE_SAFETY_KINDS, Confidence, Decoded


def of_listed(decoded: Decoded, listed: Container[str]) -> Decoded:
    """`decoded` without what it says for children that are not `listed`.

    They stay `heard`, so that they appear among the unknown devices, and the message is set aside
    as `not_listed`. An alarm is never dropped: it opens an unconfirmed incident.
    """
    events = tuple(
        event
        if event.child_id in listed
        else msgspec.structs.replace(event, confidence=Confidence.UNCONFIRMED)
        for event in decoded.events
        if event.child_id in listed or event.kind in LIFE_SAFETY_KINDS
    )
    readings = tuple(one for one in decoded.readings if one.child_id in listed)
    presences = tuple(p for p in decoded.presences if p.child_id is None or p.child_id in listed)
    named = [event.child_id for event in decoded.events]
    named += [reading.child_id for reading in decoded.readings]
    named += [one.child_id for one in decoded.presences if one.child_id is not None]
    strangers = {child for child in (*named, *decoded.heard) if child not in listed}
    if not strangers:
        return decoded
    return msgspec.structs.replace(
        decoded,
        events=events,
        readings=readings,
        presences=presences,
        heard=tuple(dict.fromkeys((*decoded.heard, *sorted(strangers)))),
        quarantined=decoded.quarantined or "not_listed",
    )
