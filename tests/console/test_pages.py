"""Every page, as people without scripts get it: in both languages, with what they need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, insert

from care.tables import Elder, Home, User
from console.queue import quick_share
from devices.event import Message
from tests.console.support import reader, words_of
from tests.support.clock import ManualClock
from tests.support.world import World


async def town(world: World) -> dict[str, Any]:
    """A home with two residents, an SOS, a smoke alarm, a flat battery and an unknown device."""
    elder = await world.elder("李桂英", contacts=2, health="听力弱", access="钥匙在邻居处")
    await world.admin.post("elders", {"name": "张福生", "home_id": elder["home_id"]})
    await world.button(elder)
    await world.device("smoke-1", "smoke_detector", home_id=elder["home_id"], room="厨房")
    await world.press()
    await world.event("smoke-1", "smoke")
    await world.event("smoke-1", "battery_low", data={"battery_pct": 4})
    await world.event("btn-stranger", "sos")
    await world.hears("anju/v1/btn-1/event", b"{broken")
    return elder


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_opens_in_both_languages(world: World, language: str) -> None:
    elder = await town(world)
    officer = reader(world, await world.sign_in("wang", language=language[:2]))
    incidents = await world.incidents()
    assert len(incidents) >= 4
    paths = [
        "/desk",
        "/desk?show=open",
        "/desk?show=technical",
        "/desk?show=nonsense",
        "/desk/queue?show=all",
        "/elders",
        f"/elders/{elder['id']}",
        "/devices",
        "/devices?show=look",
        "/devices?tab=unknown",
        "/devices?tab=quarantine",
        "/devices/register?source=native&child=btn-stranger",
        "/search?q=李",
        "/search?q=",
        *(f"/incidents/{one['id']}" for one in incidents),
    ]
    for path in paths:
        html = await officer.open(path)
        assert f'<html lang="{language}"' in html or path.startswith("/desk/queue")


async def test_a_shared_device_names_everybody_who_lives_there(world: World) -> None:
    await town(world)
    smoke = await world.incident(kind="smoke")
    desk = await reader(world, await world.sign_in("wang")).open("/desk")
    row = words_of(desk.partition(f'id="row-{smoke["id"]}"')[2].partition("</li>")[0])
    assert "李桂英" in row and "张福生" in row
    sos = next(one for one in await world.incidents(kind="sos") if one["elder_id"])
    worn = words_of(desk.partition(f'id="row-{sos["id"]}"')[2].partition("</li>")[0])
    assert "李桂英" in worn and "张福生" not in worn, "the button is hers alone"
    case = await reader(world, world.admin).open(f"/incidents/{smoke['id']}")
    assert "钥匙在邻居处" in case
    assert "tel:+8613900000000" in case


async def test_the_top_line_says_what_comes_next(world: World) -> None:
    await world.phone_channels()
    await world.press(await world.button(await world.elder(contacts=2)))
    incident = await world.incident()
    said = words_of(await reader(world, world.admin).open(f"/incidents/{incident['id']}"))
    assert "还没有人接单。 01:00 后打电话给第二联系人、值班手机。" in said
    assert "短信" in said, "what the contact was told by"


async def test_the_queue_asks_the_database_as_often_for_two_hundred_as_for_two(
    world: World,
) -> None:
    officer = reader(world, await world.sign_in("wang"))
    statements: list[str] = []

    @event.listens_for(world.services.db.engine.sync_engine, "before_cursor_execute")
    def _count(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    await _presses(world, 0, 2)
    await officer.open("/desk")
    statements.clear()
    await officer.open("/desk")
    few = len(statements)
    await _presses(world, 2, 200)
    statements.clear()
    html = await officer.open("/desk")
    assert html.count('class="row ') == 200
    assert len(statements) == few


async def _presses(world: World, first: int, last: int) -> None:
    """Elders with a pressed button each; written straight to the tables, which is quicker."""
    now = world.clock.now()
    numbers = range(first, last)
    async with world.services.db.transaction() as session:
        homes = [{"id": f"home-{n}", "address": "", "created_at": now} for n in numbers]
        await session.execute(insert(Home), homes)
        elders = [
            {"id": f"eld-{n}", "name": "李", "home_id": f"home-{n}", "created_at": now}
            for n in numbers
        ]
        await session.execute(insert(Elder), elders)
    for number in numbers:
        await world.button({"id": f"eld-{number}"}, f"btn-{number}")
    presses = [
        Message(
            topic=f"anju/v1/btn-{number}/event",
            payload=json.dumps({"id": f"press-{number}", "kind": "sos"}).encode(),
            received_at=now,
        )
        for number in numbers
    ]
    await world.hear_all(presses, "urgent")


@pytest.mark.parametrize(
    ("taken_after_s", "age_s", "share"),
    [
        ([], [], None),
        ([59], [300], 100),
        ([60], [300], 100),
        ([61], [300], 0),
        ([30, None], [300, 300], 50),
        ([30, None], [300, 20], 100),
        ([None], [20], None),
    ],
)
def test_quickness_counts_what_was_taken_within_a_minute(
    clock: ManualClock, taken_after_s: list[int | None], age_s: list[int], share: int | None
) -> None:
    now = clock.now()
    pairs = []
    for taken, age in zip(taken_after_s, age_s, strict=True):
        opened = now - timedelta(seconds=age)
        pairs.append((opened, None if taken is None else opened + timedelta(seconds=taken)))
    assert quick_share(pairs, now) == share


async def test_an_unknown_device_is_registered_to_an_elder_from_the_inbox(world: World) -> None:
    elder = await world.elder("李桂英")
    await world.event("btn-stranger", "sos")
    officer = reader(world, await world.sign_in("wang"))
    inbox = await officer.open("/devices?tab=unknown")
    assert "btn-stranger" in inbox
    done = await officer.submit(
        "/devices/register?source=native&child=btn-stranger&q=李桂英",
        "/devices/register",
        elder_id=elder["id"],
        role="sos_button",
        room="卧室",
    )
    assert "密码只显示这一次" in done
    device = await world.admin.get("devices/btn-stranger")
    assert (device["elder_id"], device["room"]) == (elder["id"], "卧室")
    assert "btn-stranger" not in await officer.open("/devices?tab=unknown")


async def test_a_registration_that_is_refused_keeps_what_was_typed(world: World) -> None:
    elder = await world.elder("李桂英")
    await world.button(elder, "btn-1")
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.submit(
        "/devices/register?source=native&child=&q=李桂英",
        "/devices/register",
        409,
        elder_id=elder["id"],
        role="watch",
        id="btn-1",
        room="客厅",
    )
    assert 'value="客厅"' in page


async def test_an_elders_absence_is_set_from_the_file(world: World) -> None:
    elder = await world.elder("李桂英")
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.submit(
        f"/elders/{elder['id']}", "/status", status="hospital", review_at="2026-03-05T09:00"
    )
    assert "住院" in words_of(page)
    stored = await world.admin.get(f"elders/{elder['id']}")
    assert stored["status"] == "hospital"
    assert stored["status_review_at"].startswith("2026-03-05T01:00")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "找不到这个页面"),
        ("/incidents/inc-none", 404, "找不到这个页面"),
        ("/devices?tab=unknown&cursor=nonsense", 422, "还差一点"),
    ],
)
async def test_an_error_is_a_page_with_a_way_on(
    world: World, path: str, status: int, words: str
) -> None:
    page = await reader(world, await world.sign_in("wang")).open(path, status)
    assert words in page
    assert 'href="/"' in page


async def test_programs_still_get_problem_details(world: World) -> None:
    answer = await reader(world).http.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_database_that_is_away_is_said_kindly(world: World) -> None:
    officer = reader(world, await world.sign_in("wang"))
    with database_away(world):
        page = await officer.open("/desk", 503)
        assert "数据库暂时连不上" in page
        assert 'http-equiv="refresh"' in page, "it tries again by itself"
        answer = await officer.http.post("/preferences", data={"theme": "dark"})
        assert answer.status_code == 503
        assert "没有保存" in answer.text
        assert 'http-equiv="refresh"' not in answer.text, "a form is not sent again by itself"
    await officer.open("/desk")


@contextmanager
def database_away(world: World) -> Iterator[None]:
    """SQLite's file is out of reach; PostgreSQL lets nobody in and sends everybody away."""
    address = urlsplit(world.services.db.url)
    if world.services.db.is_sqlite:
        file = Path(address.path.removeprefix("/"))
        world.services.db.engine.sync_engine.pool.dispose()
        file.rename(file.with_suffix(".hidden"))
        file.mkdir()
        yield
        file.rmdir()
        file.with_suffix(".hidden").rename(file)
        return
    host, name = parse_qs(address.query)["host"][0], address.path.removeprefix("/")
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as admin:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


async def test_the_empty_desk_is_known_to_be_calm_and_not_deaf(world: World) -> None:
    world.services.health.canary_at = world.clock.now()
    said = words_of(await reader(world, await world.sign_in("wang")).open("/desk"))
    assert "没有未处理的事件" in said
    assert "上一次自检消息到达 08:15:00" in said


async def test_what_is_wrong_with_anju_itself_is_a_band_on_the_desk(world: World) -> None:
    said = words_of(await reader(world, await world.sign_in("wang")).open("/desk"))
    assert "未设置最后保障联系人" in said


async def test_the_switch_of_language_is_kept_for_pages_and_messages(world: World) -> None:
    officer = await world.sign_in("wang")
    page = reader(world, officer)
    english = await page.submit("/devices", "/preferences", language="en")
    assert "Devices" in english and "设备" not in words_of(english)
    assert (await world.row(User, officer.id)).language == "en"
