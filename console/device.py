"""One device: who, where, how it is, what it said, and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import queries
from alerting.detectors.view import moment, seconds
from alerting.fleet import equipment, lifecycle
from alerting.fleet.label import install_address, label_svg
from care.equipment import MqttCredentials
from care.permissions import may, require
from care.tables import Device
from console import times
from console.context import AtDesk, PageContext, SignedIn
from console.devicefile import load_device_file
from console.errors import PageRoute, explain, status_of
from console.forms import local_time, optional, required
from console.meterfile import load_meter_file
from console.security import PAGE_HEADERS
from console.watch import minute_text
from core.errors import AnjuError, InvalidInput
from devices.event import DEVICE_ROLES, REGISTER_UNITS

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Fields = Mapping[str, str]
Made = tuple[Device, MqttCredentials | None] | None
Act = Callable[[AsyncSession, str, PageContext, Fields], Awaitable[Made]]


@router.get("/devices/{device_id}")
async def device(page: SignedIn, device_id: str) -> Response:
    return await _page(page, device_id)


async def _page(
    page: PageContext,
    device_id: str,
    *,
    typed: Fields | None = None,
    open_act: str | None = None,
    trouble: str | None = None,
    status: int = 200,
) -> Response:
    async with page.services.db.reading() as session:
        view = await queries.device(session, page.sight, device_id)
        file = await load_device_file(session, page.sight, view, page.now)
        meter = await load_meter_file(session, view, page.zone, page.now)
    return page.render(
        "device.html",
        status,
        file=file,
        meter=meter,
        minute=lambda at: minute_text(moment(at), page),
        now_s=seconds(page.now),
        units=REGISTER_UNITS,
        roles=sorted(DEVICE_ROLES, key=page.say.role),
        may_change=may(page.who, "devices.write"),
        typed=typed or {},
        open_act=open_act,
        trouble=trouble,
        local_now=times.local_field(page.now, page.zone),
        told=lambda entry: _told(entry.data, page),
    )


def _told(data: Mapping[str, object], page: PageContext) -> str:
    """What a line of the log was about: ids, values, a reason; short."""
    words = [f"{data['from']} → {data['to']}"] if "from" in data and "to" in data else []
    words += [str(data[name]) for name in ("old", "new") if name in data]
    if "at" in data:
        words.append(times.clock_of_iso(str(data["at"]), page.zone, page.now))
    for name in ("final_value", "start_value"):
        if name in data:
            words.append(f"{page.words(f'device_page.{name}')} {data[name]} {data.get('unit', '')}")
    words += [str(data[name]) for name in ("reason", "note") if data.get(name)]
    return " · ".join(words)


@router.get("/devices/{device_id}/label.svg")
async def label(page: AtDesk, device_id: str) -> Response:
    """The same label as `GET /api/v1/devices/{id}/label.svg`, for the sheet of labels."""
    require(page.who, "devices.write")
    async with page.services.db.reading() as session:
        row = (await queries.device(session, page.sight, device_id)).device
    address = install_address(page.services.settings.link_base, row.id)
    drawn = label_svg(address, row.id, row.role, row.room)
    return Response(drawn, media_type="image/svg+xml", headers=PAGE_HEADERS)


async def _perform(page: PageContext, device_id: str, name: str) -> Response:
    """Do it, and show the page again; a new native device's account is shown this one time."""
    require(page.who, "devices.write")
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            made = await ACTS[name](session, device_id, page, fields)
    except AnjuError as error:
        if status_of(error) not in (409, 422):
            raise
        trouble, status = explain(error, page), status_of(error)
        return await _page(
            page, device_id, typed=fields, open_act=name, trouble=trouble, status=status
        )
    if made is not None and made[1] is not None:
        return page.render("registered.html", device=made[0], credentials=made[1])
    return page.go_to(f"/devices/{made[0].id if made is not None else device_id}")


async def _edit(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> Made:
    changes = {"role": required(fields, "role"), "room": optional(fields, "room")}
    await equipment.update_device(session, page.who, page.now, ident, changes)
    return None


async def _replace(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> Made:
    return await lifecycle.replace_device(
        session,
        page.who,
        page.now,
        ident,
        reason=required(fields, "reason"),
        new_id=optional(fields, "id"),
        source_id=optional(fields, "source_id"),
        child_id=optional(fields, "child_id"),
    )


async def _swap(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> Made:
    at = local_time(fields, "at", page.zone)
    await lifecycle.swap_meter(
        session,
        page.who,
        page.now,
        ident,
        at=min(at, page.now),  # the form counts in minutes and may be a little ahead
        final_value=_register(fields, "final_value"),
        start_value=_register(fields, "start_value"),
        note_text=optional(fields, "note"),
    )
    return None


def _register(fields: Fields, name: str) -> float | None:
    text = optional(fields, name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < lifecycle.MOST_REGISTER:
        raise InvalidInput(name, "number")
    return value


async def _retire(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> Made:
    reason = required(fields, "reason")
    await lifecycle.retire_device(session, page.who, page.now, ident, reason=reason)
    return None


async def _unretire(session: AsyncSession, ident: str, page: PageContext, _: Fields) -> Made:
    await equipment.update_device(session, page.who, page.now, ident, {"active": True})
    return None


async def _move(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> Made:
    source_id = required(fields, "source_id")
    await lifecycle.move_device(session, page.who, page.now, ident, source_id=source_id)
    return None


ACTS: dict[str, Act] = {
    "edit": _edit,
    "replace": _replace,
    "swap-meter": _swap,
    "retire": _retire,
    "unretire": _unretire,
    "move": _move,
}


def _add_act(name: str) -> None:
    """An address of its own for each: other pages have theirs below `/devices/{id}/` too."""

    @router.post(f"/devices/{{device_id}}/{name}")
    async def act(page: AtDesk, device_id: str) -> Response:
        return await _perform(page, device_id, name)


for _name in ACTS:
    _add_act(_name)
