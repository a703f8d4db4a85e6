"""A tap left on: so much water for so long that nobody can be using it."""

from __future__ import annotations

from typing import Any

import msgspec

from alerting.detectors.view import DeviceView, Seconds, iso, parameter

FLOW_DL_PER_HOUR = 1200
"""120 L an hour, in tenths of a litre: above dish washing and showers taken over an hour."""

HOUR_S = 3600 - 300
"""Shortest stretch that is judged as an hour: hourly readings jitter by a few minutes."""

LONG_ENOUGH_S = 3 * HOUR_S
"""Three hours, less that jitter. It may be a collapse in the shower."""

LONGEST_S = 5400  # longest stretch whose mean still says something about its every hour


RUN_MAX_S = 86_400  # a run is not measured beyond a day: bounds the size of a state


class Tap(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the present hour began, and how long every hour before it had an open tap's flow."""

    mark_at: Seconds = 0  # 0: no reading yet
    mark_dl: int = 0
    run_s: Seconds = 0  # up to the mark; 0: the last hour had less
    run_dl: int = 0  # what flowed in it
    on: int = 0  # 1: found, and not closed since


def pour(tap: Tap, at: int, dl: int) -> Tap:
    """Take in a trusted reading. Hours are cut at the first reading 55 min or more after the last.

    A stretch longer than 90 min never counts towards the three hours, whatever flowed in it: only
    hourly evidence does. Less flow than an open tap's over any stretch means it was closed.
    """
    if not tap.mark_at:
        return Tap(at, dl, on=tap.on)
    stretch = at - tap.mark_at
    if stretch < HOUR_S:
        return tap
    flowed = dl - tap.mark_dl
    if flowed * 3600 < FLOW_DL_PER_HOUR * stretch:
        return Tap(at, dl)
    if stretch > LONGEST_S:
        return Tap(at, dl, on=tap.on)
    if tap.run_s >= RUN_MAX_S:
        return Tap(at, dl, tap.run_s, tap.run_dl, tap.on)
    return Tap(at, dl, tap.run_s + stretch, tap.run_dl + flowed, tap.on)


def left_on(tap: Tap) -> bool:
    """Whether the present run is long enough to be found."""
    return tap.run_s >= LONG_ENOUGH_S


def is_wanted(device: DeviceView) -> bool:
    return bool(parameter(device, "tap_left_on", "preset") != "off")


def facts(tap: Tap) -> dict[str, Any]:
    """The figures of the present run."""
    return {
        "since": iso(tap.mark_at - tap.run_s),
        "hours": round(tap.run_s / 3600, 4),
        "litres": tap.run_dl / 10,
        "litres_per_hour": tap.run_dl * 360 // tap.run_s,
    }
