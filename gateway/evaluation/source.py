"""Where an evaluation takes its homes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.evaluation.home import Home


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Homes one after the other, to be gone through once; a home without readings is none."""

    homes: Iterable[Home]
    count: int  # of homes at most: for the progress bar
    without_value: int = 0  # rows that held no reading
    sorted_homes: int = 0  # homes whose rows were not in the order of their times
