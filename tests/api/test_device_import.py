"""Many devices at once over REST: every row judged, good ones stored, nothing stored twice."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from care.model import UserRole
from tests.api.town import Town, build
from tests.support.api import Caller, World

HEAD = "设备编号,类型,接入源,设备地址,用途,老人,老人电话,住户,房间,型号"
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def town(world: World) -> Town:
    return await build(world)


async def send(caller: Caller, *rows: str, query: str = "", **headers: str) -> Any:
    body = "\n".join([HEAD, *rows]).encode()
    return await caller.request(
        "POST", f"devices/import{query}", content=body, headers=CSV | headers
    )


async def verdicts(caller: Caller, *rows: str, query: str = "") -> list[tuple[int, str]]:
    answer = await send(caller, *rows, query=query)
    assert answer.status_code == 200, answer.text
    return [(row["row"], row["verdict"]) for row in answer.json()["rows"]]


GOOD = (
    "btn-9,直连,,,呼叫按钮,李桂兰,,,卧室,",
    "smoke-9,zigbee2mqtt,村网关,0x00158d0000000909,烟感,,,桥头 3 号,客厅,GS361A",
    "stock-9,native,,,water_meter,,,,,",
)


async def test_good_rows_are_registered_once_and_wrong_ones_are_told(town: Town) -> None:
    admin = town.admin
    wrong = "x-1,直连,,,烟雾器,李桂兰,,,,"
    assert await verdicts(admin, *GOOD, wrong, query="?dry_run=true") == [
        (2, "new"),
        (3, "new"),
        (4, "new"),
        (5, "wrong"),
    ]
    assert (await admin.get("devices/btn-9")).status_code == 404, "a dry run changes nothing"

    answer = (await send(admin, *GOOD, wrong)).json()
    assert answer["counts"] == {"imported": 3, "new": 0, "there": 0, "wrong": 1, "example": 0}
    first, second, _, last = answer["rows"]
    assert first["mqtt"]["username"] == "btn-9" and first["mqtt"]["password"]
    assert second["mqtt"] is None, "its bridge has the account"
    (problem,) = last["problems"]
    assert (last["row"], problem["column"], problem["value"]) == (5, "用途", "烟雾器")
    assert problem["why"] == "没有这种用途" and "烟感" in problem["right"]

    button = await admin.read("devices/btn-9")
    assert (button["elder_id"], button["room"]) == (town.ids["elder_id"], "卧室")
    smoke = await admin.read("devices/smoke-9")
    assert (smoke["home_id"], smoke["model"]) == (town.ids["home_id"], "GS361A")
    assert (smoke["source_id"], smoke["in_service_at"]) == (town.ids["source_id"], None)
    assert (await admin.read("devices/stock-9"))["home_id"] is None

    again = (await send(admin, *GOOD, wrong)).json()
    assert again["counts"] == {"imported": 0, "new": 0, "there": 3, "wrong": 1, "example": 0}
    assert all(row["mqtt"] is None for row in again["rows"])


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ("a,zigbee2mqtt,镇网关,0x1,烟感,,,,,", "source", "村网关"),
        ("a,tasmota,村网关,0x1,烟感,,,,,", "family", "zigbee2mqtt"),
        ("a,,,,烟感,无此人,,,,", "elder", "老人编号"),
        ("a,,,,烟感,李桂兰,13811112222,,,", "elder", "桥头 3 号"),
        ("a,,,,烟感,,,桥头 9 号,,", "home", "完全一致"),
        ("btn-1,,,,烟感,李桂兰,,,,", "id", "设备页面"),
        ("a,zigbee2mqtt,村网关,0x00158d0000000001,烟感,,,,,", "child_id", "更换"),
    ],
)
async def test_each_mistake_says_what_would_be_right(
    town: Town, row: str, field: str, said: str
) -> None:
    (found,) = (await send(town.admin, row)).json()["rows"]
    (problem,) = found["problems"]
    assert problem["field"] == field and said in problem["right"], problem
    english = await send(town.admin, row, **{"Accept-Language": "en"})
    text = english.json()["rows"][0]["problems"][0]
    assert text["why"].isascii(), text


async def test_two_elders_of_one_name_are_told_apart_by_telephone_or_address(town: Town) -> None:
    for number in (1, 2):
        await town.admin.made(
            "elders",
            {"name": "张伟", "phone": f"1390000000{number}", "address": f"河西路 {number} 号"},
        )
    (row,) = (await send(town.admin, "a,,,,烟感,张伟,,,,")).json()["rows"]
    assert "河西路 1 号" in row["problems"][0]["right"]
    assert await verdicts(town.admin, "a,,,,烟感,张伟,+86 139 0000 0001,,,") == [(2, "imported")]
    assert await verdicts(town.admin, "b,,,,烟感,张伟,,河西路 2 号,,") == [(2, "imported")]


async def test_rows_are_judged_as_far_as_the_caller_may_see(world: World, town: Town) -> None:
    other = await town.admin.made("areas", {"name": "邻村", "level": "village"})
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=other["id"])
    (row,) = (await send(officer, "a,,,,呼叫按钮,李桂兰,,,,")).json()["rows"]
    assert row["problems"][0]["field"] == "elder"
    (row,) = (await send(officer, "btn-1,,,,呼叫按钮,,,,,")).json()["rows"]
    assert row["problems"][0]["why"] == "这个编号已被别处使用"
    visitor = await world.sign_in(UserRole.VISITOR)
    assert (await send(visitor, GOOD[0])).status_code == 403


async def test_a_file_in_a_form_and_the_result_as_a_table(town: Town) -> None:
    files = {"file": ("d.csv", "\n".join([HEAD, *GOOD, "=1+1,,,,x,,,,,"]).encode("gbk"))}
    answer = await town.admin.request(
        "POST", "devices/import", files=files, headers={"Accept": "text/csv"}
    )
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["结果"] for row in table] == ["已导入", "已导入", "已导入", "有误"]
    assert table[0]["MQTT 用户名"] == "btn-9" and table[0]["MQTT 密码"]
    assert table[3]["设备编号"] == "'=1+1", "no formula comes back to a spreadsheet program"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"PK\x03\x04", 422), (b"\xff\xfe\x00", 422), (b"x" * (7 * 2**20), 413)],
)
async def test_a_file_that_cannot_be_read_is_one_clear_refusal(
    town: Town, body: bytes, status: int
) -> None:
    answer = await town.admin.request("POST", "devices/import", content=body, headers=CSV)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    missing = await town.admin.request("POST", "devices/import", files={"other": b"x"})
    assert missing.status_code == 422, missing.text


async def test_a_label_leads_to_the_installation_of_its_device(town: Town) -> None:
    answer = await town.admin.get("devices/btn-1/label.svg")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/svg+xml"
    assert "btn-1" in answer.text and "呼叫按钮" in answer.text and "<script" not in answer.text
    assert (await town.admin.get("devices/nobody/label.svg")).status_code == 404
