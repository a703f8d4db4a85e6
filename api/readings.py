"""What a device has measured, as it was stored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting import queries
from alerting.intake import inbox
from api.dependencies import Reading, SightDep, allowed
from api.schemas import Filters, Ident, Out, PageOut, When, example, page_of
from care.model import Actor

router = APIRouter(prefix="/readings", tags=["sources and devices"])


class ReadingOut(Out):
    model_config = Out.model_config | example(
        register="water_total", at="2026-03-01T00:00:00Z", value=12.345
    )
    register_: str = Field(alias="register")
    at: datetime
    value: float


class ReadingFilters(Filters):
    device_id: Ident
    register_: Annotated[str | None, Field(alias="register", max_length=64)] = None
    since: When | None = None


@router.get("", summary="A device's readings", response_model=PageOut[ReadingOut])
async def list_readings(
    _actor: Annotated[Actor, allowed("readings.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[ReadingFilters, Query()],
) -> dict[str, Any]:
    """Oldest first; units are those of the protocol's registers."""
    await queries.device(session, sight, query.device_id)
    page = await inbox.readings(
        session, query.page, query.device_id, register=query.register_, since=query.since
    )
    return page_of(page, page.items)
