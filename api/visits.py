"""Visits: what was done and seen at the door, on the phone, or on the way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.handling import aftercare
from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.schemas import (
    Body,
    Filters,
    Ident,
    Out,
    PageOut,
    When,
    example,
    page_of,
)
from care import listing, visits
from care.model import Actor, VisitMode
from care.tables import Visit
from care.visit_record import VisitRecord

router = APIRouter(tags=["visits and after"])


class VisitIn(Body):
    model_config = Body.model_config | example(
        elder_id="elder-9w3k7",
        incident_id="inc-4h8xd",
        mode="on_site",
        record={"mobility": "worse", "gas_safety": "safe"},
    )
    elder_id: Ident | None = Field(None, description="May be left out beside an incident.")
    incident_id: Ident | None = None
    mode: VisitMode
    record: VisitRecord = VisitRecord()
    visitor_id: Ident | None = Field(None, description="For the desk, on a visitor's behalf.")
    visited_at: When | None = None


class VisitOut(Out):
    model_config = Out.model_config | example(
        id="visit-6c1rk",
        elder_id="elder-9w3k7",
        incident_id="inc-4h8xd",
        visitor_id="usr-0r5t1",
        recorded_by="usr-0r5t1",
        mode="on_site",
        number=3,
        record={"mobility": "worse", "gas_safety": "safe"},
        visited_at="2026-03-01T00:40:00Z",
        created_at="2026-03-01T00:45:00Z",
    )
    id: str
    elder_id: str
    incident_id: str | None
    visitor_id: str
    recorded_by: str
    mode: str
    number: int = Field(description="第 _ 次开展探访: counted per elder, from 1, without gaps.")
    record: dict[str, Any]
    visited_at: datetime
    created_at: datetime


class VisitFilters(Filters):
    elder_id: Ident | None = None
    incident_id: Ident | None = None
    visitor_id: Ident | None = None


@router.get("/visits", summary="List visits", response_model=PageOut[VisitOut])
async def list_visits(
    _actor: Annotated[Actor, allowed("visits.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[VisitFilters, Query()],
) -> dict[str, Any]:
    """Latest recorded first."""
    page = await listing.visits(
        session, sight, query.page, **query.model_dump(exclude={"limit", "cursor"})
    )
    return page_of(page, page.items)


@router.post("/visits", summary="Record a visit", status_code=201, response_model=VisitOut)
async def create_visit(
    actor: Annotated[Actor, allowed("visits.write")], session: Writing, now: Now, body: VisitIn
) -> Visit:
    """For an incident: by its assigned visitor, or by the desk on their behalf.

    `record` may be `{}`; fields beyond the common ones are kept under `record.extra`.
    """
    return await aftercare.record_visit(
        session,
        actor,
        now,
        elder_id=body.elder_id,
        incident_id=body.incident_id,
        mode=body.mode,
        record=body.record,
        visitor_id=body.visitor_id,
        visited_at=body.visited_at,
    )


@router.get("/visits/{visit_id}", summary="Read a visit", response_model=VisitOut)
async def read_visit(
    _actor: Annotated[Actor, allowed("visits.read")],
    sight: SightDep,
    session: Reading,
    visit_id: str,
) -> Visit:
    return await visits.find_visit(session, sight, visit_id)
