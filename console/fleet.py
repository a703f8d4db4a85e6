"""The fleet page: what is in service, what needs somebody, whom nothing watches, and the export."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet import export, overview
from alerting.fleet.trends import signal_band
from care.paging import PageRequest
from care.permissions import require
from care.queries import in_scope
from care.tables import Area
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from core.errors import NotFound
from devices.registry import FAMILIES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ROWS = 100
SUMMED = ("in_service", "silent", "low_battery", "untested", "test_due")
"""What the table of areas counts."""
OPEN_UP_TO = 6
"""So many areas are shown at once; more are folded away."""


async def fleet_values(
    session: AsyncSession, page: PageContext, wanted: overview.Wanted, cursor: str
) -> dict[str, Any]:
    """Everything the tab of registered devices shows."""
    found = await overview.fleet(
        session, page.sight, PageRequest(limit=ROWS, cursor=cursor or None), wanted, page.now
    )
    ids = [row.device.id for row in found.items]
    qualities = await overview.link_qualities(session, ids, page.now)
    names = {name: family.title_zh for name, family in FAMILIES.items()}
    if page.lang == "en":
        names = {name: family.title_en for name, family in FAMILIES.items()}
    areas = await session.execute(
        select(Area.id, Area.name).where(in_scope(Area.id, page.who.scope)).order_by(Area.path)
    )
    by_area = await overview.by_area(session, page.sight, page.now)
    return {
        "rows": found.items,
        "next_cursor": found.next_cursor,
        "wanted": wanted,
        "filters": overview.FILTERS,
        "counts": await overview.counts(session, page.sight, wanted, page.now)
        if wanted.area_id or wanted.family or wanted.q
        else overview.total(by_area),
        "summed": SUMMED,
        "by_area": by_area,
        "open_up_to": OPEN_UP_TO,
        "areas": areas.all(),
        "families": names,
        "trends": await overview.battery_trends(session, ids, page.now),
        "signals": {
            row.device.id: signal_band(
                row.state.rssi_dbm if row.state else None, qualities.get(row.device.id)
            )
            for row in found.items
        },
        "link": lambda **change: _link(wanted, change),
    }


def _link(wanted: overview.Wanted, change: Mapping[str, str], path: str = "/devices") -> str:
    """The address of the same list with one thing changed."""
    values = {
        "show": wanted.show,
        "area": wanted.area_id,
        "family": wanted.family,
        "q": wanted.q,
    } | dict(change)
    path = values.pop("path", path)
    kept = {name: value for name, value in values.items() if value and value != "all"}
    return f"{path}?{urlencode(kept)}" if kept else path


def wanted_of(show: str, area: str, family: str, q: str) -> overview.Wanted:
    """The filters of an address; a filter that nobody knows shows everything."""
    return overview.Wanted(
        show=show if show in overview.FILTERS else "all",
        area_id=area[:64],
        family=family[:40],
        q=q.strip()[:100],
    )


@router.get("/devices/export.{kind}")
async def export_devices(
    page: AtDesk, kind: str, show: str = "all", area: str = "", family: str = "", q: str = ""
) -> Response:
    """The filtered list as CSV or XLSX, whole."""
    require(page.who, "devices.read")
    if kind not in export.MEDIA_TYPES:
        raise NotFound("export", kind)
    wanted = wanted_of(show, area, family, q)
    async with page.services.db.reading() as session:
        rows = [row async for row in overview.whole_fleet(session, page.sight, wanted, page.now)]
    body = await asyncio.to_thread(export.exported, kind, rows, page.zone, page.lang)
    name = f"anju-devices-{page.today.isoformat()}.{kind}"
    return Response(
        body,
        media_type=export.MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": f"attachment; filename={name}",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
