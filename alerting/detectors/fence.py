"""Where the elder is, and whether that is too far from home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from alerting.detectors.hours import is_night
from alerting.detectors.view import DeviceView, Seconds, iso, late_s, moment, parameter, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices import parts
from devices.event import DeviceEvent
from devices.geodesy import distance_m, gcj02_to_wgs84
from devices.parts import attempt

KINDS = ("location",)
ROLES = frozenset({"locator", "watch"})
RULE = "left_home"
DEFAULT_FENCE_M = 300
UNSURE_M = 500
"""A fix less accurate than this (or than the fence is wide) says nothing: a cell tower's place."""

FAR_TIMES, FAR_AT_LEAST_M, SURE_M = 3, 1000, 100
"""One fix is enough when it is three fences away, at least 1 km, and known to 100 m."""

TOO_OLD_S = 2 * 3600
_MOST_M = 40_000_000  # once around the earth: bounds the size of a state

_LATITUDES = ("latitude", "lat")
_LONGITUDES = ("longitude", "lon", "lng")
_ACCURACIES = ("accuracy_m", "accuracy", "radius")


class Fence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the fixes so far showed."""

    at: Seconds = 0  # of the last fix that counted
    out_since: Seconds = 0  # of the first one outside; 0: inside, or never seen
    told: int = 0  # 1: outside, and found


class Fix(NamedTuple):
    """A place in WGS 84 degrees, and how far off it may be in metres (None: it did not say)."""

    latitude: float
    longitude: float
    accuracy_m: float | None


def on_event(
    part: Fence | None, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[Fence | None, tuple[Finding, ...]]:
    """One fix: two in a row outside the fence, or one far outside, is a finding while watched.

    Nothing without the home's own place, from the broker's memory, or older than two hours.
    """
    centre = _centre(device) if device.role in ROLES else None
    if centre is None or event.retained:
        return part, ()
    at_s, now_s = min(seconds(at), seconds(now)), seconds(now)
    fence = part or Fence()
    fix = fix_of(event.data, datum=parameter(device, RULE, "datum"))
    if fix is None or at_s <= fence.at or now_s - at_s > TOO_OLD_S:
        return part, ()
    latitude, longitude, fence_m = centre
    accuracy = fix.accuracy_m
    if accuracy is not None and accuracy > max(UNSURE_M, fence_m):
        return part, ()
    away = distance_m(latitude, longitude, fix.latitude, fix.longitude)
    if away <= fence_m:
        return _inside(fence, away, fence_m, at_s, now_s)
    if away - (accuracy or 0) <= fence_m:
        return part, ()  # perhaps inside: nothing is known
    is_far = away > max(FAR_TIMES * fence_m, FAR_AT_LEAST_M)
    is_sure = (is_far and accuracy is not None and accuracy <= SURE_M) or bool(fence.out_since)
    out = Fence(at_s, fence.out_since or at_s, fence.told)
    if fence.told or not is_sure or not is_watched(at_s, device):
        return out, ()
    facts = _facts(away, fence_m) | {
        "since": iso(out.out_since),
        "latitude": round(fix.latitude, 5),
        "longitude": round(fix.longitude, 5),
    }
    found = _finding(Sign.ROSE, "outside the home fence", facts, at_s, now_s)
    return msgspec.structs.replace(out, told=1), (found,)


def rearm(part: Fence) -> Fence:
    """Forget that it was told: the next fix outside is told again."""
    return msgspec.structs.replace(part, told=0)


def is_watched(at: Seconds, device: DeviceView) -> bool:
    """By `left_home.when`: always, at night only, or (not set) not at all."""
    when = parameter(device, RULE, "when")
    return when == "always" or (when == "night" and is_night(at, device, RULE))


def fix_of(data: Mapping[str, Any], *, datum: object = None) -> Fix | None:
    """The place in a `location` event; None for what is none: no numbers, 0,0, off the globe.

    `datum` `gcj02` (the device's rule, or the event's own word): shifted as Chinese maps are.
    """
    latitude, longitude = _first(data, _LATITUDES), _first(data, _LONGITUDES)
    if latitude is None or longitude is None or not (latitude or longitude):
        return None
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if "gcj02" in (datum, data.get("datum")):
        latitude, longitude = gcj02_to_wgs84(latitude, longitude)
    accuracy = _first(data, _ACCURACIES)
    return Fix(latitude, longitude, accuracy if accuracy is not None and accuracy >= 0 else None)


def _inside(
    fence: Fence, away: float, fence_m: float, at: int, now: int
) -> tuple[Fence, tuple[Finding, ...]]:
    back = Fence(at)
    if not fence.told:
        return back, ()
    facts = _facts(away, fence_m) | {"since": iso(fence.out_since)}
    return back, (_finding(Sign.CLEARED, "back inside the home fence", facts, at, now),)


def _centre(device: DeviceView) -> tuple[float, float, float] | None:
    """The home's latitude, longitude and fence in metres, as merged into the device's rules."""
    centre = parameter(device, RULE, "home")
    if not isinstance(centre, list | tuple) or len(centre) != 3:
        return None
    latitude, longitude, fence_m = centre
    return latitude, longitude, fence_m or DEFAULT_FENCE_M


def _facts(away: float, fence_m: float) -> dict[str, Any]:
    return {"distance_m": min(round(away), _MOST_M), "fence_m": round(fence_m)}


def _first(data: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    numbers = (attempt([], parts.number, data[name], name) for name in names if name in data)
    return next((number for number in numbers if number is not None), None)


def _finding(sign: Sign, reason: str, facts: dict[str, Any], at: int, now: int) -> Finding:
    return Finding(
        kind="left_home",
        severity=SEVERITY_OF_KIND["left_home"],
        sign=sign,
        at=moment(at),
        reason=reason,
        facts=facts,
        late_s=late_s(at, now),
    )
