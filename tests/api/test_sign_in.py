"""Signing in: tokens, how long they are good, and what a guesser meets."""

from __future__ import annotations

import hashlib

import httpx
import pytest
from sqlalchemy import select

from care.model import UserRole
from care.tables import LoginSession, User
from core.services import Services
from tests.support.api import PASSWORD, World, http_client, make_app


async def sign_in(world: World, username: str, password: str) -> httpx.Response:
    form = {"username": username, "password": password}
    return await world.client.post("/api/v1/token", data=form)


async def me(world: World, token: str) -> int:
    answer = await world.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_a_token_ends_after_twelve_hours(world: World) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    token = (await sign_in(world, "wang", PASSWORD)).json()["access_token"]
    world.clock.advance(hours=11, minutes=59)
    assert await me(world, token) == 200
    world.clock.advance(minutes=1)
    assert await me(world, token) == 401


async def test_a_token_outlives_a_restart(world: World, services: Services) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    token = (await sign_in(world, "wang", PASSWORD)).json()["access_token"]
    async with http_client(make_app(services)) as restarted:
        answer = await restarted.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "wang"


async def test_only_the_hash_of_a_token_is_kept(world: World) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    token = (await sign_in(world, "wang", PASSWORD)).json()["access_token"]
    async with world.db.reading() as session:
        hashes = set(await session.scalars(select(LoginSession.token_hash)))
        passwords = set(await session.scalars(select(User.password_hash)))
    assert hashlib.sha256(token.encode()).hexdigest() in hashes
    assert token not in hashes
    assert all(one.startswith("$argon2id$") for one in passwords)


async def test_signing_out_ends_this_session_and_no_other(world: World) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    one = (await sign_in(world, "wang", PASSWORD)).json()["access_token"]
    two = (await sign_in(world, "wang", PASSWORD)).json()["access_token"]
    headers = {"Authorization": f"Bearer {one}"}
    assert (await world.client.delete("/api/v1/token", headers=headers)).status_code == 204
    assert (await me(world, one), await me(world, two)) == (401, 200)


@pytest.mark.parametrize("change", [{"password": "another pass phrase"}, {"active": False}])
async def test_a_new_password_or_a_closed_account_ends_every_session(
    world: World, change: dict[str, object]
) -> None:
    admin = await world.admin()
    wang = await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    assert await me(world, wang.token) == 200
    assert (await admin.patch(f"users/{wang.id}", change)).status_code == 200
    assert await me(world, wang.token) == 401
    assert (await sign_in(world, "wang", PASSWORD)).status_code == 401


async def test_a_wrong_name_and_a_wrong_password_look_the_same(world: World) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    wrong = await sign_in(world, "wang", "not this one")
    nobody = await sign_in(world, "nobody", "not this one")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.headers["www-authenticate"] == "Bearer"


async def test_a_guesser_waits_after_ten_failures(world: World) -> None:
    await world.sign_in(UserRole.DUTY_OFFICER, name="wang")
    await world.sign_in(UserRole.DUTY_OFFICER, name="zhao")
    for _ in range(10):
        assert (await sign_in(world, "wang", "a guess")).status_code == 401
    refused = await sign_in(world, "wang", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 300
    assert (await sign_in(world, "zhao", PASSWORD)).status_code == 200
    world.clock.advance(minutes=5)
    assert (await sign_in(world, "wang", PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic d2FuZzpwYXNz", "bearer \xff"],
)
async def test_what_is_no_token_opens_nothing(world: World, header: str) -> None:
    answer = await world.client.get(
        "/api/v1/areas", headers=[(b"Authorization", header.encode("latin-1"))]
    )
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "wang"},
        {"username": "wang\0", "password": "x"},
        {"username": "wang", "password": "x", "grant_type": "implicit"},
    ],
)
async def test_a_sign_in_that_is_none_is_refused(world: World, form: dict[str, str]) -> None:
    answer = await world.client.post("/api/v1/token", data=form)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_json_is_no_password_form(world: World) -> None:
    body = {"username": "wang", "password": PASSWORD}
    answer = await world.client.post("/api/v1/token", json=body)
    assert answer.status_code == 422
