"""Until when somebody is away, and the forms that say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.away import LEAST_LEFT, choices, until_of
from core.errors import InvalidInput
from tests.console.support import forms_of, reader, words_of
from tests.support.world import World

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """A local time of Shanghai, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-01T08:00", ["03-01 23:00", "03-02 21:00", "03-04 21:00", "03-08 21:00"]),
        ("2026-03-01T22:00", ["03-01 23:00", "03-02 21:00", "03-04 21:00", "03-08 21:00"]),
        ("2026-03-01T22:01", ["03-02 21:00", "03-04 21:00", "03-08 21:00"]),
        ("2026-03-01T00:30", ["03-01 23:00", "03-02 21:00", "03-04 21:00", "03-08 21:00"]),
    ],
)
def test_the_choices_are_evenings_of_the_home_s_own_zone(now: str, expected: list[str]) -> None:
    offered = choices(at(now), SHANGHAI)
    assert [one.astimezone(SHANGHAI).strftime("%m-%d %H:%M") for _, one in offered] == expected
    assert all(until - at(now) >= LEAST_LEFT for _, until in offered)
    for name, until in offered:
        assert until_of(name, "", at(now), SHANGHAI) == until


@pytest.mark.parametrize(
    ("choice", "day", "field"),
    [
        ("tonight", "", "back"),  # it is too late for that
        ("for ever", "", "back"),
        ("date", "", "day"),
        ("date", "2026-02-30", "day"),
        ("date", "2026-02-28", "day"),
        ("date", "0001-01-01", "day"),
        ("date", "9999-12-31T00:00", "day"),
    ],
)
def test_what_is_no_day_to_come_is_refused(choice: str, day: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        until_of(choice, day, at("2026-03-01T22:30"), SHANGHAI)
    assert refusal.value.field == field


def test_a_day_that_was_picked_ends_in_its_evening() -> None:
    assert until_of("date", "2026-03-05", at("2026-03-01T22:30"), SHANGHAI) == at(
        "2026-03-05T21:00"
    )


async def test_the_form_says_what_is_wrong_with_a_date_and_keeps_the_status(world: World) -> None:
    elder = await world.elder("李桂英")
    officer = reader(world, await world.sign_in("wang"))
    path = f"/elders/{elder['id']}"
    for wrong in ("2020-01-01T00:00", "2099-01-01T00:00", "0001-01-01T00:00", "soon"):
        page = await officer.submit(
            path, "/status", 422, status="away", review_at=wrong, text="去女儿家"
        )
        form = next(one for one in forms_of(page) if one.action.endswith("/status"))
        kept = {"status": "away", "review_at": wrong, "text": "去女儿家"}
        assert kept.items() <= form.fields.items(), "what was typed is kept"
        field = page.partition('name="review_at"')[2].partition("</label>")[0]
        assert 'aria-invalid="true"' in field and 'id="wrong-status-review_at"' in field
    assert "没有这个选项" in words_of(await officer.submit(path, "/status", 422, status="x"))
    assert "照护规则已暂停" not in await officer.open(path)
    page = await officer.submit(path, "/status", status="away", review_at="", text="去女儿家")
    said = words_of(page)
    assert (
        "现状已保存" in said
        and "照护规则已暂停到" in said
        and "去女儿家" in said
        and "wang设置（工作人员）" in said
    )
    until = (await world.admin.get(f"elders/{elder['id']}"))["status_review_at"]
    assert datetime.fromisoformat(until) == world.clock.now() + timedelta(days=3)
    page = words_of(await officer.submit(path, "/status", status="home"))
    assert "照护规则已暂停" not in page and "去女儿家" in page, "the history stays"


async def test_a_day_that_is_over_is_asked_again(world: World) -> None:
    await world.phone_channels()
    elder = await world.elder("李桂英")
    await world.device("leak-1", "leak_sensor", home_id=elder["home_id"])
    await world.event("leak-1", "leak")
    await world.settle()
    path = "/a/" + world.sms_to(1)[0].text.split("/a/")[1].split()[0]
    daughter = reader(world)
    await daughter.submit(path, path, answer="will_go")
    for fields in (
        {"back": "date", "day": "2020-01-01"},
        {"back": "date", "day": "2099-01-01"},
        {"back": "x"},
        {},
    ):
        answer = await daughter.http.post(f"{path}/away", data=fields)
        assert answer.status_code == 422 and "请选今天以后" in answer.text
    assert (await world.admin.get(f"elders/{elder['id']}"))["status"] == "home"
    gone = await daughter.http.post("/a/ntc-1.00000000000000000000000000000000/away", data={})
    assert gone.status_code == 404


async def test_everybody_who_is_not_at_home_is_listed_for_the_desk_alone(world: World) -> None:
    elder = await world.elder("李桂英")
    body = {"status": "moved", "status_review_at": "2026-03-02T00:00:00Z", "status_text": "去苏州"}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=body)
    officer = await world.sign_in("wang")
    assert "即将到期" in words_of(await reader(world, officer).open("/absences"))
    world.clock.advance(hours=25)
    officer = await world.sign_in("zhao")
    listed = words_of(await reader(world, officer).open("/absences"))
    assert "已过复核时间" in listed and "去苏州" in listed and "管理员" in listed
    assert "1 人的现状待复核" in await reader(world, officer).open("/desk")
    page = words_of(await reader(world, officer).open(f"/elders/{elder['id']}"))
    assert "已过复核时间，请确认" in page
    visitor = await world.sign_in("chen", role="visitor")
    await reader(world, visitor).open("/absences", 403)
