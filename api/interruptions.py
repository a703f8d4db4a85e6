"""Interruptions: an area without water, so that standing meters say nothing of who lives there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.handling.interrupted import announce
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.problems import refusal
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Ident,
    Out,
    PageOut,
    Text,
    When,
    Whole,
    example,
    page_of,
)
from care import interruption_queries, interruptions
from care.model import Actor
from care.supply import SupplyKind, SupplyState
from care.tables import Interruption
from core.db import after_commit

router = APIRouter(prefix="/interruptions", tags=["interruptions"])

_OVER = refusal("It is over, or not what this call is for; or `version` is old.")


class InterruptionIn(Body):
    model_config = Body.model_config | example(
        area_id="area-3k9qd",
        begins_at="2026-03-01T01:10:00Z",
        until="2026-03-01T12:00:00Z",
        reason="水厂抢修，预计 20:00 恢复",
    )
    area_id: Ident = Field(description="This area and everything below it.")
    kind: SupplyKind = SupplyKind.WATER
    begins_at: When | None = Field(
        default=None, description="Now if left out; at most a day ago, at most 30 days ahead."
    )
    until: When = Field(description="When it is over, or looked at again: at most 72 h later.")
    reason: Text


class InterruptionChange(Body):
    model_config = Body.model_config | example(until="2026-03-02T12:00:00Z")
    until: When = NOT_GIVEN
    reason: Text = NOT_GIVEN
    version: Whole | None = None


class Versioned(Body):
    model_config = Body.model_config | example(version=1)
    version: Whole | None = None


class InterruptionOut(Out):
    model_config = Out.model_config | example(
        id="cut-2f8xw",
        area_id="area-3k9qd",
        kind="water",
        state="recorded",
        begins_at="2026-03-01T01:10:00Z",
        until="2026-03-01T12:00:00Z",
        reason="水厂抢修，预计 20:00 恢复",
        data={},
        version=1,
        created_at="2026-03-01T01:30:00Z",
        created_by="王值班",
        ended_at=None,
        ended_by=None,
        ended_why=None,
    )
    id: str
    area_id: str
    kind: str
    state: str
    begins_at: datetime
    until: datetime | None
    reason: str
    data: dict[str, Any]
    version: int
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None


class InterruptionFilters(Filters):
    area_id: Annotated[str | None, Field(description="This area and all below it.")] = None
    state: SupplyState | None = None
    open_only: Annotated[bool, Field(description="Suspected and recorded ones.")] = False


@router.get("", summary="List interruptions", response_model=PageOut[InterruptionOut])
async def list_interruptions(
    _actor: Annotated[Actor, allowed("interruptions.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[InterruptionFilters, Query()],
) -> dict[str, Any]:
    """The latest to begin first: those of your area, and those above it that hold there."""
    page = await interruption_queries.listed(
        session, sight, query.page, **query.model_dump(exclude={"limit", "cursor"})
    )
    return page_of(page, page.items)


@router.post(
    "",
    summary="Record an interruption",
    status_code=201,
    response_model=InterruptionOut,
    responses={409: refusal("One is recorded there for these hours.")},
)
async def record_interruption(
    actor: Annotated[Actor, allowed("interruptions.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    body: InterruptionIn,
) -> Interruption:
    """While it holds no welfare finding by water opens there and nothing is learnt; afterwards
    gaps count anew. Buttons, smoke, falls and electricity are watched as ever. Meters are told
    within seconds of its beginning."""
    row = await interruptions.record(session, actor, now, **body.model_dump())
    announce(session, row, now)
    after_commit(session, services.signals.supply.set)
    return row


@router.get("/{interruption_id}", summary="Read an interruption", response_model=InterruptionOut)
async def read_interruption(
    _actor: Annotated[Actor, allowed("interruptions.read")],
    sight: SightDep,
    session: Reading,
    interruption_id: str,
) -> Interruption:
    return await interruption_queries.find(session, sight, interruption_id)


@router.patch(
    "/{interruption_id}",
    summary="Move its end",
    response_model=InterruptionOut,
    responses={409: _OVER},
)
async def change_interruption(
    actor: Annotated[Actor, allowed("interruptions.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    interruption_id: str,
    body: InterruptionChange,
) -> Interruption:
    """Lasts longer or shorter than thought; at most 72 h from now."""
    row = await interruptions.move_end(session, actor, now, interruption_id, **body.changes())
    announce(session, row, now)
    after_commit(session, services.signals.supply.set)
    return row


@router.post(
    "/{interruption_id}/end",
    summary="End one",
    response_model=InterruptionOut,
    responses={409: _OVER},
)
async def end_interruption(
    actor: Annotated[Actor, allowed("interruptions.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    interruption_id: str,
    body: Versioned,
) -> Interruption:
    """The water is back, or it never stopped: homes are watched again from this moment."""
    row = await interruptions.end(session, actor, now, interruption_id, body.version)
    announce(session, row, now)
    after_commit(session, services.signals.supply.set)
    return row


@router.post(
    "/{interruption_id}/dismiss",
    summary="It is none",
    response_model=InterruptionOut,
    responses={409: _OVER},
)
async def dismiss_interruption(
    actor: Annotated[Actor, allowed("interruptions.write")],
    session: Writing,
    now: Now,
    interruption_id: str,
    body: Versioned,
) -> Interruption:
    """A suspected one is none. Nothing more is said of it until water was used there again."""
    row = await interruptions.dismiss(session, actor, now, interruption_id, body.version)
    announce(session, row, now)
    return row
