"""An answer is given after the commit: a commit that fails is a failure the caller hears of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db import Base
from tests.api.catalogue import WRITES
from tests.api.town import build
from tests.support.api import PASSWORD, World


@contextmanager
def failing(error: Exception) -> Iterator[None]:
    """Meanwhile no transaction commits; nothing but the very last step is in its way."""

    def refuse(_session: Session) -> None:
        raise error

    event.listen(Session, "before_commit", refuse)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", refuse)


ON_FIRE = RuntimeError("the disk is on fire")


async def test_no_call_answers_before_its_commit(world: World) -> None:
    """FastAPI would commit after the answer wherever a route forgot `scope="function"`."""
    town = await build(world)
    before = await everything(world)
    for write in (one for one in WRITES if one.saves):
        if write.stage is not None:
            await town.bring_to(write.stage)
            before = await everything(world)
        with failing(ON_FIRE):
            answer = await town.admin.request(
                write.method, town.path(write.path), json=write.body(town)
            )
        assert answer.status_code == 500, f"{write.name}: {answer.status_code} {answer.text}"
        assert "fire" not in answer.text
        assert await everything(world) == before, write.name


async def test_nor_do_signing_in_signing_out_and_receipts(world: World) -> None:
    town = await build(world)
    notice_id = await town.notice()
    form = {"username": town.admin.user.username, "password": PASSWORD}
    with failing(ON_FIRE):
        signed_in = await world.client.post("/api/v1/token", data=form)
        receipt = await town.receipt(notice_id, {"state": "delivered"})
        removed = await town.admin.delete(town.path("elders/{elder_id}/contacts/{contact_id}"))
        signed_out = await town.admin.delete("token")
    for answer in (signed_in, receipt, removed, signed_out):
        assert answer.status_code == 500, answer.text
    assert (await town.admin.get("me")).status_code == 200, "still signed in"
    whole = await town.admin.read(f"incidents/{town.ids['incident_id']}")
    assert {one["delivered_at"] for one in whole["notices"] if one["id"] == notice_id} == {None}


async def test_a_database_that_goes_away_at_the_commit_asks_to_come_back(world: World) -> None:
    admin = await world.admin()
    locked = Exception("database is locked")
    with failing(OperationalError("COMMIT", None, locked)):
        answer = await admin.post("areas", {"name": "村", "level": "village"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert (await admin.read("areas"))["items"] == []


async def everything(world: World) -> list[tuple[str, list[Any]]]:
    """Every row of every table."""
    async with world.db.reading() as session:
        return [
            (table.name, sorted(map(repr, (await session.execute(select(table))).all())))
            for table in Base.metadata.sorted_tables
        ]
