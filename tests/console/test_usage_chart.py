"""The picture of a quiet home: hours from readings, the gap, the limit, the alarm."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.tables import ReadingRow
from alerting.usage import HOURS, by_hour
from console.usage_chart import DAYS, LEFT, WIDTH, draw, shade
from tests.console.support import reader, words_of
from tests.stories.test_quiet_home import known_home, stands_still
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 12, tzinfo=ZONE)


def hours_before(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


def litres(readings: list[tuple[float, float]], days: int = 1) -> dict[int, float | None]:
    """Hour of the last day → litres, of readings given as (hours before noon, litres)."""
    found = by_hour([(hours_before(ago), at / 1000) for ago, at in readings], ZONE, NOON, days)
    return dict(enumerate(found[-1].litres))


def test_a_difference_belongs_to_the_hour_it_was_used_in() -> None:
    found = litres([(3, 100), (2, 112), (1, 112), (0, 115)])
    assert {hour: round(found[hour] or 0, 3) for hour in (9, 10, 11)} == {9: 12, 10: 0, 11: 3}
    assert found[8] is None
    assert found[12] is None, "the future"


def test_an_outage_is_unknown_and_not_a_zero() -> None:
    found = litres([(9, 100), (5, 140), (4, 150)])
    assert all(found[hour] is None for hour in (3, 4, 5, 6))
    assert found[7] == pytest.approx(10)


@pytest.mark.parametrize("later", [90.0, 10_000_000.0])
def test_a_register_that_went_back_or_jumped_tells_nothing(later: float) -> None:
    assert litres([(2, 100), (1, later)])[10] is None


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2026, 1, 1), datetime(2026, 4, 1)), st.floats(0, 9)),
        max_size=30,
    ),
    st.integers(1, 40),
)
def test_any_readings_give_whole_days_and_no_more_water_than_flowed(
    drawn: list[tuple[datetime, float]], days: int
) -> None:
    readings = [(at.replace(tzinfo=ZONE), value) for at, value in drawn]
    found = by_hour(readings, ZONE, NOON, days)
    assert len(found) == days
    assert found[-1].day == NOON.date()
    assert all(len(use.litres) == HOURS for use in found)
    values = [value for _, value in readings] or [0.0]
    shown = sum(value or 0 for use in found for value in use.litres)
    assert shown <= (max(values) - min(values)) * 1000 * max(len(values) - 1, 1) + 1e-6


def test_a_day_of_a_clock_change_is_drawn_like_any_other() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    until = datetime(2026, 3, 29, 23, tzinfo=madrid)  # 02:00 to 03:00 do not exist that day
    end = until.astimezone(UTC)
    readings = [(end - timedelta(hours=ago), 1.0 - ago / 1000) for ago in range(22)]
    (use,) = by_hour(readings, madrid, until, 1)
    assert use.day == date(2026, 3, 29)
    assert use.litres[2] is None


@pytest.mark.parametrize(
    ("used", "name"), [(None, "unknown"), (0.0, "use-0"), (1.0, "use-1"), (500.0, "use-4")]
)
def test_the_shade_of_an_hour(used: float | None, name: str) -> None:
    assert shade(used) == name


def test_a_gap_over_midnight_is_framed_on_both_days() -> None:
    uses = by_hour([(hours_before(20), 1.0), (hours_before(19), 1.0)], ZONE, NOON, DAYS)
    facts = {"since": hours_before(16).isoformat(), "limit_s": 14 * 3600}
    chart = draw(uses, facts, [("opened", hours_before(1))], NOON, ZONE)
    assert len(chart.cells) == DAYS * HOURS - 12, "the afternoon is still to come"
    assert chart.gap_label is not None
    assert chart.gap_s == 16 * 3600
    before, after = chart.gap
    assert before.x + before.width == pytest.approx(LEFT + WIDTH), "to midnight"
    assert after.x == LEFT
    assert after.width == pytest.approx(WIDTH / 2), "from midnight to noon"
    assert after.y > before.y
    (limit,), (opened,) = chart.marks, chart.dots
    assert limit.name == "incident"
    assert limit.x < opened.x < after.x + after.width


async def test_the_page_of_a_quiet_home_shows_what_it_is_about(world: World) -> None:
    _, past = await known_home(world)
    async with world.services.db.transaction() as session:
        session.add_all(
            ReadingRow(
                device_id="water-1",
                register="water_total",
                at=world.clock.now() - timedelta(hours=ago),
                value=(past.litres - ago) / 1000,
            )
            for ago in range(400)
        )
    await stands_still(world, past, 12)
    incident = await world.incident()
    html = await reader(world, world.admin).open(f"/incidents/{incident['id']}")
    assert html.count('class="usage-gap"') >= 2, "in the picture and in its legend"
    assert 'class="usage-incident"' in html
    assert "过去 35 天每小时用水" in words_of(html)


async def test_a_case_about_something_else_has_no_such_picture(world: World) -> None:
    await world.press(await world.button(await world.elder()))
    incident = await world.incident()
    html = await reader(world, world.admin).open(f"/incidents/{incident['id']}")
    assert "usage" not in html
