"""Bodies, addresses and filters that no client of ours sends: refused in words, never a 500."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import event

from core.db import Database
from tests.api.catalogue import LISTS, WRITES, Write
from tests.api.town import Town, build
from tests.support.api import World

TIMES: tuple[Any, ...] = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("2026-02-30T00:00:00Z", "2026-03-03T01:00:00", "2026-03-03T25:00:00Z", "2026-W10-2"),
    *("2026-03-03T01:00:00+99:00", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "tomorrow"),
    *("0001-01-01", "9999-12-31", "1941-02-30", "1941-05-03T00:00:00", "20260303", "1772323200"),
    *(1772323200, 1.5e300, -(10**12), True),
)
NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1.5, 2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, float("nan"), float("inf")),
    *("1", "", "0x1", True, [1]),
)
FLAGS: tuple[Any, ...] = ("true", "yes", "", 0, 1, None, [])
TEXTS: tuple[Any, ...] = (
    *("", " ", "\0", "a\0b", "\ud800", "\udfff x", "x" * 65, "x" * 401, "长" * 5000),
    *("\u202e", "'; DROP TABLE elders; --", "<script>", "{{7*7}}", "%s%n", "../../etc", "é́́́"),
    *("http://[::1", "https://\x01\x7f", "http://h:0/", "http://h:x/", "//", "@", "ntfy://"),
    *("mailto://\x7f@[", 1, True, ["x"]),
)
SHAPES: tuple[Any, ...] = (
    *([], {}, [[]], [None], {"a": None}, ["x"] * 1000, {"kind": "sms"}, {"\0": 1}, None, "x", 7),
    {"a": {"b": [{"c": [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]}]}},
)
WRONG = (*TIMES, *NUMBERS, *FLAGS, *TEXTS, *SHAPES)
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


def unlike(value: Any) -> tuple[Any, ...]:
    """What may go wrong with a value of this kind."""
    if isinstance(value, bool):
        return FLAGS
    if isinstance(value, int | float):
        return NUMBERS
    if isinstance(value, str):
        return TIMES if value[:4].isdigit() and value[4:5] == "-" else TEXTS
    return SHAPES


def put(body: Any, place: tuple[Any, ...], value: Any) -> None:
    """Replace what stands at a place of a JSON value."""
    for key in place[:-1]:
        body = body[key]
    body[place[-1]] = value


def taken(body: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        body = body[key]
    return body


def wrong(draw: DrawFn, fitting: tuple[Any, ...] = WRONG) -> Any:
    """Something wrong, more often of the fitting kind; a copy, for it may be spoiled further."""
    return copy.deepcopy(draw(st.sampled_from(fitting if draw(st.booleans()) else WRONG)))


@st.composite
def spoiled(draw: DrawFn, body: dict[str, Any]) -> Any:
    """The body with one or two things wrong with it: replaced, left out, added, or all of it."""
    result = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 2))):
        way = draw(st.sampled_from(("replace", "replace", "replace", "leave out", "add", "all")))
        found = list(places(result))
        if way == "all":
            return wrong(draw)
        if way == "add" or not found:
            result[draw(st.sampled_from(UNKNOWN))] = wrong(draw)
            continue
        place = draw(st.sampled_from(found))
        if way == "leave out":
            del taken(result, place[:-1])[place[-1]]
        else:
            put(result, place, wrong(draw, unlike(taken(result, place))))
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


def test_the_catalogue_knows_every_call_that_changes_something(document: dict[str, Any]) -> None:
    """`token` and `import` take forms, `receipts` a signature, platforms and brokers speak as they
    do, and `rebuild` takes no body: they are tried elsewhere."""
    elsewhere = {"/api/v1/token", "/api/v1/receipts/{notice_id}", "/api/v1/devices/import"}
    elsewhere |= {"/api/v1/push/{adapter}", "/api/v1/devices/{device_id}/rebuild"}
    elsewhere |= {f"/api/v1/broker/emqx/{word}" for word in ("authenticate", "authorize")}
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


async def attempt(town: Town, write: Write, body: Any, commits: Commits) -> list[str]:
    """Send a body; what is wrong with the answer, in one line, or nothing."""
    before = commits.seen + (write.stage is not None)
    answer = await send(town, write, body)
    wrong = complaint(answer, commits.seen - before)
    return [f"{write.name} {json.dumps(body)[:300]}: {wrong}"] if wrong is not None else []


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
    max_examples=8,
    deadline=None,
    phases=(Phase.generate,),  # an example tries every call: there is nothing to make smaller
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_a_spoiled_body_is_refused_and_nothing_is_stored(town: Town, data: Any) -> None:
    commits = Commits(town.world.db)
    complaints: list[str] = []
    for write in WRITES:
        if write.slow and not data.draw(st.booleans()):
            continue
        complaints += await attempt(town, write, data.draw(spoiled(write.body(town))), commits)
    complaints += await nothing_broke(town)
    assert complaints == []


@pytest.mark.parametrize("kind", [TIMES, NUMBERS, FLAGS], ids=["times", "numbers", "flags"])
async def test_times_numbers_and_flags_are_taken_only_as_they_are_spelled(
    town: Town, kind: tuple[Any, ...]
) -> None:
    """Each in its place in an otherwise good body: the rest cannot be what is refused."""
    commits = Commits(town.world.db)
    complaints: list[str] = []
    tried = 0
    for write in WRITES:
        for place in places(write.body(town)):
            for value in kind if unlike(taken(write.body(town), place)) is kind else ():
                body = copy.deepcopy(write.body(town))
                put(body, place, value)
                before = commits.seen
                complaints += await attempt(town, write, body, commits)
                tried += 1
                stored = commits.seen - before - (write.stage is not None)
                if value is None and place[-1] == "supervisable":
                    continue  # as its family says
                if stored and kind is not NUMBERS:  # some numbers are as good as the one before
                    complaints.append(f"{write.name} took {value!r} at {place}")
    assert tried > 20
    complaints += await nothing_broke(town)
    assert complaints == []


QUERIES = ("", "\0", "\ud800", "x" * 2000, "-1", *map(str, TIMES[:3]))


async def test_no_filter_and_no_id_can_break_a_list(town: Town, document: dict[str, Any]) -> None:
    """Every query parameter of every GET with everything strange, and strange ids in every path."""
    complaints: list[str] = []
    tried = 0
    for path, methods in document["paths"].items():
        if "get" not in methods or not path.startswith("/api/v1/") or path.endswith("/stream"):
            continue
        names = [p["name"] for p in methods["get"].get("parameters", ()) if p["in"] == "query"]
        queries = [urlencode({n: v}, errors="surrogatepass") for n in names for v in QUERIES]
        plain = town.path(path.replace("{device_id}", "btn-1"))
        asked = [f"{plain}?{query}" for query in queries]
        for ident in STRANGE_IDS if "{" in path else ():
            asked.append(town.path(re.sub(r"\{\w+\}", ident, path)))
        for address in asked:
            answer = await town.admin.get(address)
            tried += 1
            wrong = complaint(answer, 0)
            if wrong is not None:
                complaints.append(f"{address[:200]}: {wrong}")
    assert tried > 400
    assert complaints == []


async def test_a_spoiled_receipt_is_refused_though_it_is_signed(town: Town) -> None:
    notice_id = await town.notice()
    commits = Commits(town.world.db)
    bodies = [json.dumps(one).encode() for one in (*TEXTS[:9], *SHAPES)]
    for raw in (*bodies, b"\xff", b"{", b"", b"[" * 5000, b'{"state": "delivered", "at": "1"}'):
        answer = await town.receipt(notice_id, raw)
        wrong = complaint(answer, commits.seen)
        assert answer.status_code >= 400 and wrong is None, f"{raw[:60]!r}: {wrong}"
