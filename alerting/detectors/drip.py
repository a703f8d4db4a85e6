"""What runs though nobody uses it: the lowest flow of the last day, and what counts as use."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alerting.detectors.view import Seconds

BLOCK_S = 2 * 3600
"""Flow is averaged over so long: a drip of one pulse in two hours still shows as one."""

LONGEST_S = 7 * 3600
"""A stretch beyond that holds people's use whatever else runs: it cannot show a drip."""

BLOCKS = 12
"""A day of them. The calmest of a day is at night, when nothing but a drip runs."""

STEP_DL = 4
"""Tenths of a litre an hour that a block's byte counts by, upwards: what is not nothing is one."""

LITRE_DL = 10

Flows = Annotated[bytes, msgspec.Meta(max_length=BLOCKS)]


_BYTE = [bytes((value,)) for value in range(256)]


class Drip(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Flow of the last blocks, and where the present one began."""

    mark_at: Seconds = 0  # 0: no reading yet
    mark_dl: int = 0
    flows: Flows = b""


def pour(drip: Drip, at: int, dl: int) -> Drip:
    """Take in a trusted reading; blocks are cut at the first reading two hours after the last."""
    if not drip.mark_at:
        return Drip(at, dl, drip.flows)
    stretch = at - drip.mark_at
    if stretch < BLOCK_S:
        return drip
    if stretch > LONGEST_S:
        return Drip(at, dl, drip.flows)
    steps = -((drip.mark_dl - dl) * 3600 // (stretch * STEP_DL))
    return Drip(at, dl, drip.flows[-(BLOCKS - 1) :] + _BYTE[steps if steps < 255 else 255])


def is_use(drip: Drip, moved: int, elapsed_s: int) -> bool:
    """Whether `moved` tenths of a litre within `elapsed_s` are more than what always runs.

    At least a litre; while something always runs, a litre above one and a half times as much.
    """
    if moved < LITRE_DL:
        return False
    flows = drip.flows
    if len(flows) < BLOCKS or 0 in flows:
        return True
    return (moved - LITRE_DL) * 7200 > 3 * min(flows) * STEP_DL * elapsed_s
