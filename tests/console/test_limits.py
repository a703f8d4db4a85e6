"""The form of an elder's limits: what is set, what is left to the default, what is refused."""

from __future__ import annotations

from typing import Any

from tests.console.support import forms_of, reader, words_of
from tests.support.world import World


async def test_limits_are_set_on_the_elders_page_and_shown_there(world: World) -> None:
    elder = await world.elder("李桂英")
    officer = reader(world, await world.sign_in("wang"))
    path = f"/elders/{elder['id']}"
    typed: dict[str, Any] = {
        "heart_rate_high": "120",
        "minutes": "45",
        "bed_from": "23:00",
        "when": "night",
    }
    place: dict[str, Any] = {"latitude": "23.13", "longitude": "113.26", "fence_m": "400"}
    page = words_of(await officer.submit(path, "/limits", **typed, **place))
    stored = await world.admin.get(f"elders/{elder['id']}")
    assert stored["rules"] == {
        "vitals": {"heart_rate": [50, 120]},
        "out_of_bed": {"from": "23:00", "minutes": 45},
        "left_home": {"when": "night"},
    }
    home = await world.admin.get(f"homes/{elder['home_id']}")
    assert (home["latitude"], home["longitude"], home["fence_m"]) == (23.13, 113.26, 400)
    assert "50–120" in page
    assert "离床超过 45 分钟" in page
    assert "围栏 400 米" in page
    again = words_of(await officer.submit(path, "/limits", heart_rate_high="", heart_rate_low=""))
    assert "50–110 默认" in again
    assert "离床超过 45 分钟" in again


async def test_nonsense_is_refused_in_words_that_name_the_field(world: World) -> None:
    elder = await world.elder("李桂英")
    officer = reader(world, await world.sign_in("wang"))
    for typed, said in (
        ({"heart_rate_low": "130", "heart_rate_high": "120"}, "心率"),
        ({"spo2_low": "10"}, "血氧"),
        ({"systolic_high": "nan"}, "收缩压"),
        ({"minutes": "1.5"}, "离床多少分钟报警"),
        ({"bed_from": "25:00"}, "夜间开始"),
        ({"when": "sometimes"}, "什么时候监测"),
        ({"latitude": "23.13"}, "住处经度"),
        ({"latitude": "95", "longitude": "113"}, "住处纬度"),
        ({"fence_m": "3"}, "围栏半径"),
    ):
        path = f"/elders/{elder['id']}"
        page = await officer.submit(path, "/limits", code=422, **typed, confirm_within_min="17")
        assert said in words_of(page), typed
        assert page.count("field-wrong") == 1, "it is said at the field, too"
        form = next(one for one in forms_of(page) if one.action.endswith("/limits"))
        assert form.fields["confirm_within_min"] == "17", "what was typed is kept"
    assert (await world.admin.get(f"elders/{elder['id']}"))["rules"] == {}


async def test_a_visitor_sees_the_limits_and_cannot_change_them(world: World) -> None:
    visitor = await world.sign_in("liu", "visitor")
    elder = await world.elder("李桂英", responsible_visitor_id=visitor.id)
    page = await reader(world, visitor).open(f"/elders/{elder['id']}")
    assert "50–110" in page
    assert f"/elders/{elder['id']}/limits" not in page
