"""Does anything still watch over an elder? One verdict from the state of their devices. Pure.

What one device can notice says `alerting/vigilance.py`; here it is joined with whether it is heard,
and with what else is there for the same elder.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from alerting.check import awake_at
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.view import moment
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.vigilance import NOTICES, Unable, Vigilance
from devices.event import LIFE_SAFETY_ROLES

METER_ROLES = frozenset(REGISTERS)
COUNTED_ROLES = LIFE_SAFETY_ROLES | METER_ROLES | {"bed_sensor"}
"""What watches over a person: what calls for help (by hand or by itself), and what notices that
a day goes by without a life in it. A door, a plug, a leak or a motion sensor raises nothing for
somebody on the floor, and a health monitor speaks only when somebody measures: none of them
counts, however well it works."""

NOTICE = timedelta(minutes=30)
"""Nobody is sent sooner after we noticed: devices may be on their way back after an outage."""


class Why(StrEnum):
    """What is the matter with a device, as far as it watches over somebody."""

    WORKS = "works"
    SILENT = "silent"
    BRIDGE_LOST = "bridge_lost"
    CANNOT_ASSESS = "cannot_assess"  # a meter whose register stopped, or cannot be trusted
    OUT_OF_SERVICE = "out_of_service"
    NEVER_SPOKE = "never_spoke"
    UNSUPERVISABLE = "unsupervisable"
    RULE_OFF = "rule_off"  # it would notice, and people chose that it does not
    COARSE_STEPS = "coarse_steps"
    TOO_RARE = "too_rare"
    LEARNING = "learning"
    NO_BASE_LOAD = "no_base_load"


IDLE = frozenset(Why(one) for one in Unable if one is not Unable.CANNOT_ASSESS)
"""What speaks and notices nothing, by choice or by make (docs/adr/0027). It watches over nobody;
and as it never did, it cannot be lost: it is shown, and nobody is sent because of it."""

NEVER_COUNT = frozenset({Why.NEVER_SPOKE, Why.UNSUPERVISABLE}) | IDLE
"""What cannot be lost. A device that never spoke never watched (`never_online` is about it). One
whose silence means nothing is no proof that anybody is watched, not even just after it spoke; and
an elder who has nothing else was never supervised: that is a label on the fleet page, not a task
that nobody could ever end."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One device that is there for an elder."""

    device_id: str
    role: str
    why: Why
    room: str | None = None
    lost_at: datetime | None = None  # since when it watches no more, as far as known
    slow_s: int = 0  # of one that works: it tells only after so long, at the latest


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a device, as far as its standing needs it. Times are UTC."""

    id: str
    role: str
    room: str | None
    active: bool
    last_heard_at: datetime | None
    silent_after: datetime | None  # None: already judged silent, or its silence means nothing
    online: bool | None
    retired_at: datetime | None = None
    bridge_lost_at: datetime | None = None  # None: its bridge is there, or it has none
    vigilance: Vigilance = NOTICES  # what it can notice under the rules in force


def standing(device: Device, now: datetime) -> Standing:
    """How a device stands, and since when it is lost."""
    why, lost_at = _standing(device, now)
    eyes = device.vigilance
    return Standing(
        device_id=device.id,
        role=device.role,
        room=device.room,
        why=why,
        lost_at=lost_at,
        slow_s=eyes.at_most_s if why is Why.WORKS and eyes.is_slow else 0,
    )


def _standing(device: Device, now: datetime) -> tuple[Why, datetime | None]:
    heard, unable = device.last_heard_at, device.vigilance.unable
    if heard is None:
        return Why.NEVER_SPOKE, None
    if unable is not None and unable is not Unable.CANNOT_ASSESS:
        return Why(unable.value), None
    if not device.active:
        return Why.OUT_OF_SERVICE, device.retired_at or heard
    if device.silent_after is None:
        return (Why.SILENT, heard) if device.online is False else (Why.UNSUPERVISABLE, None)
    if device.bridge_lost_at is not None:
        return Why.BRIDGE_LOST, max(heard, device.bridge_lost_at)
    if device.online is False or device.silent_after <= now:
        return Why.SILENT, heard
    if unable is not None:
        since = device.vigilance.since
        return Why.CANNOT_ASSESS, moment(since) if since else heard
    return Why.WORKS, None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is set when nothing watches any more; `lost` is what did, last lost first.

    `idle`: what is there and notices nothing.
    """

    what: str  # watched, unwatched; idle: only what notices nothing; never_watched: nothing at all
    since: datetime | None = None
    lost: tuple[Standing, ...] = ()
    idle: tuple[Standing, ...] = ()
    slow_s: int = 0  # watched, but told only after so long: only slow meters work


