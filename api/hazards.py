"""Hazards: dangers seen in a home until somebody remedied them."""

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
    Out,
    PageOut,
    Text,
    When,
    example,
    page_of,
)
from care import follow_ups, listing
from care.model import Actor
from care.tables import Hazard

router = APIRouter(tags=["visits and after"])
_FIRST: dict[int | str, dict[str, Any]] = {409: refusal("Somebody was first; `winner` says who.")}


class HazardIn(Body):
    model_config = Body.model_config | example(
        home_id="home-2j8dq", text="燃气软管老化", incident_id=None
    )
    home_id: Ident | None = None
    elder_id: Ident | None = None
    visit_id: Ident | None = None
    incident_id: Ident | None = None
    text: Text
    found_at: When | None = None


class RemedyIn(Body):
    model_config = Body.model_config | example(remedy="已更换软管")
    remedy: Text


class HazardOut(Out):
    model_config = Out.model_config | example(
        id="hazard-5s0tb",
        home_id="home-2j8dq",
        elder_id="elder-9w3k7",
        visit_id=None,
        incident_id=None,
        device_id=None,
        code=None,
        text="燃气软管老化",
        found_at="2026-03-01T00:40:00Z",
        remedied_at=None,
        remedied_by=None,
        remedy=None,
        created_at="2026-03-01T00:45:00Z",
    )
    id: str
    home_id: str
    elder_id: str | None
    visit_id: str | None
    incident_id: str | None
    device_id: str | None
    code: str | None  # no_smoke_detection: noted by Anju itself
    text: str
    found_at: datetime
    remedied_at: datetime | None
    remedied_by: str | None
    remedy: str | None
    created_at: datetime


class HazardFilters(Filters):
    elder_id: Ident | None = None
    incident_id: Ident | None = None
    open: Annotated[bool, Field(description="Only what is not remedied yet.")] = False
    home_id: Ident | None = None
    device_id: Ident | None = None
    code: Ident | None = None


@router.get("/hazards", summary="List hazards", response_model=PageOut[HazardOut])
async def list_hazards(
    _actor: Annotated[Actor, allowed("hazards.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[HazardFilters, Query()],
) -> dict[str, Any]:
    """Latest first."""
    page = await listing.hazards(
        session,
        sight,
        query.page,
        home_id=query.home_id,
        elder_id=query.elder_id,
        incident_id=query.incident_id,
        device_id=query.device_id,
        code=query.code,
        open_only=query.open,
    )
    return page_of(page, page.items)


@router.post("/hazards", summary="Report a hazard", status_code=201, response_model=HazardOut)
async def create_hazard(
    actor: Annotated[Actor, allowed("hazards.write")], session: Writing, now: Now, body: HazardIn
) -> Hazard:
    """In `home_id`, or where `elder_id` lives."""
    return await aftercare.add_hazard(session, actor, now, **body.model_dump())


@router.get("/hazards/{hazard_id}", summary="Read a hazard", response_model=HazardOut)
async def read_hazard(
    _actor: Annotated[Actor, allowed("hazards.read")],
    sight: SightDep,
    session: Reading,
    hazard_id: str,
) -> Hazard:
    return await follow_ups.find_hazard(session, sight, hazard_id)


@router.post(
    "/hazards/{hazard_id}/remedy",
    summary="Say that a hazard is gone",
    response_model=HazardOut,
    responses=_FIRST,
)
async def remedy_hazard(
    actor: Annotated[Actor, allowed("hazards.write")],
    session: Writing,
    now: Now,
    hazard_id: str,
    body: RemedyIn,
) -> Hazard:
    return await aftercare.remedy_hazard(session, actor, now, hazard_id, remedy=body.remedy)
