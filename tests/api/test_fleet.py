"""The fleet over REST: counts, the export, whom nothing watches; by area, and safe to open."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from alerting.fleet.export import headings
from care.model import UserRole
from care.tables import Device, Supervision
from tests.support.api import Caller, World


async def village(world: World, admin: Caller, name: str, *, buttons: int = 1) -> dict[str, Any]:
    area = await admin.made("areas", {"name": name, "level": "village"})
    elder = await admin.made(
        "elders", {"name": f"=HYPERLINK({name})", "area_id": area["id"], "phone": "+8613800138000"}
    )
    for number in range(buttons):
        await admin.made(
            "devices",
            {"id": f"btn-{name}-{number}", "family": "native", "role": "sos_button"}
            | {"elder_id": elder["id"], "room": "-卧室"},
        )
    return {"area": area["id"], "elder": elder["id"]}


async def test_counts_are_the_callers_area_and_what_the_filters_show(
    world: World, admin: Caller
) -> None:
    north = await village(world, admin, "north", buttons=3)
    await village(world, admin, "south")
    await world.hears("anju/v1/btn-north-0/event", {"id": "1", "kind": "heartbeat"})
    await world.hears(
        "anju/v1/btn-north-1/telemetry",
        {"readings": [{"register": "battery_pct", "value": 9, "unit": "%"}]},
    )
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=north["area"])
    seen = await officer.read("fleet")
    assert seen["counts"]["all"] == 3
    assert (seen["counts"]["never"], seen["counts"]["low_battery"]) == (1, 1)
    assert [area["area_name"] for area in seen["areas"]] == ["north"]
    whole = await admin.read("fleet")
    assert whole["counts"]["all"] == sum(area["counts"]["all"] for area in whole["areas"]) == 4


async def exported(caller: Caller, kind: str, **filters: str) -> list[list[Any]]:
    query = "&".join(f"{key}={value}" for key, value in filters.items())
    answer = await caller.request("GET", f"devices/export?format={kind}&{query}")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    if kind == "csv":
        assert answer.content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(answer.content))
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_an_export_has_chinese_headings_and_no_cell_is_a_formula(
    world: World, admin: Caller, kind: str
) -> None:
    await village(world, admin, "north", buttons=2)
    rows = await exported(admin, kind)
    assert rows[0] == headings("zh")
    assert [row[0] for row in rows[1:]] == ["btn-north-0", "btn-north-1"]
    assert rows[1][1:5] == ["呼叫按钮", "'-卧室", "'=HYPERLINK(north)", "'+8613800138000"]
    assert rows[1][11] == "从未上线"
    assert len(await exported(admin, kind, show="low_battery")) == 1
    assert len(await exported(admin, kind, q="north-1")) == 2


async def test_an_export_speaks_the_readers_language(world: World, admin: Caller) -> None:
    await village(world, admin, "north", buttons=1)
    path, english = "devices/export?format=csv", {"Accept-Language": "en-GB"}
    answer = await admin.request("GET", path, headers=english)
    heading, first = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert heading == headings("en")
    assert (first[1], first[11]) == ("SOS button", "never online")


async def test_a_filter_or_format_that_nobody_knows_is_refused(admin: Caller) -> None:
    for query in ("format=pdf", "show=broken", "colour=red"):
        assert (await admin.request("GET", f"devices/export?{query}")).status_code == 422


async def test_tests_are_due_a_month_after_the_last_press(world: World, admin: Caller) -> None:
    await village(world, admin, "north", buttons=2)
    world.clock.advance(hours=24 * 32)
    admin = await world.sign_in(UserRole.SUPERVISOR)
    await world.hears("anju/v1/btn-north-0/event", {"id": "1", "kind": "test"})
    counts = (await admin.read("fleet"))["counts"]
    assert (counts["test_due"], counts["untested"]) == (1, 2)
    device = await admin.read("devices/btn-north-0")
    assert device["tested_at"] is not None
    assert device["supervisable"] is True
    async with world.services.db.transaction() as session:
        await session.execute(update(Device).values(in_service_at=world.clock.now()))
    counts = (await admin.read("fleet"))["counts"]
    assert (counts["test_due"], counts["untested"], counts["in_service"]) == (0, 0, 2)


async def test_whom_nothing_watches_is_listed_for_those_who_may_see_them(
    world: World, admin: Caller
) -> None:
    north = await village(world, admin, "north")
    south = await village(world, admin, "south")
    now = world.clock.now()
    lost = [{"device_id": "b", "role": "watch", "room": None, "why": "silent", "since": None}]
    async with world.services.db.transaction() as session:
        for number, side in enumerate((north, south)):
            session.add(
                Supervision(
                    elder_id=side["elder"],
                    since=now - timedelta(hours=number),
                    due_at=now + timedelta(hours=12),
                    data={"hours": 24, "extreme": None, "lost": lost},
                )
            )
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=north["area"])
    (row,) = (await officer.read("supervision"))["items"]
    assert (row["elder_id"], row["hours"], row["lost"]) == (north["elder"], 24, lost)
    everybody = (await admin.read("supervision"))["items"]
    assert [row["elder_id"] for row in everybody] == [south["elder"], north["elder"]]
    assert (await admin.read("fleet"))["unsupervised"] == 2


async def test_only_those_who_lead_switch_the_weather_alert(world: World, admin: Caller) -> None:
    area = (await village(world, admin, "north"))["area"]
    change = {"alert_until": "2026-03-03T00:00:00Z", "alert_reason": "台风"}
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=area)
    assert (await officer.patch(f"areas/{area}", change)).status_code == 403
    supervisor = await world.sign_in(UserRole.SUPERVISOR, area_id=area)
    answer = await supervisor.patch(f"areas/{area}", change)
    assert answer.status_code == 200, answer.text
    assert answer.json()["alert_until"] == "2026-03-03T00:00:00Z"
    ended = (await supervisor.patch(f"areas/{area}", {"alert_until": None})).json()
    assert ended["alert_until"] is None
