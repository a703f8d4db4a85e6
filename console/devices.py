"""Devices: who is online, who nobody knows, what could not be read, and registering a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from alerting import equipment
from alerting.intake.inbox import quarantined, unknown_devices
from alerting.smokeless import smokeless_homes
from care.paging import PageRequest
from care.permissions import require
from care.tables import NATIVE_SOURCE, Source, SourceChild
from console import queries
from console.context import AtDesk, PageContext
from console.errors import PageRoute, explain, status_of
from console.forms import optional, required
from core.errors import AnjuError, NotFound
from devices.event import DEVICE_ROLES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
TABS = ("devices", "unknown", "quarantine", "smokeless")
_ROLE_HINTS = {
    "smoke": "smoke_detector",
    "gas": "gas_detector",
    "water_leak": "leak_sensor",
    "contact": "door_contact",
    "occupancy": "motion_sensor",
    "action": "sos_button",
    "energy": "electricity_meter",
}


@router.get("/devices")
async def devices(
    page: AtDesk, tab: str = "devices", show: str = "all", q: str = "", cursor: str = ""
) -> Response:
    """Three lists: the registered, the unknown, the unreadable."""
    tab = tab if tab in TABS else "devices"
    request = PageRequest(limit=queries.LIST_LIMIT, cursor=cursor or None)
    values: dict[str, Any] = {"tab": tab, "show": show, "q": q.strip(), "next_cursor": None}
    async with page.services.db.reading() as session:
        if tab == "unknown":
            require(page.who, "inbox.read")
            found = await unknown_devices(session, page.sight, request)
            values |= {"messages": found.items, "next_cursor": found.next_cursor}
        elif tab == "quarantine":
            require(page.who, "inbox.read")
            unread = await quarantined(session, page.sight, request)
            values |= {"messages": unread.items, "next_cursor": unread.next_cursor}
        elif tab == "smokeless":
            values["homes"] = await smokeless_homes(session, page.sight)
        else:
            values["rows"] = await queries.load_devices(
                session, page.sight, needs_look=show == "look", q=q.strip()
            )
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
        source = await session.get(Source, source_id)
        if source is None:
            raise NotFound("source", source_id)
        known = await session.get(SourceChild, (source_id, child_id)) if child_id else None
        elders = await queries.find_elders(session, page.sight, typed.get("q", ""), limit=20)
    roles = sorted(DEVICE_ROLES, key=page.say.role)
    guessed = next(
        (
            _ROLE_HINTS[name]
            for name in (known.capabilities if known else [])
            if name in _ROLE_HINTS
        ),
        "",
    )
    return page.render(
        "register.html",
        status,
        source=source,
        child_id=child_id,
        known=known,
        elders=elders,
        roles=roles,
        guessed=typed.get("role") or guessed,
        typed=typed,
        trouble=trouble,
        suggested_id=typed.get("id") or device_id_of(source_id, child_id, known),
    )


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
    native = source_id == NATIVE_SOURCE
    try:
        async with page.services.db.transaction() as session:
            source = await session.get(Source, source_id)
            if source is None:
                raise NotFound("source", source_id)
            device, credentials = await equipment.register_device(
                session,
                page.who,
                page.now,
                device_id=required(fields, "id"),
                family=source.family,
                role=required(fields, "role"),
                source_id=None if native else source_id,
                child_id=None if native else child_id,
                elder_id=required(fields, "elder_id"),
                room=optional(fields, "room"),
            )
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
