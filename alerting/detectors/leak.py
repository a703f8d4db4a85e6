"""Water that never stops, and too much of it within a day, from a meter's hours."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from alerting.detectors.tap import HOUR_S, LONGEST_S
from alerting.detectors.view import DeviceView, Seconds, iso, parameter

LITRE_DL = 10
DAY_S = 86_400
LONG_ENOUGH_S = DAY_S - 600
"""A day of hours without a pause, less what readings jitter by."""

RUN_MAX_S = 99 * DAY_S  # a run is not measured beyond: bounds the size of a state
RUN_MAX_DL = 100 * 24 * 50_000

BLOCK_S = 3 * HOUR_S
"""Volume is summed in blocks of three hours: a day of eight."""

_BLOCK_BYTES = 2  # length in ten minutes, volume in ten litres
_BLOCKS_MOST = 8
_UNIT_S, _UNIT_DL, _MOST = 600, 100, 255

DAY_M3, DAY_LEAST_M3, DAY_MOST_M3 = 2.0, 0.4, 1000
"""More within 24 h is not what one household uses; and what may be set in its place."""
_DAY_DL, _DAY_LEAST_DL = round(DAY_M3 * 10_000), round(DAY_LEAST_M3 * 10_000)

COARSE_STEP_DL = 100
"""A register that counts in steps of 10 L or more: one step in an hour may be a drop of it."""

FLOWS, FLOODS, AGAIN = 1, 2, 4
"""What was found: no hour without use for a day; too much in a day. AGAIN: to be found anew after
another such day, because a case was closed though nobody saw the elder."""

Blocks = Annotated[bytes, msgspec.Meta(max_length=_BLOCK_BYTES * _BLOCKS_MOST)]


class Leak(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The hours since the last calm one, and the blocks of the last day."""

    block_at: Seconds = 0  # where the present block began; 0: no reading yet
    block_dl: int = 0
    blocks: Blocks = b""
    run_s: Seconds = 0  # hours in a row with at least a litre each
    run_dl: int = 0  # what flowed in them
    low_dl: int = 0  # the least of them, tenths of a litre an hour
    on: int = 0  # FLOWS, FLOODS, AGAIN


def begin(leak: Leak, at: int, dl: int) -> Leak:
    """A line of readings begins; what was found stands until an hour is seen to be calm."""
    return Leak(at, dl, on=leak.on)


def pour(leak: Leak, stretch_s: int, flowed: int, at: int, dl: int) -> Leak:
    """Take in one hour, as the tap's hours are cut: at the first reading 55 min after the last.

    Less than a litre: a calm hour, nothing runs. Stretches beyond 90 min say nothing about their
    every hour: the run begins anew, and what was found stands. So a meter that reports every two
    hours or less often finds no leak of this kind, whatever flows in it.
    """
    block_at, block_dl, blocks = leak.block_at, leak.block_dl, leak.blocks
    calm = flowed < LITRE_DL
    if at - block_at >= BLOCK_S:
        block_at, block_dl, blocks = _cut(blocks, block_at, block_dl, at, dl)
    elif calm and not (leak.run_s or leak.on):
        return leak
    if calm or stretch_s > LONGEST_S:
        on = leak.on & FLOODS if calm else leak.on
        if not leak.run_s and on == leak.on and block_at == leak.block_at:
            return leak
        return Leak(block_at, block_dl, blocks, on=on)
    run_s, run_dl, low_dl = leak.run_s + stretch_s, leak.run_dl + flowed, leak.low_dl
    rate = flowed * 3600 // stretch_s
    if rate < low_dl or not leak.run_s:
        low_dl = rate
    if run_s > RUN_MAX_S:
        run_s, run_dl = leak.run_s, leak.run_dl
    return Leak(block_at, block_dl, blocks, run_s, run_dl, low_dl, leak.on)


def never_calm(leak: Leak, step_dl: int) -> bool:
    """Whether every hour of a day is known to have had a litre.

    `step_dl` is what the register counts in: of a coarse one two steps an hour are needed, for
    one may have been all but full before.
    """
    if leak.run_s < LONG_ENOUGH_S:
        return False
    return step_dl < COARSE_STEP_DL or leak.low_dl >= 2 * step_dl


def is_much(leak: Leak) -> bool:
    """Whether so much flowed that `is_flood` is worth asking, whatever limit is set."""
    return sum(leak.blocks[1::_BLOCK_BYTES]) * _UNIT_DL > _DAY_LEAST_DL


def is_flood(leak: Leak, limit_dl: int) -> bool:
    """Whether more than `limit_dl` flowed within the last day."""
    most = sum(leak.blocks[1::_BLOCK_BYTES]) * _UNIT_DL  # of however long they are
    return most > limit_dl and day_dl(leak)[0] > limit_dl


def day_dl(leak: Leak) -> tuple[int, int]:
    """What flowed within the last day, in tenths of a litre, and in how many seconds, by whole
    blocks; never more than truly flowed."""
    blocks = leak.blocks
    units = volume = 0
    for index in range(len(blocks) - _BLOCK_BYTES, -1, -_BLOCK_BYTES):
        if (units + blocks[index]) * _UNIT_S > DAY_S:
            break
        units += blocks[index]
        volume += blocks[index + 1]
    return volume * _UNIT_DL, units * _UNIT_S


def most_dl(device: DeviceView) -> int:
    """The most that may flow in a day (`leak.day_m3`), in tenths of a litre."""
    cubic = parameter(device, "leak", "day_m3")
    if cubic is None:
        return _DAY_DL
    is_number = isinstance(cubic, int | float) and not isinstance(cubic, bool)
    return round((cubic if is_number and DAY_LEAST_M3 <= cubic <= DAY_MOST_M3 else DAY_M3) * 10_000)


def is_wanted(device: DeviceView) -> bool:
    return bool(parameter(device, "leak", "preset") != "off")


def facts(leak: Leak, mark_at: int) -> dict[str, Any]:
    """The figures of hours without a pause up to `mark_at`; litres are those of a day."""
    return {
        "reason": "never_calm",
        "since": iso(mark_at - leak.run_s),
        "hours": round(leak.run_s / 3600, 1),
        "lowest_l": leak.low_dl / 10,
        "litres": leak.run_dl * DAY_S // leak.run_s / 10,
    }


def flood_facts(leak: Leak, limit_dl: int) -> dict[str, Any]:
    """The figures of too much within a day."""
    flowed, span = day_dl(leak)
    return {
        "reason": "volume",
        "since": iso(leak.block_at - span),
        "litres": flowed / 10,
        "limit_l": limit_dl / 10,
    }


def again(leak: Leak) -> Leak:
    """Found anew after another day without a calm hour."""
    if not leak.on & FLOWS:
        return leak
    return Leak(leak.block_at, leak.block_dl, leak.blocks, on=leak.on | AGAIN)


def is_whole(leak: Leak) -> bool:
    """Whether no stored block is cut in two."""
    return len(leak.blocks) % _BLOCK_BYTES == 0


def _cut(blocks: bytes, block_at: int, block_dl: int, at: int, dl: int) -> tuple[int, int, bytes]:
    """The block ends here; what is less than ten litres is left to the next."""
    length = at - block_at
    if not block_at or length > DAY_S:
        return at, dl, b""
    units, volume = (length + _UNIT_S // 2) // _UNIT_S, min((dl - block_dl) // _UNIT_DL, _MOST)
    kept = blocks[-_BLOCK_BYTES * (_BLOCKS_MOST - 1) :]
    return at, block_dl + volume * _UNIT_DL, kept + bytes((units, volume))
