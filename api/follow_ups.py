"""Follow-ups: what is still to be done for an elder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.handling import aftercare
from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.problems import refusal
from api.schemas import (
    Body,
    Filters,
    Ident,
    LongName,
    Out,
    PageOut,
    Text,
    When,
    example,
    page_of,
)
from care import follow_ups, listing
from care.model import Actor
from care.tables import FollowUp

router = APIRouter(tags=["visits and after"])
_FIRST: dict[int | str, dict[str, Any]] = {409: refusal("Somebody was first; `winner` says who.")}


class FollowUpIn(Body):
    model_config = Body.model_config | example(
        elder_id="elder-9w3k7",
        incident_id="inc-4h8xd",
        due_at="2026-03-03T01:00:00Z",
        text="电话回访，问伤势",
    )
    elder_id: Ident | None = Field(None, description="May be left out beside an incident.")
    incident_id: Ident | None = None
    due_at: When
    text: Text


class CompleteIn(Body):
    model_config = Body.model_config | example(result="已恢复，能自己做饭")
    result: Text | None = None
    handed_over_to: LongName | None = None


class FollowUpOut(Out):
    model_config = Out.model_config | example(
        id="fup-8n4wz",
        elder_id="elder-9w3k7",
        incident_id="inc-4h8xd",
        text="电话回访，问伤势",
        due_at="2026-03-03T01:00:00Z",
        result=None,
        handed_over_to=None,
        completed_at=None,
        completed_by=None,
        created_by="usr-0r5t1",
        created_at="2026-03-01T00:50:00Z",
    )
    id: str
    elder_id: str
    incident_id: str | None
    text: str
    due_at: datetime
    result: str | None
    handed_over_to: str | None
    completed_at: datetime | None
    completed_by: str | None
    created_by: str
    created_at: datetime


class OpenFilters(Filters):
    elder_id: Ident | None = None
    incident_id: Ident | None = None
    open: Annotated[bool, Field(description="Only what is not done yet.")] = False


@router.get("/follow-ups", summary="List follow-ups", response_model=PageOut[FollowUpOut])
async def list_follow_ups(
    _actor: Annotated[Actor, allowed("follow_ups.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[OpenFilters, Query()],
) -> dict[str, Any]:
    """Earliest due first."""
    page = await listing.follow_ups(
        session,
        sight,
        query.page,
        elder_id=query.elder_id,
        incident_id=query.incident_id,
        open_only=query.open,
    )
    return page_of(page, page.items)


@router.post("/follow-ups", summary="Add a follow-up", status_code=201, response_model=FollowUpOut)
async def create_follow_up(
    actor: Annotated[Actor, allowed("follow_ups.write")],
    session: Writing,
    now: Now,
    body: FollowUpIn,
) -> FollowUp:
    """An incident does not close before its follow-ups are done or handed over."""
    return await aftercare.add_follow_up(session, actor, now, **body.model_dump())


@router.get("/follow-ups/{follow_up_id}", summary="Read a follow-up", response_model=FollowUpOut)
async def read_follow_up(
    _actor: Annotated[Actor, allowed("follow_ups.read")],
    sight: SightDep,
    session: Reading,
    follow_up_id: str,
) -> FollowUp:
    return await follow_ups.find_follow_up(session, sight, follow_up_id)


@router.post(
    "/follow-ups/{follow_up_id}/complete",
    summary="Complete a follow-up",
    response_model=FollowUpOut,
    responses=_FIRST,
)
async def complete_follow_up(
    actor: Annotated[Actor, allowed("follow_ups.write")],
    session: Writing,
    now: Now,
    follow_up_id: str,
    body: CompleteIn,
) -> FollowUp:
    """With its `result`, or `handed_over_to` whom it belongs to."""
    return await aftercare.complete_follow_up(
        session, actor, now, follow_up_id, **body.model_dump()
    )