def judge(devices: Sequence[Standing]) -> Verdict:
    """Is somebody watched? By any one device that works."""
    counted = [one for one in devices if one.role in COUNTED_ROLES]
    working = [one for one in counted if one.why is Why.WORKS]
    if working:
        return Verdict(what="watched", slow_s=min(one.slow_s for one in working))
    idle = tuple(sorted((o for o in counted if o.why in IDLE), key=lambda one: one.device_id))
    lost = [(one.lost_at, one) for one in counted if one.lost_at is not None]
    if not lost:
        return Verdict(what="idle" if idle else "never_watched", idle=idle)
    lost.sort(key=lambda pair: (pair[0], pair[1].device_id), reverse=True)
    return Verdict(
        what="unwatched", since=lost[0][0], lost=tuple(one for _, one in lost), idle=idle
    )


def due_at(since: datetime, hours: int, noticed_at: datetime) -> datetime:
    """When people must be sent: so many hours after the last device was lost."""
    return max(since + timedelta(hours=hours), noticed_at + NOTICE)


def is_late_news(verdict: Verdict, hours: int, noticed_at: datetime) -> bool:
    """Whether the time was up before anybody could know: a device that notices nothing has stood
    for one that watches, until its rule was switched off, or Anju learnt to tell them apart."""
    since = verdict.since
    return bool(verdict.idle) and since is not None and since + timedelta(hours=hours) <= noticed_at


def due_of_late_news(hours: int, noticed_at: datetime, zone: ZoneInfo) -> datetime:
    """When people must be sent then: their whole time from now on, and not at night. Hundreds of
    homes may come to light at once, and people are to see why before anybody is called."""
    return awake_at(noticed_at + timedelta(hours=hours), zone)


def unsupervised(verdict: Verdict, hours: int, extreme: str | None, now: datetime) -> Finding:
    """The task for people. `extreme`: why it is sooner than usual (a key of wording), if it is."""
    since = verdict.since or now
    facts: dict[str, Any] = {
        "since": since.isoformat(),
        "silent_s": int((now - since).total_seconds()),
        "hours": hours,
        "lost": lost_as_facts((*verdict.lost, *verdict.idle)),
    }
    if extreme:
        facts["extreme"] = extreme
    return Finding(
        kind="unsupervised",
        severity=SEVERITY_OF_KIND["unsupervised"],
        sign=Sign.ROSE,
        at=now,
        reason=f"nothing watches for {hours} h",
        facts=facts,
    )


def supervised_again(now: datetime) -> Finding:
    """Something watches again: the condition ends, the case stays people's."""
    return Finding(
        kind="unsupervised",
        severity=SEVERITY_OF_KIND["unsupervised"],
        sign=Sign.CLEARED,
        at=now,
        reason="a device works again",
    )


def lost_as_facts(lost: Sequence[Standing]) -> list[dict[str, Any]]:
    """JSON-able; times RFC 3339."""
    return [
        {
            "device_id": one.device_id,
            "role": one.role,
            "room": one.room,
            "why": one.why.value,
            "since": one.lost_at.isoformat() if one.lost_at else None,
        }
        for one in lost
    ]


class Share(msgspec.Struct, frozen=True):
    """Homes of an area or a source: how many have devices that count, how many none that works."""

    homes: int
    silent: int

    def is_mass(self, share: float, homes: int) -> bool:
        return self.silent >= homes and self.silent >= share * self.homes
