"""Areas: counties, towns, villages, grids."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Ident,
    LongName,
    Out,
    PageOut,
    When,
    example,
    page_of,
)
from care import areas, listing, queries
from care.model import Actor, AreaLevel
from care.tables import Area

router = APIRouter(prefix="/areas", tags=["areas"])


class AreaIn(Body):
    model_config = Body.model_config | example(name="城关村", level="village", parent_id=None)
    name: LongName
    level: AreaLevel
    parent_id: Ident | None = None


class AreaPatch(Body):
    model_config = Body.model_config | example(
        alert_until="2026-03-02T00:00:00Z", alert_reason="台风"
    )
    name: LongName = NOT_GIVEN
    level: AreaLevel = NOT_GIVEN
    parent_id: Ident | None = None
    alert_until: When | None = Field(
        None, description="Extreme weather here and below, until then; null ends it."
    )
    alert_reason: LongName | None = None


class AreaOut(Out):
    model_config = Out.model_config | example(
        id="area-5p2v0",
        name="城关村",
        level="village",
        parent_id=None,
        path="/area-5p2v0/",
        alert_until=None,
        alert_reason=None,
        created_at="2026-03-01T00:15:00Z",
    )
    id: str
    name: str
    level: str
    parent_id: str | None
    path: str = Field(description="`/county/town/…/` of ids; below it lies everything inside.")
    alert_until: datetime | None
    alert_reason: str | None
    created_at: datetime


class AreaFilters(Filters):
    parent_id: Ident | None = None


@router.get("", summary="List areas", response_model=PageOut[AreaOut])
async def list_areas(
    _actor: Annotated[Actor, allowed("areas.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[AreaFilters, Query()],
) -> dict[str, Any]:
    page = await listing.areas(session, sight, query.page, parent_id=query.parent_id)
    return page_of(page, page.items)


@router.post("", summary="Add an area", status_code=201, response_model=AreaOut)
async def create_area(
    actor: Annotated[Actor, allowed("areas.write")], session: Writing, now: Now, body: AreaIn
) -> Area:
    """`parent_id` null puts it at the top, which somebody limited to an area may not."""
    return await areas.create_area(
        session, actor, now, name=body.name, level=body.level, parent_id=body.parent_id
    )


@router.get("/{area_id}", summary="Read an area", response_model=AreaOut)
async def read_area(
    actor: Annotated[Actor, allowed("areas.read")], session: Reading, area_id: str
) -> Area:
    return await queries.area(session, actor.scope, area_id)


@router.patch("/{area_id}", summary="Change an area", response_model=AreaOut)
async def update_area(
    actor: Annotated[Actor, allowed("areas.write")],
    session: Writing,
    now: Now,
    area_id: str,
    body: AreaPatch,
) -> Area:
    """A new `parent_id` moves the area with everything below it. `alert_until` is the switch for
    extreme weather: until then an elder whom nothing watches becomes a task after fewer hours."""
    return await areas.update_area(session, actor, now, area_id, body.changes())
