"""Devices: who is online, who nobody knows, what could not be read, and registering a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet import equipment, sources
from alerting.fleet.idle import idle_elders
from alerting.fleet.smokeless import smokeless_homes
from alerting.fleet.unwatched import count_unwatched, unwatched
from alerting.intake.inbox import quarantined, unknown_devices
from care.equipment import MqttCredentials
from care.paging import PageRequest
from care.permissions import require
from care.tables import NATIVE_SOURCE, Device, Source, SourceChild
from console import queries
from console.context import AtDesk, PageContext
from console.errors import PageRoute, explain, status_of
from console.fleet import fleet_values, wanted_of
from console.forms import optional, required
from core.errors import AnjuError, NotFound
from devices.event import DEVICE_ROLES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
IDLE_SHOWN = 200
TABS = ("devices", "unsupervised", "smokeless", "unknown", "quarantine")
_ROLE_HINTS = {
    "smoke": "smoke_detector",
    "gas": "gas_detector",
    "water_leak": "leak_sensor",
    "contact": "door_contact",
    "occupancy": "motion_sensor",
    "action": "sos_button",
    "energy": "electricity_meter",
    # Words of Anju's own, for a child that no inventory describes: what it said last.
    "sos": "sos_button",
    "fall": "fall_detector",
    "smoke_clear": "smoke_detector",
    "gas_clear": "gas_detector",
    "leak": "leak_sensor",
    "leak_clear": "leak_sensor",
    "door_open": "door_contact",
    "door_closed": "door_contact",
    "motion": "motion_sensor",
    "water_total": "water_meter",
    "energy_total": "electricity_meter",
}


@router.get("/devices")
async def devices(
    page: AtDesk,
    tab: str = "devices",
    show: str = "all",
    area: str = "",
    family: str = "",
    q: str = "",
    cursor: str = "",
) -> Response:
    """The fleet, the elders whom nothing watches, the unknown, the unreadable."""
    tab = tab if tab in TABS else "devices"
    request = PageRequest(limit=queries.LIST_LIMIT, cursor=cursor or None)
    values: dict[str, Any] = {"tab": tab, "tabs": TABS, "next_cursor": None}
    async with page.services.db.reading() as session:
        values["tab_counts"] = {"unsupervised": await count_unwatched(session, page.sight)}
        if tab == "unknown":
            require(page.who, "inbox.read")
            found = await unknown_devices(session, page.sight, request)
            values |= {"messages": found.items, "next_cursor": found.next_cursor}
        elif tab == "quarantine":
            require(page.who, "inbox.read")
            unread = await quarantined(session, page.sight, request)
            values |= {"messages": unread.items, "next_cursor": unread.next_cursor}
        elif tab == "unsupervised":
            elders = await unwatched(session, page.sight, request)
            first = PageRequest(limit=IDLE_SHOWN)
            zone = page.services.settings.timezone
            idle = await idle_elders(session, page.sight, first, page.now, zone)
            values |= {"messages": elders.items, "next_cursor": elders.next_cursor}
            values |= {"idle": idle.items, "more_idle": idle.next_cursor is not None}
        elif tab == "smokeless":
            values["homes"] = await smokeless_homes(session, page.sight)
        else:
            values |= await fleet_values(session, page, wanted_of(show, area, family, q), cursor)
    return page.render("devices.html", readable=readable, **values)


def readable(payload: bytes) -> str:
    """A payload as far as it is text; what is not shows as �."""
    return payload[:400].decode("utf-8", "replace").replace("\0", "�")


@router.get("/devices/register")
async def register_form(
    page: AtDesk, source: str = NATIVE_SOURCE, child: str = "", q: str = "", elder: str = ""
) -> Response:
    """Choose an elder, say what the device is for."""
    return await _form(page, source, child, typed={"q": q.strip(), "elder_id": elder})


async def _form(
    page: PageContext,
    source_id: str,
    child_id: str,
    *,
    typed: Mapping[str, str],
    status: int = 200,
    trouble: str | None = None,
) -> Response:
    async with page.services.db.reading() as session:
        source = await source_of(session, page, source_id)
        known = await session.get(SourceChild, (source_id, child_id)) if child_id else None
        elders = await queries.find_elders(session, page.sight, typed.get("q", ""), limit=20)
    roles = sorted(DEVICE_ROLES, key=page.say.role)
    return page.render(
        "register.html",
        status,
        source=source,
        child_id=child_id,
        known=known,
        elders=elders,
        roles=roles,
        guessed=typed.get("role") or guessed_role(known),
        typed=typed,
        trouble=trouble,
        suggested_id=typed.get("id") or device_id_of(source_id, child_id, known),
    )


async def source_of(session: AsyncSession, page: PageContext, source_id: str) -> Source:
    """The native one, or one that the reader may see; raises `NotFound` otherwise."""
    if source_id != NATIVE_SOURCE:
        return await sources.find_source(session, page.who, source_id, serving=True)
    native = await session.get(Source, NATIVE_SOURCE)
    if native is None:
        raise NotFound("source", source_id)
    return native


def guessed_role(known: SourceChild | None) -> str:
    """What a child is probably for, by what its bridge says it can do, or by what it said."""
    can = known.capabilities if known else []
    said = known.said.replace("=", " ").replace(",", " ").split() if known else []
    return next((_ROLE_HINTS[name] for name in [*can, *said] if name in _ROLE_HINTS), "")


def device_id_of(source_id: str, child_id: str, known: SourceChild | None) -> str:
    """A first idea for an id: a native device's own, otherwise its friendly name if it fits."""
    if source_id == NATIVE_SOURCE:
        return child_id
    name = known.name if known and known.name else child_id
    fitting = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in name
    )
    return fitting.strip("-")[:64]


@router.post("/devices/register")
async def register(page: AtDesk) -> Response:
    """Register and bind. A native device's MQTT password is shown this one time."""
    require(page.who, "devices.write")
    fields = await page.fields()
    source_id = fields.get("source") or NATIVE_SOURCE
    child_id = fields.get("child", "")
    try:
        async with page.services.db.transaction() as session:
            source = await source_of(session, page, source_id)
            room = optional(fields, "room")
            device, credentials = await register_from(session, page, source, fields, room)
    except AnjuError as error:
        if status_of(error) not in (409, 422):
            raise
        trouble = explain(error, page)
        return await _form(
            page, source_id, child_id, typed=fields, status=status_of(error), trouble=trouble
        )
    if credentials is None:
        return page.go_to("/devices")
    return page.render("registered.html", device=device, credentials=credentials)


async def register_from(
    session: AsyncSession,
    page: PageContext,
    source: Source,
    fields: Mapping[str, str],
    room: str | None,
) -> tuple[Device, MqttCredentials | None]:
    """Register what a form describes; a native device's child is the device itself."""
    native = source.id == NATIVE_SOURCE
    return await equipment.register_device(
        session,
        page.who,
        page.now,
        device_id=required(fields, "id"),
        family=source.family,
        role=required(fields, "role"),
        source_id=None if native else source.id,
        child_id=None if native else fields.get("child", ""),
        elder_id=required(fields, "elder_id"),
        room=room,
    )
