"""Silences: a person asks not to be told of a welfare or technical matter for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.administration import silences
from alerting.tables import Silence
from api.dependencies import Now, Reading, Writing, allowed
from api.schemas import Body, Filters, Ident, Out, PageOut, Text, When, example, page_of
from care.model import Actor

router = APIRouter(prefix="/silences", tags=["alerting"])


class SilenceIn(Body):
    """At least one of kind, device, home, area; those named together must all fit."""

    model_config = Body.model_config | example(
        kind="battery_low",
        device_id="smoke-7",
        reason="电池已下单",
        ends_at="2026-03-05T00:00:00Z",
    )
    kind: Ident | None = None
    device_id: Ident | None = None
    home_id: Ident | None = None
    area_id: Ident | None = None
    reason: Text
    ends_at: When


class SilenceOut(Out):
    model_config = Out.model_config | example(
        id="sil-2f8xw",
        kind="battery_low",
        device_id="smoke-7",
        home_id=None,
        area_id=None,
        reason="电池已下单",
        created_by="usr-0r5t1",
        created_at="2026-03-01T00:15:00Z",
        ends_at="2026-03-05T00:00:00Z",
    )
    id: str
    kind: str | None
    device_id: str | None
    home_id: str | None
    area_id: str | None
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime


class SilenceFilters(Filters):
    all: Annotated[bool, Field(description="Also those that have ended.")] = False


@router.get("", summary="List silences", response_model=PageOut[SilenceOut])
async def list_silences(
    actor: Annotated[Actor, allowed("silences.read")],
    session: Reading,
    now: Now,
    query: Annotated[SilenceFilters, Query()],
) -> dict[str, Any]:
    """Those in force, latest first."""
    page = await silences.listed(session, actor, query.page, now, all_=query.all)
    return page_of(page, page.items)


@router.post("", summary="Silence a matter", status_code=201, response_model=SilenceOut)
async def create_silence(
    actor: Annotated[Actor, allowed("silences.write")], session: Writing, now: Now, body: SilenceIn
) -> Silence:
    """Life safety is never silenced: naming such a kind is refused, and without a kind it is
    left alone all the same."""
    return await silences.create_silence(session, actor, now, **body.model_dump())


@router.get("/{silence_id}", summary="Read a silence", response_model=SilenceOut)
async def read_silence(
    actor: Annotated[Actor, allowed("silences.read")], session: Reading, silence_id: str
) -> Silence:
    return await silences.find_silence(session, actor, silence_id)


@router.post("/{silence_id}/end", summary="End a silence", response_model=SilenceOut)
async def end_silence(
    actor: Annotated[Actor, allowed("silences.write")],
    session: Writing,
    now: Now,
    silence_id: str,
) -> Silence:
    """From now on people are told again."""
    return await silences.end_silence(session, actor, now, silence_id)
