"""Who gets in, what a form must prove, and what no cache may keep."""

from __future__ import annotations

import pytest

from console.security import csrf_token, local_path
from tests.console.support import BASE, forms_of, reader
from tests.support.world import PASSWORD, SECRET_KEY, World

PRIVATE = ("/desk", "/incidents/inc-1", "/devices", "/elders", "/my", "/search?q=x")


@pytest.mark.parametrize("path", PRIVATE)
async def test_a_stranger_is_led_to_sign_in_and_back(world: World, path: str) -> None:
    stranger = reader(world)
    answer = await stranger.http.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")


async def test_signing_in_goes_to_the_page_that_was_asked_for(world: World) -> None:
    await world.sign_in("wang")
    officer = reader(world)
    page = await officer.submit("/devices", "/sign-in", username="wang", password=PASSWORD)
    assert "已登记" in page
    cookie = next(one for one in officer.http.cookies.jar if one.name == "anju_session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert str(cookie.get_nonstandard_attr("SameSite")).lower() == "lax"


async def test_a_wrong_password_says_so_and_keeps_the_name(world: World) -> None:
    await world.sign_in("wang")
    page = await reader(world).submit(
        "/sign-in", "/sign-in", 401, username="wang", password="wrong password"
    )
    assert "用户名或密码不对" in page
    assert forms_of(page)[-1].fields["username"] == "wang"


async def test_guessing_passwords_is_slowed_down_together_with_the_rest_interface(
    world: World,
) -> None:
    await world.sign_in("wang")
    for _ in range(10):
        answer = await world.admin.client.post(
            "/api/v1/token", data={"username": "wang", "password": "a guess"}
        )
        assert answer.status_code == 401
    page = await reader(world).submit(
        "/sign-in", "/sign-in", 429, username="wang", password=PASSWORD
    )
    assert "密码错了太多次" in page


async def test_a_session_that_was_signed_out_opens_nothing_even_as_a_copied_cookie(
    world: World,
) -> None:
    officer = await world.sign_in("wang")
    copied, own = reader(world, officer), reader(world, officer)
    await own.submit("/desk", "/sign-out")
    answer = await copied.http.get("/desk", follow_redirects=False)
    assert answer.status_code == 303


async def test_a_form_without_its_token_is_refused_and_nothing_happens(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    incident = await world.incident()
    officer = reader(world, await world.sign_in("wang"))
    path = f"/incidents/{incident['id']}/acknowledge"
    for data in ({}, {"csrf": "x"}, {"csrf": csrf_token(SECRET_KEY, "another session")}):
        answer = await officer.http.post(path, data=data)
        assert answer.status_code == 403
    assert (await world.incident())["stage"] == "open"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": BASE},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_that_another_site_sends_is_refused(
    world: World, headers: dict[str, str]
) -> None:
    officer = await world.sign_in("wang")
    page = reader(world, officer)
    token = csrf_token(SECRET_KEY, officer.token)
    answer = await page.http.post("/sign-out", data={"csrf": token}, headers=headers)
    assert answer.status_code == 403
    assert (await page.http.get("/desk")).status_code == 200, "still signed in"
    sign_in = {"username": "wang", "password": PASSWORD}
    answer = await reader(world).http.post("/sign-in", data=sign_in, headers=headers)
    assert answer.status_code == 403


async def test_scripts_prove_themselves_with_a_header(world: World) -> None:
    officer = await world.sign_in("wang")
    headers = {"X-CSRF-Token": csrf_token(SECRET_KEY, officer.token)}
    body = {"page_id": "page-1", "armed": "true"}
    answer = await reader(world, officer).http.post("/desk/heartbeat", data=body, headers=headers)
    assert answer.status_code == 204


@pytest.mark.parametrize("path", ["/desk", "/elders", "/sign-in", "/nothing-here"])
async def test_pages_are_not_cached_and_run_nothing_from_inside_or_elsewhere(
    world: World, path: str
) -> None:
    answer = await reader(world, await world.sign_in("wang")).http.get(path)
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_a_visitor_does_not_get_to_the_desk(world: World) -> None:
    visitor = reader(world, await world.sign_in("chen", role="visitor"))
    for path in ("/desk", "/devices", "/elders", "/search?q=x"):
        assert "不能这样做" in await visitor.open(path, 403)
    assert "我的任务" in await visitor.open("/")


async def test_an_officer_sees_and_moves_nothing_outside_their_area(world: World) -> None:
    here = await world.admin.post("areas", {"name": "此村", "level": "village"})
    there = await world.admin.post("areas", {"name": "彼村", "level": "village"})
    elder = await world.elder("李远方", area_id=there["id"])
    await world.press(await world.button(elder))
    incident = await world.incident()
    caller = await world.sign_in("wang", area_id=here["id"])
    officer = reader(world, caller)
    assert "李远方" not in await officer.open("/desk")
    assert "李远方" not in await officer.open("/elders")
    await officer.open(f"/incidents/{incident['id']}", 404)
    await officer.open(f"/elders/{elder['id']}", 404)
    answer = await officer.http.post(
        f"/incidents/{incident['id']}/acknowledge",
        data={"csrf": csrf_token(SECRET_KEY, caller.token)},
    )
    assert answer.status_code == 404
    assert (await world.incident())["stage"] == "open"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (None, "/"),
        ("", "/"),
        ("/desk?show=open", "/desk?show=open"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("/desk\r\nSet-Cookie: x", "/"),
    ],
)
def test_a_return_path_never_leaves_this_site(target: str | None, path: str) -> None:
    assert local_path(target) == path


async def test_a_nul_in_a_form_is_an_answer_and_not_a_crash(world: World) -> None:
    await world.press(await world.button(await world.elder()))
    incident = await world.incident()
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.submit(f"/incidents/{incident['id']}", "/notes", 422, text="before\0after")
    assert "无法保存的字符" in page
