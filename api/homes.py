"""Homes: address, place on the map, residents, shared devices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from alerting.handling import absences
from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Address,
    Body,
    Filters,
    Ident,
    LongName,
    Out,
    PageOut,
    Text,
    Whole,
    example,
    page_of,
)
from care import listing, people, queries
from care.limits import FENCE_M, a_number
from care.model import Actor
from care.tables import Home

router = APIRouter(prefix="/homes", tags=["homes and elders"])


Latitude = Annotated[
    float, BeforeValidator(a_number), Field(ge=-90, le=90, description="Degrees, WGS 84.")
]
Longitude = Annotated[
    float, BeforeValidator(a_number), Field(ge=-180, le=180, description="Degrees, WGS 84.")
]
FenceM = Annotated[
    Whole, Field(ge=FENCE_M[0], le=FENCE_M[1], description="Metres from home that are too far.")
]


class HomeIn(Body):
    model_config = Body.model_config | example(address="城关村 12 号", area_id="area-5p2v0")
    address: Address = ""
    name: LongName | None = None
    area_id: Ident | None = None
    note: Text | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    fence_m: FenceM | None = None


class HomePatch(Body):
    model_config = Body.model_config | example(note="钥匙在 301")
    address: Address = NOT_GIVEN
    name: LongName | None = None
    area_id: Ident | None = None
    note: Text | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    fence_m: FenceM | None = None


class HomeOut(Out):
    model_config = Out.model_config | example(
        id="home-2j8dq",
        name=None,
        address="城关村 12 号",
        area_id="area-5p2v0",
        note=None,
        latitude=23.13171,
        longitude=113.26627,
        fence_m=300,
        created_at="2026-03-01T00:15:00Z",
    )
    id: str
    name: str | None
    address: str
    area_id: str | None
    note: str | None
    latitude: float | None
    longitude: float | None
    fence_m: int | None
    created_at: datetime


class HomeFilters(Filters):
    area_id: Ident | None = None


@router.get("", summary="List homes", response_model=PageOut[HomeOut])
async def list_homes(
    _actor: Annotated[Actor, allowed("homes.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[HomeFilters, Query()],
) -> dict[str, Any]:
    page = await listing.homes(session, sight, query.page, area_id=query.area_id)
    return page_of(page, page.items)


@router.post("", summary="Add a home", status_code=201, response_model=HomeOut)
async def create_home(
    actor: Annotated[Actor, allowed("homes.write")], session: Writing, now: Now, body: HomeIn
) -> Home:
    return await people.create_home(
        session,
        actor,
        now,
        address=body.address,
        name=body.name,
        area_id=body.area_id,
        note=body.note,
        latitude=body.latitude,
        longitude=body.longitude,
        fence_m=body.fence_m,
    )


@router.get("/{home_id}", summary="Read a home", response_model=HomeOut)
async def read_home(
    _actor: Annotated[Actor, allowed("homes.read")],
    sight: SightDep,
    session: Reading,
    home_id: str,
) -> Home:
    return await queries.home(session, sight, home_id)


@router.patch("/{home_id}", summary="Change a home", response_model=HomeOut)
async def update_home(
    actor: Annotated[Actor, allowed("homes.write")],
    session: Writing,
    now: Now,
    home_id: str,
    body: HomePatch,
) -> Home:
    """A new `area_id` takes residents and devices along."""
    return await absences.update_home(session, actor, now, home_id, body.changes())
