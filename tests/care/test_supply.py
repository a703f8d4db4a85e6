"""Which meters rest for an interruption: those below its area, while it holds, unless supplied."""

from __future__ import annotations

from datetime import timedelta

import pytest

from care.supply import Cut, dry_since
from tests.support.clock import START

HOUR = timedelta(hours=1)
CUT = Cut("village", "water", START, START + 6 * HOUR)
AREAS = ("county", "village", "grid")


@pytest.mark.parametrize(
    ("hours", "role", "areas", "flowed_h", "dry"),
    [
        (1, "water_meter", AREAS, None, True),
        (0, "water_meter", AREAS, None, True),
        (-1, "water_meter", AREAS, None, False),
        (6, "water_meter", AREAS, None, False),
        (1, "water_meter", ("county", "other"), None, False),
        (1, "leak_sensor", AREAS, None, False),
        (1, "electricity_meter", AREAS, None, False),
        (1, "water_meter", AREAS, -1, True),
        (1, "water_meter", AREAS, 0.5, False),
    ],
)
def test_it_holds_here(
    hours: float, role: str, areas: tuple[str, ...], flowed_h: float | None, dry: bool
) -> None:
    flowed_at = None if flowed_h is None else START + flowed_h * HOUR
    found = dry_since((CUT,), areas, role, flowed_at, START + hours * HOUR)
    assert found == (START if dry else None)


def test_of_two_the_earlier_counts_and_an_unknown_kind_concerns_nobody() -> None:
    earlier = CUT._replace(area_id="county", begins_at=START - HOUR)
    now = START + HOUR
    assert dry_since((CUT, earlier), AREAS, "water_meter", None, now) == START - HOUR
    assert dry_since((CUT._replace(kind="gas"),), AREAS, "water_meter", None, now) is None
