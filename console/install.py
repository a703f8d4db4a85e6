"""Installing a device, phone in one hand: scan or press it, say whose it is, press it again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlencode, urlsplit

import segno
from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet import testing
from care.equipment import MqttCredentials
from care.permissions import require
from care.tables import NATIVE_SOURCE, Device, SourceChild
from console import enrolling
from console.context import PageContext, SignedIn
from console.devices import device_id_of, guessed_role, register_from, source_of
from console.enrolling import Named
from console.errors import PageRoute, explain, status_of
from console.forms import optional, required
from console.security import PAGE_HEADERS
from core.errors import AnjuError, Conflict, NotFound
from devices.codes import is_imei, parse_code
from devices.event import DEVICE_ROLES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ROOMS = ("bedroom", "living", "kitchen", "bathroom")
SLOW_AFTER = timedelta(seconds=60)
"""Then the test page says what to check: most presses arrive within a few seconds."""
_NATIVE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CAMERA = {
    "Permissions-Policy": PAGE_HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")
}
"""The one page that may ask for the camera: it looks at a code and sends no picture anywhere."""


@router.get("/install")
async def start(page: SignedIn, code: str = "") -> Response:
    """Scan, type, or press the device; a code leads straight to the device or child it names."""
    require(page.who, "devices.enrol")
    parsed = parse_code(code)
    async with page.services.db.reading() as session:
        named = await enrolling.named_by(session, page.sight, parsed)
        single = _single(named)
        if single is not None:
            return page.go_to(single)
        newcomer = await _native_newcomer(session, parsed.candidates, named)
        if newcomer is not None and parsed.own:
            return page.go_to(_register_path(NATIVE_SOURCE, newcomer))
        heard = await enrolling.heard_lately(session, page.sight, page.now)
        waiting = await enrolling.not_in_service(session, page.sight)
    response = page.render(
        "install.html",
        code=code.strip()[:200],
        named=named,
        newcomer=newcomer,
        heard=heard,
        waiting=waiting,
        just_now=page.now - enrolling.JUST_NOW,
        register_path=_register_path,
    )
    response.headers.update(_CAMERA)
    return response


def _register_path(source_id: str, child_id: str) -> str:
    return "/install/register?" + urlencode({"source": source_id, "child": child_id})


def _test_path(device_id: str) -> str:
    return f"/install/devices/{quote(device_id)}"


def _single(named: Named) -> str | None:
    """Where to go when the code names exactly one thing."""
    if len(named.devices) == 1 and not named.children:
        return _test_path(named.devices[0].id)
    if len(named.children) == 1 and not named.devices:
        child = named.children[0]
        return _register_path(child.source_id, child.child_id)
    return None


async def _native_newcomer(
    session: AsyncSession, candidates: tuple[str, ...], named: Named
) -> str | None:
    """An id that a new device of Anju's own protocol could have; None when it names something."""
    if len(candidates) != 1 or named.devices or named.children:
        return None  # an address in several spellings belongs to a bridge's child
    ident = candidates[0]
    could_be = _NATIVE_ID.fullmatch(ident) is not None and not is_imei(ident)
    return ident if could_be and not await enrolling.is_taken(session, ident) else None


# ── whose it is ───────────────────────────────────────────────────────────────────────────────


@router.get("/install/register")
async def register_form(
    page: SignedIn,
    source: str = NATIVE_SOURCE,
    child: str = "",
    q: str = "",
    elder: str = "",
    room: str = "",
) -> Response:
    """One page: elder, room, role."""
    require(page.who, "devices.enrol")
    typed = {"q": q.strip(), "elder_id": elder, "room": room}
    return await _form(page, source, child, typed=typed)


async def _form(
    page: PageContext,
    source_id: str,
    child_id: str,
    *,
    typed: Mapping[str, str],
    error: AnjuError | None = None,
) -> Response:
    async with page.services.db.reading() as session:
        source = await source_of(session, page, source_id)
        known = await session.get(SourceChild, (source_id, child_id)) if child_id else None
        elders = await enrolling.elders_to_choose(session, page.sight, page.now, typed.get("q", ""))
        ident = typed.get("id") or await _free_id(session, source_id, child_id, known)
    return page.render(
        "install_register.html",
        status_of(error) if error else 200,
        source=source,
        child_id=child_id,
        known=known,
        elders=elders,
        roles=sorted(DEVICE_ROLES, key=page.say.role),
        guessed=typed.get("role") or guessed_role(known),
        rooms=[page.words(f"install.room_{name}") for name in ROOMS],
        typed=typed,
        ident=ident,
        trouble=explain(error, page) if error else None,
    )


