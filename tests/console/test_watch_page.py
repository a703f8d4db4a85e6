"""The watch page: nearest first, why the rest is not watched, and what a meter can do."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerting.detectors import adaptive, fixed
from alerting.detectors.habit import HOUR_S, HOURS
from alerting.detectors.meter import Grade
from alerting.detectors.view import seconds
from alerting.tables import Check, ReadingRow
from alerting.vigilance import UNABLE_GRADES
from alerting.watchlist.listing import SHOWN
from alerting.watchlist.standing import Mark, Standing
from console.limit_chart import draw_fixed, draw_habit
from console.meterfile import recognised
from console.texts import catalogue, words
from console.watch_bar import LAST, WIDTH, bar_of
from console.why import figures
from tests.console.support import Reader, reader, words_of
from tests.detection.test_adaptive import settled
from tests.stories.test_quiet_home import known_home, stands_still
from tests.stories.test_watch_list import another_home, home_that_is_heard
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")


def marked(*limits: tuple[str, int, int, bool], begun: int = 1000) -> Standing:
    return Standing(
        verdict="watched", begun=begun, used_at=begun, marks=tuple(Mark(*one) for one in limits)
    )


def test_the_bar_ends_at_the_last_limit_and_never_beyond_the_drawing() -> None:
    stands = marked(("check", 4000, 5000, False), ("incident", 8000, 9000, False))
    bar = bar_of(stands, 3000)
    assert bar is not None
    assert [(one.opens, one.x) for one in bar.places] == [
        ("check", LAST / 2),
        ("incident", LAST),
    ]
    assert bar.filled == LAST / 4
    late = bar_of(stands, 10**6)
    assert late is not None
    assert late.filled == WIDTH
    assert bar_of(Standing(verdict="silent"), 3000) is None


def test_the_limits_of_a_day_are_those_of_the_detector() -> None:
    home = settled(days=60)
    home.lives(9 / 24)
    chart = draw_habit(home.habit, adaptive.PRESETS["adaptive"], seconds(home.now), "+00:00")
    assert [curve.opens for curve in chart.curves] == ["check", "incident"]
    assert 0 < len(chart.columns) <= HOURS
    assert all(curve.path.count("H") == HOURS for curve in chart.curves)
    assert chart.then_s > 0
    flat = draw_fixed(fixed.PRESETS["fixed-12h-24h-10l"], seconds(home.now), "+00:00")
    assert len({curve.path for curve in flat.curves}) == 2
    assert flat.columns == ()


def test_interval_and_pulse_are_recognised_from_stored_readings() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=ZONE)
    readings = [(now - timedelta(hours=ago), 9 - ago // 5 * 0.01) for ago in range(150)]
    meter = recognised(readings, now)
    assert (meter.every_s, meter.pulse_dl) == (HOUR_S, 100)
    assert recognised([], now).every_s == 0


class Case:
    def __init__(self, kind: str, **facts: object) -> None:
        self.kind, self.facts = kind, dict(facts)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            Case("no_water_use", since="2026-03-10T02:00:00+08:00", longest_s=7200, limit_s=18000),
            ["10 小时", "2 小时", "5 小时"],
        ),
        (Case("no_water_use", since=None, idle_s=46800, window_h=12), ["13 小时", "12 小时"]),
        (
            Case("tap_left_on", since="2026-03-10T08:00:00+08:00", litres_per_hour=240, litres=720),
            ["240 升", "4 小时", "720 升"],
        ),
        (Case("leak", since="2026-03-09T12:00:00+08:00", litres=310), ["310 升", "1 天"]),
        (
            Case("leak", since="2026-03-09T12:00:00+08:00", litres=2400, limit_l=2000),
            ["2,400 升", "2,000 升"],
        ),
        (Case("leak"), []),
        (Case("cannot_assess", reason="register_jumped"), []),
        (Case("no_water_use", since="nonsense"), ["0 秒"]),
    ],
)
def test_the_figures_behind_a_case(case: Case, said: list[str]) -> None:
    until = datetime(2026, 3, 10, 12, tzinfo=ZONE)
    found = figures(case.kind, case.facts, until, words("zh"), ZONE)
    assert [figure.value for figure in found] == said


def test_every_rule_grade_and_reason_has_its_words() -> None:
    known = set(catalogue())
    whys = "silent offline never stale off doubted register_silent no_reading rule_changed no_meter"
    names = {f"watch_why.{why}" for why in (*whys.split(), *UNABLE_GRADES)}
    names |= {f"watch_grade.{one}" for one in Grade}
    names |= {f"meter_rule.{rule}" for rule in (*adaptive.PRESETS, *fixed.PRESETS)}
    names |= {f"watch.{part}_{show}" for part in ("show", "none") for show in SHOWN}
    assert names - known == set()


async def opened(world: World, path: str) -> str:
    return words_of(await reader(world, world.admin).open(path))


async def test_a_row_leads_to_the_check_that_runs_and_says_until_when(world: World) -> None:
    await another_home(world, "2")
    now = world.clock.now()
    async with world.services.db.transaction() as session:
        asked = {"state": "asking", "opened_at": now, "until": now + timedelta(minutes=10)}
        where = {"subject": "home:x", "device_id": "water-2", "due_at": now + timedelta(minutes=4)}
        what = {"purpose": "wellbeing", "kind": "no_water_use"}
        session.add(Check(id="check-1", **what, **asked, **where))
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.open("/watch")
    until = (now + timedelta(minutes=10)).astimezone(ZONE).strftime("%H:%M")
    assert f"问安到 {until}" in words_of(page) and 'href="/checks/check-1"' in page
    device = await officer.open("/devices/water-2")
    assert 'href="/checks/check-1"' in device and "正在问安" in words_of(device)
    assert "看护中" in words_of(await officer.open("/watch?cursor=rubbish")), "the first page"


async def test_the_page_shows_the_nearest_home_first_and_when_its_limit_comes(
    world: World,
) -> None:
    _, past = await home_that_is_heard(world)
    await another_home(world, "2")
    await stands_still(world, past, 3)
    html = await reader(world, world.admin).open("/watch")
    assert html.index("watch-water-1") < html.index("watch-water-2")
    said = words_of(html)
    for part in ("李演示", "演示路 1 号", "3 小时 20 分", "到线", "报警", "看护中 2 户"):
        assert part in said, part
    assert html.count('class="watch-bar"') == 2
    part = await reader(world, world.admin).open("/watch/rows")
    assert part.lstrip().startswith("<nav"), "counts and rows alone"


@pytest.mark.parametrize(
    ("show", "said"),
    [
        ("silent", "所有水表都有消息"),
        ("learning", "没有正在了解的家庭"),
        ("away", "没有暂停看护的家庭"),
        ("unable", "独居，没有水表"),
        ("nonsense", "没有看护中的水表"),
    ],
)
async def test_every_section_has_its_words(world: World, show: str, said: str) -> None:
    await world.elder("无表老人")
    assert said in await opened(world, f"/watch?show={show}")


async def test_a_visitor_has_no_watch_list(world: World) -> None:
    visitor = await world.sign_in("chen", role="visitor")
    for path in ("/watch", "/watch/rows", "/watch/export.csv"):
        await reader(world, visitor).open(path, status=403)


async def test_a_home_past_its_limit_leads_to_the_case(world: World) -> None:
    _, past = await home_that_is_heard(world)
    await stands_still(world, past, 12)
    incident = await world.incident()
    html = await reader(world, world.admin).open("/watch")
    assert f'href="/incidents/{incident["id"]}"' in html
    assert "事件处理中" in words_of(html)


async def test_a_meter_s_page_says_what_it_can_do(world: World) -> None:
    await home_that_is_heard(world)
    await world.admin.sign_in()
    said = await opened(world, "/devices/water-1")
    assert "这块表能做到什么" in said
    assert "看得细：用本户自己的规则" in said
    assert "小时内发现" in said
    assert "单为这块表设的" in said
    english = Reader(world, world.admin.token)
    english.http.cookies.set("anju_language", "en")
    assert "set for this meter" in words_of(await english.open("/devices/water-1"))


async def test_a_meter_under_the_default_rule_is_recognised_from_its_readings(
    world: World,
) -> None:
    elder = await world.elder()
    await world.device("water-9", "water_meter", home_id=elder["home_id"])
    async with world.services.db.transaction() as session:
        session.add_all(
            ReadingRow(
                device_id="water-9",
                register="water_total",
                at=world.clock.now() - timedelta(hours=ago),
                value=9 - ago // 6 * 0.01,
            )
            for ago in range(1, 100)
        )
    await world.reads("water-9", 9.0)
    html = await reader(world, world.admin).open("/devices/water-9")
    said = words_of(html)
    assert "每 1 小时一次、10 升一跳" in said
    assert "最晚 13 小时内发现" in said
    assert "12 小时少于 10 升，24 小时再报一次" in said
    assert "系统默认" in said
    assert 'class="limits-incident"' in html
    assert "usage-cell" in html
    assert "这块表能做到什么" not in await opened(world, f"/devices/{await world.button(elder)}")


async def test_a_quiet_home_s_page_begins_with_the_figures(world: World) -> None:
    _, past = await known_home(world)
    async with world.services.db.transaction() as session:
        session.add_all(
            ReadingRow(
                device_id="water-1",
                register="water_total",
                at=world.clock.now() - timedelta(hours=ago),
                value=(past.litres - ago) / 1000,
            )
            for ago in range(40)
        )
    await stands_still(world, past, 12)
    incident = await world.incident()
    said = await opened(world, f"/incidents/{incident['id']}")
    assert said.index("为什么报警") < said.index("平时此时最长") < said.index("本户报警线")
