"""The fleet as a whole: counts by area, its export, and elders whom nothing watches."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from alerting.fleet import export, idle, overview, unwatched
from api.dependencies import Language, Now, Reading, ServicesDep, SightDep, allowed
from api.schemas import Filters, Ident, Out, PageOut, example, page_of
from care.model import Actor

router = APIRouter(tags=["sources and devices"])
_COUNTS = {
    "all": 120,
    "in_service": 110,
    "silent": 3,
    "never": 1,
    "low_battery": 4,
    "untested": 2,
    "test_due": 17,
    "unsupervisable": 5,
    "old_firmware": 0,
}
_AREA = {"area_id": "area-5p2v0", "area_name": "城关村", "counts": _COUNTS}
_LOST = {
    "device_id": "btn-0001",
    "role": "sos_button",
    "room": "卧室",
    "why": "silent",
    "since": "2026-03-01T00:15:00Z",
}


_IDLE = {"device_id": "elec-0001", "role": "electricity_meter", "room": None, "why": "rule_off"}


class CountsOut(Out):
    """How many devices each filter of the fleet would show."""

    model_config = Out.model_config | example(**_COUNTS)
    all: int
    in_service: int
    silent: int
    never: int
    low_battery: int
    untested: int
    test_due: int
    unsupervisable: int
    old_firmware: int


class AreaFleetOut(Out):
    model_config = Out.model_config | example(**_AREA)
    area_id: str | None
    area_name: str | None
    counts: CountsOut


class FleetOut(Out):
    """`unsupervised`: elders whom nothing watches now."""

    model_config = Out.model_config | example(counts=_COUNTS, areas=[_AREA], unsupervised=2)
    counts: CountsOut
    areas: list[AreaFleetOut]
    unsupervised: int


class LostOut(Out):
    model_config = Out.model_config | example(**_LOST)
    device_id: str
    role: str
    room: str | None
    why: str
    since: datetime | None


class UnsupervisedOut(Out):
    model_config = Out.model_config | example(
        elder_id="elder-9w3k7",
        name="李桂兰",
        phone="13800138000",
        home_id="home-2j8dq",
        area_id="area-5p2v0",
        since="2026-03-01T00:15:00Z",
        due_at="2026-03-02T00:15:00Z",
        incident_id=None,
        hours=24,
        extreme=None,
        lost=[_LOST],
    )
    elder_id: str
    name: str
    phone: str | None
    home_id: str
    area_id: str | None
    since: datetime
    due_at: datetime | None  # null: the task was opened
    incident_id: str | None
    hours: int
    extreme: str | None  # extreme_weather or mass_outage: why it is sooner than usual
    lost: list[LostOut]


class IdleDeviceOut(Out):
    """`why`: rule_off coarse_steps too_rare learning no_base_load."""

    model_config = Out.model_config | example(**_IDLE)
    device_id: str
    role: str
    room: str | None
    why: str


class IdleElderOut(Out):
    model_config = Out.model_config | example(
        elder_id="elder-9w3k7",
        name="李桂兰",
        phone="13800138000",
        home_id="home-2j8dq",
        area_id="area-5p2v0",
        devices=[_IDLE],
    )
    elder_id: str
    name: str
    phone: str | None
    home_id: str
    area_id: str | None
    devices: list[IdleDeviceOut]


class ExportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: Literal["csv", "xlsx"] = "csv"
    show: overview.Show = "all"
    area_id: Ident | None = None
    family: Ident | None = None
    q: Annotated[str, Field(max_length=100)] = ""


@router.get("/fleet", summary="Count the fleet", response_model=FleetOut)
async def read_fleet(
    _actor: Annotated[Actor, allowed("devices.read")], sight: SightDep, session: Reading, now: Now
) -> dict[str, Any]:
    """All devices and every area's, by the filters of the fleet page."""
    areas = await overview.by_area(session, sight, now)
    return {
        "counts": overview.total(areas),
        "areas": areas,
        "unsupervised": await unwatched.count_unwatched(session, sight),
    }


@router.get(
    "/devices/export",
    summary="Export the fleet",
    response_class=Response,
    responses={200: {"content": {media: {} for media in export.MEDIA_TYPES.values()}}},
)
async def export_fleet(
    request: Request,
    _actor: Annotated[Actor, allowed("devices.read")],
    sight: SightDep,
    session: Reading,
    now: Now,
    lang: Language,
    query: Annotated[ExportQuery, Query()],
) -> Response:
    """CSV (UTF-8 with a byte order mark) or XLSX, in the caller's language; no formula in it."""
    wanted = overview.Wanted(
        show=query.show, area_id=query.area_id or "", family=query.family or "", q=query.q
    )
    rows = [row async for row in overview.whole_fleet(session, sight, wanted, now)]
    zone = request.app.state.services.settings.zone
    body = await asyncio.to_thread(export.exported, query.format, rows, zone, lang)
    name = f"attachment; filename=devices.{query.format}"
    return Response(
        body,
        media_type=export.MEDIA_TYPES[query.format],
        headers={"Content-Disposition": name, "Cache-Control": "no-store"},
    )


@router.get(
    "/supervision",
    summary="List elders whom nothing watches",
    response_model=PageOut[UnsupervisedOut],
)
async def list_unsupervised(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """Longest first. `due_at` is when people are sent, unless a device comes back."""
    page = await unwatched.unwatched(session, sight, query.page)
    items = [
        {
            "elder_id": elder.id,
            "name": elder.name,
            "phone": elder.phone,
            "home_id": elder.home_id,
            "area_id": elder.area_id,
            "since": row.since,
            "due_at": row.due_at,
            "incident_id": row.incident_id,
            "hours": row.data["hours"],
            "extreme": row.data["extreme"],
            "lost": row.data["lost"],
        }
        for row, elder in page.items
    ]
    return page_of(page, items)


@router.get(
    "/supervision/idle",
    summary="List elders whose devices notice nothing",
    response_model=PageOut[IdleElderOut],
)
async def list_idle(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    now: Now,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """Their devices speak, but a rule is switched off, or a meter cannot tell; nobody is sent
    because of it. A page may hold fewer than `limit` though another follows."""
    zone = services.settings.timezone
    page = await idle.idle_elders(session, sight, query.page, now, zone)
    items = [
        {
            "elder_id": one.elder.id,
            "name": one.elder.name,
            "phone": one.elder.phone,
            "home_id": one.elder.home_id,
            "area_id": one.elder.area_id,
            "devices": [
                {name: getattr(device, name) for name in IdleDeviceOut.model_fields}
                for device in one.devices
            ],
        }
        for one in page.items
    ]
    return page_of(page, items)