async def _free_id(
    session: AsyncSession, source_id: str, child_id: str, known: SourceChild | None
) -> str:
    """The device's own id, or one made of its name that no other device has."""
    wanted = device_id_of(source_id, child_id, known) or device_id_of(source_id, child_id, None)
    if source_id == NATIVE_SOURCE:
        return wanted
    ident, number = wanted, 1
    while await session.get(Device, ident) is not None:
        number += 1
        ident = f"{wanted[:60]}-{number}"
    return ident


@router.post("/install/register")
async def register(page: SignedIn) -> Response:
    """Enrol it; a native device's password is shown this one time, then it is tested."""
    require(page.who, "devices.enrol")
    fields = await page.fields()
    source_id, child_id = fields.get("source") or NATIVE_SOURCE, fields.get("child", "")
    room = optional(fields, "other_room") or optional(fields, "room")
    try:
        async with page.services.db.transaction() as session:
            source = await source_of(session, page, source_id)
            device, credentials = await register_from(session, page, source, fields, room)
    except AnjuError as error:
        if status_of(error) not in (409, 422):
            raise
        return await _form(page, source_id, child_id, typed=fields, error=error)
    if credentials is None:
        return page.go_to(_test_path(device.id))
    return page.render(
        "install_credentials.html",
        credentials=credentials,
        code=_qr(page, credentials),
        next_path=_test_path(device.id),
    )


def _qr(page: PageContext, credentials: MqttCredentials) -> Markup:
    """For a device with a camera, or the maker's app: everything it needs, as JSON."""
    text = json.dumps(
        {
            "server": urlsplit(page.services.settings.link_base).hostname,
            "username": credentials.username,
            "password": credentials.password,
        },
        separators=(",", ":"),
    )
    code = segno.make(text, error="m", micro=False)
    # The words are segno's own drawing commands: nothing of it comes from outside.
    return Markup(code.svg_inline(omitsize=True, border=2, light="#fff", svgclass="qr"))


# ── the test ──────────────────────────────────────────────────────────────────────────────────


@router.get("/install/devices/{device_id}")
async def bench(page: SignedIn, device_id: str, again: bool = False) -> Response:
    """The test, live: its script looks again every second or two."""
    return await _bench(page, device_id, again=again)


async def _bench(
    page: PageContext, device_id: str, error: AnjuError | None = None, *, again: bool = False
) -> Response:
    async with page.services.db.reading() as session:
        found = await enrolling.load_bench(session, page.sight, device_id, page.now)
    test, t = found.test, page.words
    other = (test.data.get("other") or {}) if test else {}
    check = f"install.why_{other.get('why')}"
    return page.render(
        "install_test.html",
        status_of(error) if error else 200,
        bench=found,
        phase=found.phase(page.who.id, again=again),
        path=_test_path(device_id),
        is_slow=test is not None and page.now - test.opened_at >= SLOW_AFTER,
        other=other,
        other_why=t(check) if t.has(check) else "",
        level_lasts=test is not None and test.ended_at is None,
        trouble=explain(error, page) if error and not isinstance(error, Conflict) else None,
    )


@router.post("/install/devices/{device_id}/{act}")
async def act(page: SignedIn, device_id: str, act: str) -> Response:
    """Start a test, cancel it, or put the device in service by hand. Whoever was first stands."""
    require(page.who, "devices.enrol")
    if act not in ("test", "cancel", "in-service"):
        raise NotFound("act", act)
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            await _act(session, page, device_id, act, fields)
    except AnjuError as error:
        if status_of(error) not in (409, 422):
            raise
        return await _bench(page, device_id, error)
    return page.go_to(_test_path(device_id))


async def _act(
    session: AsyncSession, page: PageContext, device_id: str, act: str, fields: Mapping[str, str]
) -> None:
    if act == "test":
        await testing.open_window(
            session,
            page.who,
            page.now,
            device_id,
            kind=optional(fields, "kind"),
            ring_contact="ring_contact" in fields,
        )
    elif act == "cancel":
        await testing.cancel(session, page.who, page.now, device_id, required(fields, "test"))
    else:
        reason = required(fields, "reason")
        await testing.put_in_service(session, page.who, page.now, device_id, reason)
