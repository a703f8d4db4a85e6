"""A home's own course, whatever a rule makes of it: when water was used, and when it was not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from alerting.detectors import drip as drip_
from alerting.detectors.drip import Drip


@dataclass(frozen=True, slots=True)
class Course:
    """Times in seconds of every reading that counts; readings that went back do not."""

    times: list[int]
    uses: list[int]  # times of use, the first reading among them

    def gap(self, at: int) -> tuple[int, int | None]:
        """The no-use gap around `at`: last use at or before it, and the next; None: still runs."""
        number = bisect_right(self.uses, at) - 1
        after = self.uses[number + 1] if number + 1 < len(self.uses) else None
        return self.uses[max(number, 0)], after


def course_of(readings: Iterable[tuple[int, int]]) -> Course:
    """What is known of a home once everything is. `readings`: (seconds, tenths of a litre)."""
    times: list[int] = []
    uses: list[int] = []
    drip, last = Drip(), 0
    for at, dl in readings:
        if times and (at <= times[-1] or dl < last):
            continue
        moved = dl - last if times else 0
        if not times or (moved and drip_.is_use(drip, moved, at - times[-1])):
            uses.append(at)
        drip = drip_.pour(drip, at, dl)
        times.append(at)
        last = dl
    return Course(times, uses)
