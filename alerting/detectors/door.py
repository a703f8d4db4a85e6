"""A door that opens at night, in the home of somebody who may lose their way."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerting.detectors.hours import is_night
from alerting.detectors.view import DeviceView, Seconds, iso, late_s, parameter, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import DeviceEvent

KINDS = ("door_open", "door_closed")
RULE = "left_home"
TOO_OLD_S = 2 * 3600


class Door(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How the door stands, since when."""

    at: Seconds = 0
    is_open: int = 0


def on_event(
    part: Door | None, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[Door | None, tuple[Finding, ...]]:
    """Opening at night is a finding where leaving home is watched; by day it is only recorded.

    A door that closes again clears nothing: nobody knows on which side the elder is. A contact
    that re-states "open" with every message is news once.
    """
    if device.role != "door_contact" or event.retained:
        return part, ()
    door, at_s, now_s = part or Door(), min(seconds(at), seconds(now)), seconds(now)
    if at_s < door.at:
        return part, ()
    is_open = int(event.kind == "door_open")
    if door.at and is_open == door.is_open:
        return part, ()
    stands = Door(at_s, is_open)
    is_watched = parameter(device, RULE, "when") in ("always", "night")
    if not (is_open and is_watched) or now_s - at_s > TOO_OLD_S:
        return stands, ()
    if not is_night(at_s, device, RULE):
        return stands, ()
    found = Finding(
        kind="left_home",
        severity=SEVERITY_OF_KIND["left_home"],
        sign=Sign.ROSE,
        at=at,
        reason="the door was opened at night",
        facts={"door": "opened", "since": iso(at_s)},
        confidence=event.confidence,
        late_s=late_s(at_s, now_s),
    )
    return stands, (found,)
