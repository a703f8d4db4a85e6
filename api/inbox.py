"""The inbox: messages that could not be read, and devices that nobody registered."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from alerting.intake import inbox
from alerting.tables import QuarantineRow
from api.dependencies import Reading, SightDep, allowed
from api.schemas import Filters, Ident, Out, PageOut, example, page_of
from care.model import Actor

router = APIRouter(tags=["inbox"])


class QuarantineOut(Out):
    model_config = Out.model_config | example(
        id="17",
        source_id="native",
        child_id="btn-0001",
        topic="anju/v1/btn-0001/event",
        reason="not_json",
        text="{oops",
        payload_base64="e29vcHM=",
        received_at="2026-03-01T00:15:00Z",
    )
    id: str
    source_id: str | None
    child_id: str | None
    topic: str
    reason: str
    text: str  # as UTF-8 where it is, with � where it is not
    payload_base64: str  # the first 4 KiB, byte for byte
    received_at: datetime


class UnknownDeviceOut(Out):
    model_config = Out.model_config | example(
        source_id="src-3v9yb",
        child_id="0x00158d0000000001",
        name="厨房烟感",
        model="JTYJ-GD-01LM/BW",
        vendor="Xiaomi",
        capabilities=["smoke", "battery"],
        said="battery_pct=97 %",
        messages=12,
        first_seen_at="2026-02-28T08:00:00Z",
        last_seen_at="2026-03-01T00:10:00Z",
    )
    source_id: str
    child_id: str
    name: str
    model: str
    vendor: str
    capabilities: list[str]
    said: str
    messages: int
    first_seen_at: datetime
    last_seen_at: datetime


class InboxFilters(Filters):
    source_id: Ident | None = None


def _shown(row: QuarantineRow) -> QuarantineOut:
    return QuarantineOut(
        id=str(row.id),
        source_id=row.source_id,
        child_id=row.child_id,
        topic=row.topic,
        reason=row.reason,
        text=row.payload.decode("utf-8", "replace"),
        payload_base64=base64.b64encode(row.payload).decode(),
        received_at=row.received_at,
    )


@router.get(
    "/quarantine", summary="Messages nobody could read", response_model=PageOut[QuarantineOut]
)
async def list_quarantine(
    _actor: Annotated[Actor, allowed("inbox.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[InboxFilters, Query()],
) -> dict[str, Any]:
    """Latest first. Bounded: the oldest go when it is full."""
    page = await inbox.quarantined(session, sight, query.page, source_id=query.source_id)
    return page_of(page, map(_shown, page.items))


@router.get(
    "/unknown-devices",
    summary="Devices nobody registered",
    response_model=PageOut[UnknownDeviceOut],
)
async def list_unknown_devices(
    _actor: Annotated[Actor, allowed("inbox.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[InboxFilters, Query()],
) -> dict[str, Any]:
    """Register one with `POST devices`, giving its `source_id` and `child_id`."""
    page = await inbox.unknown_devices(session, sight, query.page, source_id=query.source_id)
    return page_of(page, page.items)
