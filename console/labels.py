"""A sheet of labels to print: chosen devices, or all of an area or a home."""

from __future__ import annotations

from fastapi import APIRouter, Response

from alerting import queries
from care.paging import PageRequest
from care.permissions import require
from console.context import AtDesk
from console.errors import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST_LABELS = 300
_MOST_IDS = 6000


@router.get("/devices/labels")
async def labels(page: AtDesk, ids: str = "", area: str = "", home: str = "") -> Response:
    """`ids` is a comma list; with none of the three, the devices enrolled first."""
    require(page.who, "devices.write")
    wanted = list(dict.fromkeys(one for one in ids[:_MOST_IDS].split(",") if one))[:MOST_LABELS]
    async with page.services.db.reading() as session:
        if wanted:
            views = [await queries.device(session, page.sight, one) for one in wanted]
        else:
            found = await queries.devices(
                session,
                page.sight,
                PageRequest(limit=MOST_LABELS, cursor=None),
                area_id=area or None,
                home_id=home or None,
            )
            views = [one for one in found.items if one.device.active]
    return page.render(
        "device_labels.html", devices=[view.device for view in views], most=MOST_LABELS
    )
