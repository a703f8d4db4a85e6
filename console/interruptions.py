"""Areas whose water does not come: suspected, recorded, and the homes that nobody notices then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling.interrupted import announce
from alerting.intake.dry_homes import count_unnoticed, dry_homes
from care import interruption_queries, interruptions
from care.permissions import may, require
from care.queries import in_scope
from care.supply import BACK_MOST, SupplyState
from care.tables import Area, Binding, Device, Home, Interruption
from console import times
from console.context import AtDesk, PageContext
from console.errors import PageRoute, explain, status_of
from console.forms import local_time, required, version_of
from console.watch import minute_text
from core.db import after_commit
from core.errors import AnjuError, InvalidInput, NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)
USUAL = timedelta(hours=12)
SHOWN = 300
"""Homes on the page, most urgent first; the heading counts all."""


@router.get("/interruptions")
async def shown(page: AtDesk, of: str = "", area: str = "") -> Response:
    """The list and the form; `of` fills it in from a suspicion, `area` cuts the homes."""
    require(page.who, "interruptions.read")
    typed: dict[str, str] = {}
    if of:
        async with page.services.db.reading() as session:
            row = await interruption_queries.find(session, page.sight, of[:64])
        begins_at = max(row.begins_at, page.now - BACK_MOST + timedelta(hours=1))
        typed = {
            "area_id": row.area_id,
            "begins_at": times.local_field(begins_at, page.zone),
            "until": times.local_field(page.now + USUAL, page.zone),
        }
    return await _page(page, typed, area=area[:64])


@router.post("/interruptions")
async def record(page: AtDesk) -> Response:
    require(page.who, "interruptions.write")
    fields = await page.fields()
    try:
        begins_at = None
        if fields.get("begins_at"):
            begins_at = local_time(fields, "begins_at", page.zone)
        area_id, reason = required(fields, "area_id"), required(fields, "reason")
        until = local_time(fields, "until", page.zone)
        async with page.services.db.transaction() as session:
            row = await interruptions.record(
                session,
                page.who,
                page.now,
                area_id=area_id,
                begins_at=begins_at,
                until=until,
                reason=reason,
            )
            announce(session, row, page.now)
            after_commit(session, page.services.signals.supply.set)
    except AnjuError as error:
        return await _page(page, fields, status=status_of(error), trouble=_words(error, page))
    return page.go_to("/interruptions")


@router.post("/interruptions/{interruption_id}/{act}")
async def act(page: AtDesk, interruption_id: str, act: str) -> Response:
    """Move its end, end it now, or say that a suspected one is none."""
    require(page.who, "interruptions.write")
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            row = await _acted(session, page, interruption_id, act, fields)
            announce(session, row, page.now)
            after_commit(session, page.services.signals.supply.set)
    except NotFound:
        raise
    except AnjuError as error:
        return await _page(page, {}, status=status_of(error), trouble=_words(error, page))
    return page.go_to("/desk" if fields.get("back") == "desk" else "/interruptions")


async def _acted(
    session: AsyncSession, page: PageContext, ident: str, act: str, fields: Mapping[str, str]
) -> Interruption:
    version = version_of(fields)
    if act == "end":
        return await interruptions.end(session, page.who, page.now, ident, version)
    if act == "dismiss":
        return await interruptions.dismiss(session, page.who, page.now, ident, version)
    if act == "move":
        until = local_time(fields, "until", page.zone)
        return await interruptions.move_end(
            session, page.who, page.now, ident, until=until, version=version
        )
    raise NotFound("page", act)


def _words(error: AnjuError, page: PageContext) -> str:
    """The refusal with the field's name as the form shows it, and what it may be."""
    t = page.words
    if not isinstance(error, InvalidInput) or not t.has(f"supply.field_{error.field}"):
        return explain(error, page)
    label, own = t(f"supply.field_{error.field}"), f"problem.{error.problem}"
    bad = t(own) if t.has(own) else t(f"supply.bad_{error.field}")
    return f"{label}{t('list.colon')}{bad}"


async def _page(
    page: PageContext, typed: Mapping[str, str], status: int = 200, area: str = "", **more: Any
) -> Response:
    async with page.services.db.reading() as session:
        open_ones = await interruption_queries.running(session, page.sight)
        over = await _over(session, page)
        homes = await dry_homes(session, page.sight, page.now, area or None)
        areas = await session.execute(
            select(Area.id, Area.name, Area.level)
            .where(in_scope(Area.id, page.who.scope))
            .order_by(Area.path)
        )
        names = areas.all()
    values = {
        "running": open_ones,
        "over": over,
        "homes": homes[:SHOWN],
        "all_homes": len(homes),
        "areas": names,
        "area": area,
        "typed": typed,
        "suspected": SupplyState.SUSPECTED.value,
        "may_change": may(page.who, "interruptions.write"),
        "usual_until": times.local_field(page.now + USUAL, page.zone),
        "local_field": lambda moment: times.local_field(moment, page.zone),
        "minute": partial(minute_text, page=page),
    }
    return page.render("interruptions.html", status, **({"trouble": None} | values | more))


async def _over(session: AsyncSession, page: PageContext) -> list[tuple[Interruption, str]]:
    """The last ones that are over."""
    rows = await session.execute(
        select(Interruption, Area.name)
        .join(Area, Area.id == Interruption.area_id)
        .where(
            interruption_queries.visible(page.sight),
            Interruption.state.not_in(interruptions.OPEN),
        )
        .order_by(Interruption.ended_at.desc(), Interruption.id)
        .limit(10)
    )
    return [(row[0], row[1]) for row in rows]


async def load_band(session: AsyncSession, page: PageContext) -> dict[str, Any]:
    """What the desk says above its queue."""
    open_ones = await interruption_queries.running(session, page.sight)
    begun = [one for one in open_ones if one[0].begins_at <= page.now]
    held = [row for row, _ in begun if row.state == SupplyState.RECORDED.value]
    dry, alone = await count_unnoticed(session, page.sight, page.now) if held else (0, 0)
    return {
        "cuts": begun,
        "minute": partial(minute_text, page=page),
        "dry": dry,
        "unnoticed": alone,
    }


async def of_home(session: AsyncSession, home: Home, now: datetime) -> Interruption | None:
    """What an elder's page says of the supply: recorded ones only while a meter rests for it."""
    resting = select(Device.id).join(Binding, Binding.device_id == Device.id)
    resting = resting.where(
        Binding.home_id == home.id, Binding.valid_to.is_(None), Device.dry_since.is_not(None)
    )
    rests = await session.scalar(resting.limit(1)) is not None
    for row in await interruption_queries.holding(session, home.area_id, now):
        if rests or row.state == SupplyState.SUSPECTED.value:
            return row
    return None
