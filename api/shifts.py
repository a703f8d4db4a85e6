"""Shifts: who carries the on-call phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dependencies import Reading, SightDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Ident,
    Out,
    PageOut,
    Phone,
    When,
    example,
    page_of,
)
from care import listing, shifts
from care.model import Actor
from care.tables import Shift

router = APIRouter(prefix="/shifts", tags=["alerting"])


class ShiftIn(Body):
    """Without `ends_at`: until it is set. Without `phone`: the user's own."""

    model_config = Body.model_config | example(
        user_id="usr-0r5t1", starts_at="2026-03-01T12:00:00Z", ends_at="2026-03-02T00:00:00Z"
    )
    user_id: Ident
    starts_at: When
    ends_at: When | None = None
    area_id: Ident | None = None
    phone: Phone | None = None


class ShiftPatch(Body):
    model_config = Body.model_config | example(ends_at="2026-03-01T20:00:00Z")
    starts_at: When = NOT_GIVEN
    ends_at: When | None = None
    area_id: Ident | None = None
    phone: Phone | None = None


class ShiftOut(Out):
    model_config = Out.model_config | example(
        id="shift-7y3ka",
        user_id="usr-0r5t1",
        area_id=None,
        phone=None,
        starts_at="2026-03-01T12:00:00Z",
        ends_at="2026-03-02T00:00:00Z",
    )
    id: str
    user_id: str
    area_id: str | None
    phone: str | None
    starts_at: datetime
    ends_at: datetime | None


class ShiftFilters(Filters):
    user_id: Ident | None = None


@router.get("", summary="List shifts", response_model=PageOut[ShiftOut])
async def list_shifts(
    _actor: Annotated[Actor, allowed("shifts.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[ShiftFilters, Query()],
) -> dict[str, Any]:
    """Latest first."""
    page = await listing.shifts(session, sight, query.page, user_id=query.user_id)
    return page_of(page, page.items)


@router.post("", summary="Put somebody on call", status_code=201, response_model=ShiftOut)
async def create_shift(
    actor: Annotated[Actor, allowed("shifts.write")], session: Writing, body: ShiftIn
) -> Shift:
    return await shifts.add_shift(session, actor, **body.model_dump())


@router.get("/{shift_id}", summary="Read a shift", response_model=ShiftOut)
async def read_shift(
    actor: Annotated[Actor, allowed("shifts.read")], session: Reading, shift_id: str
) -> Shift:
    return await shifts.find_shift(session, actor, shift_id)


@router.patch("/{shift_id}", summary="Change or end a shift", response_model=ShiftOut)
async def update_shift(
    actor: Annotated[Actor, allowed("shifts.write")],
    session: Writing,
    shift_id: str,
    body: ShiftPatch,
) -> Shift:
    return await shifts.update_shift(session, actor, shift_id, body.changes())
