"""Use that no person makes: equal volumes at equal intervals, day and night. A pump, a softener."""

from __future__ import annotations

from math import gcd
from typing import Any

import msgspec

from alerting.detectors.view import Seconds, iso

DAY_S = 86_400
USES = 12
LEAST_DL = 30
"""Smaller uses are drips: a register shows an even drip as equal steps at equal intervals too."""

HOLE_S = 3 * 3600
"""What moved across a longer stretch has no time of its own."""

HUMAN_AGAIN_S = 48 * 3600

_USED_MOST, _STEP_MOST, _COUNT_MOST = 65_535, 9_999, 9_999


class Machine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The use that runs, and the row of equal ones before it; tenths of a litre.

    A use is everything between two readings that showed none: what never pauses is a drip.
    """

    began_at: Seconds = 0  # of the use that runs, or of the last one
    used_dl: int = 0  # in the use that runs; 0: none does
    last_at: Seconds = 0  # the last one of the row; 0: no row
    every_s: Seconds = 0  # from one to the next; 0: there was only one
    each_dl: int = 0
    count: int = 0
    since: Seconds = 0  # the first one of the row; while found: of the uses by a person
    odd_at: Seconds = 0  # while found: the last use by a person
    on: int = 0  # 1: found
    step_dl: int = 0  # what all movements of this register are multiples of


def begin(machine: Machine) -> Machine:
    """A line of readings begins: another row too, and what was found stands."""
    if not machine.on:
        return Machine()
    return msgspec.structs.replace(machine, used_dl=0, step_dl=0)


def pour(machine: Machine, at: int, moved: int, span_s: int) -> Machine:
    """Take in a trusted reading: what moved since the one before it, and how long that was."""
    if not moved:
        return _ended(machine, span_s) if machine.used_dl else machine
    row, step = machine, machine.step_dl
    if not step or moved % step:
        step = min(gcd(step, moved), _STEP_MOST)
    if span_s > HOLE_S and not machine.on:
        row = Machine()
    used = row.used_dl + moved
    return Machine(
        row.began_at if row.used_dl else at,
        used if used < _USED_MOST else _USED_MOST,
        row.last_at,
        row.every_s,
        row.each_dl,
        row.count,
        row.since,
        row.odd_at,
        row.on,
        step,
    )


def is_row(machine: Machine) -> bool:
    """Whether the equal uses were enough, and went on through a day and a night."""
    return (
        machine.count >= USES
        and machine.last_at - machine.since >= DAY_S
        and machine.each_dl >= 2 * machine.step_dl
    )


def found(machine: Machine) -> Machine:
    """From now on uses are told apart; the interval is the mean of the row's."""
    every_s = (machine.last_at - machine.since) // (machine.count - 1)
    return msgspec.structs.replace(machine, every_s=every_s, on=1, since=0, odd_at=0)


def explains(machine: Machine, span_s: int) -> bool:
    """Whether the use that runs is the machine's, as far as it is known. Only while found."""
    return machine.used_dl * 10 <= machine.each_dl * 11 and _is_due(machine, span_s)


def is_over(machine: Machine, at: int) -> bool:
    """Whether people have used water for two days, or the machine has not. Only while found."""
    if machine.since and machine.odd_at - machine.since >= HUMAN_AGAIN_S:
        return True
    return at - machine.last_at >= HUMAN_AGAIN_S


def facts(machine: Machine) -> dict[str, Any]:
    """The figures of the row."""
    return {
        "reason": "machine_like",
        "since": iso(machine.since),
        "uses": machine.count,
        "litres": machine.each_dl / 10,
        "every_s": (machine.last_at - machine.since) // (machine.count - 1),
    }


def _is_due(machine: Machine, span_s: int) -> bool:
    off = (machine.began_at - machine.last_at) % machine.every_s
    return min(off, machine.every_s - off) <= max(machine.every_s // 10, span_s)


def _ended(machine: Machine, span_s: int) -> Machine:
    """A reading without movement ends the use that ran."""
    at, used, step = machine.began_at, machine.used_dl, machine.step_dl
    alike = abs(used - machine.each_dl) * 10 <= machine.each_dl
    if machine.on:
        if alike and _is_due(machine, span_s):
            return msgspec.structs.replace(machine, used_dl=0, last_at=at)
        goes_on = machine.since and at - machine.odd_at <= DAY_S
        since = machine.since if goes_on else at
        return msgspec.structs.replace(machine, used_dl=0, since=since, odd_at=at)
    passed = at - machine.last_at
    off = abs(passed - machine.every_s) if machine.every_s else 0
    if not alike or used < LEAST_DL or off > max(machine.every_s // 10, span_s):
        return Machine(at, 0, at, 0, used, 1, at, step_dl=step)
    every_s = machine.every_s or passed
    count = min(machine.count + 1, _COUNT_MOST)
    return Machine(at, 0, at, every_s, machine.each_dl, count, machine.since, step_dl=step)
