"""The watch list: homes nearest to their limit, silent meters, learning homes, and the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.habit import YOUNG_DAYS
from alerting.detectors.view import moment, seconds
from alerting.watchlist import export as watch_export
from alerting.watchlist.listing import SHOWN, watchlist, whole_watchlist
from alerting.watchlist.rows import Wanted, WatchRow
from alerting.watchlist.standing import Standing, is_soon
from care.paging import PageRequest
from care.permissions import require
from care.queries import in_scope
from care.tables import Area
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.watch_bar import bar_of
from core.errors import InvalidInput

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ROWS = 50


@router.get("/watch")
async def watch(
    page: AtDesk, show: str = "near", area: str = "", q: str = "", cursor: str = ""
) -> Response:
    """One section of the list, with how many homes the others have."""
    require(page.who, "devices.read")
    wanted = wanted_of(show, area, q)
    async with page.services.db.reading() as session:
        values = await _list_values(session, page, wanted, cursor)
        areas = await session.execute(
            select(Area.id, Area.name).where(in_scope(Area.id, page.who.scope)).order_by(Area.path)
        )
        values["areas"] = areas.all()
    return page.render("watch.html", **values)


@router.get("/watch/rows")
async def rows(
    page: AtDesk, show: str = "near", area: str = "", q: str = "", cursor: str = ""
) -> Response:
    """Counts and rows for a page that is already there."""
    require(page.who, "devices.read")
    async with page.services.db.reading() as session:
        values = await _list_values(session, page, wanted_of(show, area, q), cursor)
    return page.render("watch_parts.html", **values)


@router.get("/watch/export.csv")
async def export(page: AtDesk, show: str = "near", area: str = "", q: str = "") -> Response:
    """The section as CSV, whole."""
    require(page.who, "devices.read")
    zone = page.services.settings.timezone
    async with page.services.db.reading() as session:
        found = await whole_watchlist(session, page.sight, wanted_of(show, area, q), page.now, zone)
    body = await asyncio.to_thread(watch_export.as_csv, found, page.zone, page.now)
    name = f"anju-watch-{page.today.isoformat()}.csv"
    return Response(
        body,
        media_type=watch_export.MEDIA_TYPE,
        headers={
            "Content-Disposition": f"attachment; filename={name}",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def wanted_of(show: str, area: str, q: str) -> Wanted:
    """The filters of an address; a section that nobody knows is the first one."""
    return Wanted(show=show if show in SHOWN else SHOWN[0], area_id=area[:64], q=q.strip()[:100])


async def _list_values(
    session: AsyncSession, page: PageContext, wanted: Wanted, cursor: str
) -> dict[str, Any]:
    ask = partial(watchlist, session, page.sight)
    zone = page.services.settings.timezone
    try:
        found = await ask(PageRequest(limit=ROWS, cursor=cursor or None), wanted, page.now, zone)
    except InvalidInput:  # not one that this section gave out: its first page
        cursor = ""
        found = await ask(PageRequest(limit=ROWS), wanted, page.now, zone)
    now_s = seconds(page.now)
    return {
        "found": found,
        "sections": SHOWN,
        "wanted": wanted,
        "cursor": cursor,
        "link": lambda **change: _link(wanted, change),
        "bar": lambda row: bar_of(row.standing, now_s),
        "soon": lambda row: is_soon(row.standing, now_s),
        "now_s": now_s,
        "minute": lambda at: minute_text(moment(at), page),
        "minute_of": lambda at: minute_text(at, page),
        "learning": learning_key,
        "why": lambda row: why_text(row, page),
        "place": place_of,
        "young_days": YOUNG_DAYS,
    }


def minute_text(at: datetime, page: PageContext) -> str:
    """`19:40` today, 明天 02:10, else `03-02 02:10`: limits are known to the minute."""
    local, today = at.astimezone(page.zone), page.today
    text = local.strftime("%H:%M")
    if local.date() == today:
        return text
    if local.date() == today + timedelta(days=1):
        return page.words("watch.tomorrow", at=text)
    return local.strftime("%m-%d %H:%M")


def why_text(row: WatchRow, page: PageContext) -> str:
    """What is wrong with how a home is watched, in a sentence."""
    standing = row.standing
    if standing.verdict == "away":
        return page.words(f"status.{standing.why}")
    if standing.why in ("doubted", "register_silent") and row.doubt:
        return page.say.doubt(row.doubt)
    return page.words(f"watch_why.{standing.why}") if standing.why else ""


def place_of(row: WatchRow) -> str:
    """Where a row leads: to what people do about it, else to the meter, else to the person."""
    if row.incident_id is not None:
        return f"/incidents/{row.incident_id}"
    if row.asking is not None:
        return f"/checks/{row.asking.check_id}"
    return f"/devices/{row.device_id}" if row.device_id is not None else f"/elders/{row.ident}"


def learning_key(standing: Standing) -> str:
    """Which rule holds while a home is being learnt; a key of [watch]."""
    return "learning_cold" if standing.day <= 14 else "learning_young"


def _link(wanted: Wanted, change: Mapping[str, str], path: str = "/watch") -> str:
    """The address of the same list with one thing changed."""
    values = {"show": wanted.show, "area": wanted.area_id, "q": wanted.q} | dict(change)
    path = values.pop("path", path)
    kept = {name: value for name, value in values.items() if value}
    if kept.get("show") == SHOWN[0]:
        del kept["show"]
    return f"{path}?{urlencode(kept)}" if kept else path
