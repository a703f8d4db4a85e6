"""The stage table as people meet it: every move in every stage, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alerting.finding import Severity
from alerting.handling import closing, responding
from alerting.incident import FINAL, MOVES, Move, Stage
from alerting.tables import Incident
from care.model import Actor, UserRole
from care.tables import User
from core.db import Database
from core.errors import AnjuError, Conflict, GatesMissing
from tests.alerting import rows
from tests.support.clock import ManualClock

OFFICER = Actor(id="usr-officer", name="王值班", role=UserRole.DUTY_OFFICER)
VISITOR = "usr-visitor"

CALLS: dict[Move, tuple[Callable[..., Awaitable[Incident]], dict[str, Any]]] = {
    Move.ACKNOWLEDGE: (responding.acknowledge, {}),
    Move.RELEASE: (responding.release, {}),
    Move.DISPATCH: (responding.dispatch, {"visitor_id": VISITOR}),
    Move.ACCEPT: (responding.accept, {}),
    Move.ARRIVE: (responding.arrive, {}),
    Move.OUTCOME: (closing.record_outcome, {"outcome": "assisted"}),
    Move.CLOSE: (closing.close, {}),
    Move.REOPEN: (closing.reopen, {"reason": "again"}),
    Move.CANCEL: (closing.cancel, {"reason": "a mistake"}),
}
PATHS: dict[Stage, tuple[Move, ...]] = {
    Stage.OPEN: (),
    Stage.ACKNOWLEDGED: (Move.ACKNOWLEDGE,),
    Stage.DISPATCHED: (Move.DISPATCH,),
    Stage.ACCEPTED: (Move.DISPATCH, Move.ACCEPT),
    Stage.ATTENDED: (Move.DISPATCH, Move.ACCEPT, Move.ARRIVE),
    Stage.FOLLOWING_UP: (Move.ACKNOWLEDGE, Move.OUTCOME),
    Stage.CLOSED: (Move.ACKNOWLEDGE, Move.OUTCOME, Move.CLOSE),
    Stage.CANCELLED: (Move.CANCEL,),
}


class _Undo(Exception):
    """Ends a transaction without its changes."""


@pytest.fixture
async def ready(db: Database, clock: ManualClock) -> Database:
    await rows.begin(db, clock.now())
    async with db.transaction() as session:
        session.add(
            User(
                id=VISITOR,
                username="chen",
                password_hash="-",
                role="visitor",
                name="陈探访",
                language="zh",
                active=True,
                created_at=clock.now(),
            )
        )
    return db


async def reach(db: Database, clock: ManualClock, stage: Stage) -> Incident:
    """A technical incident in this stage: it closes with an outcome alone, and may be cancelled."""
    async with db.transaction() as session:
        incident = await rows.open_incident(session, clock.now(), severity=Severity.TECHNICAL)
        for move in PATHS[stage]:
            call, more = CALLS[move]
            incident = await call(session, incident.id, OFFICER, clock.now(), **more)
    assert incident.stage == stage
    return incident


async def attempt(
    db: Database, clock: ManualClock, incident: Incident, move: Move
) -> tuple[str, int, bool] | AnjuError:
    """(stage, version, has a deadline) after the move, which is then undone; or its refusal."""
    call, more = CALLS[move]
    after: tuple[str, int, bool] | None = None
    try:
        async with db.transaction() as session:
            moved = await call(session, incident.id, OFFICER, clock.now(), **more)
            after = moved.stage, moved.version, moved.due_at is not None
            raise _Undo
    except AnjuError as refusal:
        return refusal
    except _Undo:
        assert after is not None
        return after


@pytest.mark.parametrize("stage", Stage)
async def test_each_move_does_what_the_table_says_or_says_who_was_first(
    ready: Database, clock: ManualClock, stage: Stage
) -> None:
    incident = await reach(ready, clock, stage)
    for move, (sources, target) in MOVES.items():
        came_of_it = await attempt(ready, clock, incident, move)
        if stage in sources:
            assert came_of_it == (target, incident.version + 1, target not in FINAL), move
        elif move is Move.CLOSE and stage not in FINAL:
            assert isinstance(came_of_it, GatesMissing), "422 in any stage"
        else:
            assert isinstance(came_of_it, Conflict), move
            winner = None if stage is Stage.OPEN else OFFICER.name
            assert (came_of_it.stage, came_of_it.winner) == (stage, winner)
        async with ready.reading() as session:
            now = await session.get_one(Incident, incident.id)
            assert (now.stage, now.version) == (stage, incident.version), "nothing moved"
