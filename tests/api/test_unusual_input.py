"""Bodies, addresses and filters that no client of ours sends: refused in words, never a 500."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import event

from core.db import Database
from tests.api.catalogue import LISTS, WRITES, Town, Write, build
from tests.support.api import World, make_app, make_services
from tests.support.clock import ManualClock

WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**53, -(2**63), 2**64, 10**400, 1e308),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "1", "true", "x" * 65, "x" * 500, "长" * 5000, "\0", "a\0b", "\ud800", "\udfff x"),
    *("\u202e", "'; DROP TABLE elders; --", "<script>", "{{7*7}}", "%s%n", "../../etc", "é́́́"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("2026-02-30T00:00:00Z", "2026-03-03T01:00:00", "2026-03-03", "0001-01-01", "1772323200"),
    *("1941-02-30", "9999-12-31", "http://[::1", "https://\x01\x7f", "http://h:0/", "//", "@"),
    *([], {}, [[]], [None], {"a": None}, ["x"] * 1000, {"kind": "sms"}, {"\0": 1}),
    {"a": {"b": [{"c": [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]}]}},
)
UNKNOWN = ("colour", "id", "created_at", "version", "__proto__", "\0", "\ud800", "", "x" * 300)
STRANGE_IDS = ("%20", "x" * 2000, "%F0%9F%92%A9", "%ff%fe", "..%2f..", "native", "-1", "%27%20OR")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value, as the keys that lead there."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


@st.composite
def spoiled(draw: DrawFn, body: dict[str, Any]) -> Any:
    """The body with one or two things wrong with it: replaced, left out, added, or all of it."""
    result = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 2))):
        way = draw(st.sampled_from(("replace", "replace", "replace", "leave out", "add", "all")))
        found = list(places(result))
        if way == "all":
            return draw(st.sampled_from(WRONG))
        if way == "add" or not found:
            result[draw(st.sampled_from(UNKNOWN))] = draw(st.sampled_from(WRONG))
            continue
        *way_there, last = draw(st.sampled_from(found))
        holder = result
        for key in way_there:
            holder = holder[key]
        if way == "leave out":
            del holder[last]
        else:
            holder[last] = copy.deepcopy(draw(st.sampled_from(WRONG)))
    return result


class Commits:
    """Counts what really reached the database."""

    def __init__(self, db: Database) -> None:
        self.seen = 0
        event.listen(db.engine.sync_engine, "commit", self._count)

    def _count(self, _connection: Any) -> None:
        self.seen += 1


def complaint(answer: httpx.Response, committed: int) -> str | None:
    """What is wrong with an answer to something unusual; None when it is as it should be."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text}"
    if answer.status_code < 400:
        return None
    if answer.headers["content-type"] != "application/problem+json":
        return f"no problem details: {answer.headers['content-type']}"
    body = answer.json()
    if body["status"] != answer.status_code or not body["detail"]:
        return f"{answer.status_code} as {body}"
    # A fact that comes too late is kept although the stage does not move (Two people, many hands).
    if committed and answer.status_code != 409:
        return f"{answer.status_code}, and yet something was stored"
    return None


async def send(town: Town, write: Write, body: Any) -> httpx.Response:
    if write.stage is not None:
        await town.bring_to(write.stage)
    raw = json.dumps(body, ensure_ascii=True).encode()
    return await town.admin.request(
        write.method, town.path(write.path), content=raw, headers={"Content-Type": JSON}
    )


JSON, PRESS = "application/json", "anju/v1/btn-1/event"


@pytest.fixture
async def town(world: World) -> Town:
    return await build(world)


@pytest.fixture
def document(tmp_path: Path, clock: ManualClock) -> dict[str, Any]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    return make_app(make_services(database, clock)).openapi()


def test_the_catalogue_knows_every_call_that_changes_something(document: dict[str, Any]) -> None:
    """`token` takes a form, and `receipts` a signature: they are tried elsewhere."""
    elsewhere = {"/api/v1/token", "/api/v1/receipts/{notice_id}"}
    asked = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods.keys() & {"post", "patch", "put"}
        if path not in elsewhere
    }
    assert {(write.method, write.path) for write in WRITES} == asked


async def test_every_body_of_the_catalogue_works(town: Town) -> None:
    """Otherwise what is spoiled below would be refused for another reason."""
    for write in WRITES:
        answer = await send(town, write, write.body(town))
        assert answer.status_code in (200, 201), f"{write.name}: {answer.text}"


async def nothing_broke(town: Town) -> list[str]:
    """Whatever was accepted can be read again, and a press still opens an incident."""
    broken = []
    for listed in LISTS:
        answer = await town.admin.get(town.path(listed), limit=500)
        if answer.status_code != 200:
            broken.append(f"GET {listed}: {answer.status_code} {answer.text}")
    handled = await town.world.hears(PRESS, {"id": town.fresh("p"), "kind": "sos"})
    if not handled.incidents:
        broken.append("a press opened nothing")
    return broken


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.generate,),  # an example tries every call: there is nothing to make smaller
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_a_spoiled_body_is_refused_and_nothing_is_stored(town: Town, data: Any) -> None:
    commits, complaints = Commits(town.world.db), []
    for write in WRITES:
        if write.slow and not data.draw(st.booleans()):
            continue
        body = data.draw(spoiled(write.body(town)))
        before = commits.seen + (write.stage is not None)
        answer = await send(town, write, body)
        wrong = complaint(answer, commits.seen - before)
        if wrong is not None:
            complaints.append(f"{write.name} {json.dumps(body)[:300]}: {wrong}")
    complaints += await nothing_broke(town)
    assert complaints == []
