"""Devices: what hangs on the wall or is worn, and to whom it belongs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints

from alerting import queries
from alerting.fleet import equipment
from alerting.fleet.equipment import is_supervisable
from alerting.queries import DeviceView
from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.problems import refusal
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Flag,
    Ident,
    Name,
    Out,
    PageOut,
    Whole,
    example,
    page_of,
)
from api.sources import CredentialsOut, MqttOut, renewed
from care.equipment import MqttCredentials
from care.model import Actor

router = APIRouter(prefix="/devices", tags=["sources and devices"])
MAX_RULES = 4096

DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
ChildId = Annotated[
    str,
    # As in its topic, which may end with a space.
    StringConstraints(min_length=1, max_length=256, strip_whitespace=False),
]


def _small(rules: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(rules)) > MAX_RULES:
        raise ValueError(f"may have at most {MAX_RULES} bytes as JSON")
    return rules


Rules = Annotated[dict[str, Any], AfterValidator(_small)]
Seconds = Annotated[Whole, Field(ge=60, le=31 * 86400)]


class DeviceIn(Body):
    """Bound to `elder_id` or `home_id` from now on; to neither: unbound, in `area_id`."""

    model_config = Body.model_config | example(
        id="btn-0001", family="native", role="sos_button", elder_id="elder-9w3k7", room="卧室"
    )
    id: DeviceId
    family: Ident
    role: Ident
    source_id: Ident | None = None
    child_id: ChildId | None = None
    elder_id: Ident | None = None
    home_id: Ident | None = None
    area_id: Ident | None = None
    room: Name | None = None
    rules: Rules = Field({}, description="Detector settings of this device, by detector.")
    expected_every_s: Seconds | None = Field(
        None, description="Longest silence that is normal; null: the family's own."
    )


class DevicePatch(Body):
    model_config = Body.model_config | example(home_id="home-2j8dq", room="厨房")
    role: Ident = NOT_GIVEN
    elder_id: Ident | None = None
    home_id: Ident | None = None
    area_id: Ident | None = None
    room: Name | None = None
    rules: Rules = NOT_GIVEN
    expected_every_s: Seconds | None = None
    supervisable: Flag | None = Field(
        None, description="false: its silence means nothing; null: as its family says."
    )
    active: Flag = NOT_GIVEN


class DeviceOut(Out):
    model_config = Out.model_config | example(
        id="btn-0001",
        family="native",
        source_id="native",
        child_id="btn-0001",
        role="sos_button",
        room="卧室",
        elder_id="elder-9w3k7",
        home_id="home-2j8dq",
        area_id="area-5p2v0",
        bound_since="2026-03-01T00:15:00Z",
        rules={},
        expected_every_s=None,
        learned_every_s=21600,
        supervisable=True,
        active=True,
        model="",
        vendor="",
        enrolled_at="2026-03-01T00:15:00Z",
        in_service_at="2026-03-01T00:25:00Z",
        tested_at="2026-03-01T00:24:00Z",
        firmware="",
        retired_at=None,
        replaces_id=None,
        online=True,
        last_heard_at="2026-03-01T08:00:00Z",
        battery_pct=87,
        rssi_dbm=-71,
    )
    id: str
    family: str
    source_id: str
    child_id: str
    role: str
    room: str | None
    elder_id: str | None
    home_id: str | None
    area_id: str | None
    bound_since: datetime | None
    rules: dict[str, Any]
    expected_every_s: int | None
    learned_every_s: int | None  # longest gap that is normal for it; only ever shortens
    supervisable: bool  # false: one-way radio and the like; nobody can miss it
    active: bool
    model: str
    vendor: str
    enrolled_at: datetime
    in_service_at: datetime | None  # null: its installation test has not passed
    tested_at: datetime | None  # last alarm or test press
    firmware: str
    retired_at: datetime | None
    replaces_id: str | None  # the device in whose place it was put
    online: bool | None  # null: it never said
    last_heard_at: datetime | None
    battery_pct: float | None
    rssi_dbm: float | None


class DeviceCreated(DeviceOut):
    mqtt: MqttOut | None = Field(None, description="Of a native device; in no other answer.")


class DeviceFilters(Filters):
    elder_id: Ident | None = None
    home_id: Ident | None = None
    source_id: Ident | None = None
    area_id: Ident | None = None
    role: Ident | None = None


def shown(view: DeviceView) -> DeviceOut:
    """A device, whom it is bound to, and what was last heard of it."""
    row, binding, state = view.device, view.binding, view.state
    return DeviceOut(
        id=row.id,
        family=row.family,
        source_id=row.source_id,
        child_id=row.child_id,
        role=row.role,
        room=row.room,
        elder_id=binding.elder_id if binding else None,
        home_id=binding.home_id if binding else None,
        area_id=row.area_id,
        bound_since=binding.valid_from if binding else None,
        rules=row.rules,
        expected_every_s=row.expected_every_s,
        learned_every_s=state.interval_s if state else None,
        supervisable=is_supervisable(row),
        active=row.active,
        model=row.model,
        vendor=row.vendor,
        enrolled_at=row.enrolled_at,
        in_service_at=row.in_service_at,
        tested_at=row.tested_at,
        firmware=row.firmware,
        retired_at=row.retired_at,
        replaces_id=row.replaces_id,
        online=state.online if state else None,
        last_heard_at=state.last_heard_at if state else None,
        battery_pct=state.battery_pct if state else None,
        rssi_dbm=state.rssi_dbm if state else None,
    )


@router.get("", summary="List devices", response_model=PageOut[DeviceOut])
async def list_devices(
    _actor: Annotated[Actor, allowed("devices.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[DeviceFilters, Query()],
) -> dict[str, Any]:
    page = await queries.devices(
        session, sight, query.page, **query.model_dump(exclude={"limit", "cursor"})
    )
    return page_of(page, map(shown, page.items))


@router.post(
    "",
    summary="Register a device",
    status_code=201,
    response_model=DeviceCreated,
    responses={409: refusal("Registered already, by its id or its child id.")},
)
async def create_device(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    sight: SightDep,
    now: Now,
    body: DeviceIn,
) -> DeviceCreated:
    """A native device's MQTT password is in this answer and in no other."""
    values = body.model_dump()
    device, credentials = await equipment.register_device(
        session, actor, now, device_id=values.pop("id"), **values
    )
    view = await queries.device(session, sight, device.id)
    return DeviceCreated(**shown(view).model_dump(), mqtt=mqtt_of(credentials))


def mqtt_of(credentials: MqttCredentials | None) -> MqttOut | None:
    """A new native device's account, for the one answer that shows it."""
    return MqttOut.model_validate(credentials) if credentials else None


@router.get("/{device_id}", summary="Read a device", response_model=DeviceOut)
async def read_device(
    _actor: Annotated[Actor, allowed("devices.read")],
    sight: SightDep,
    session: Reading,
    device_id: str,
) -> DeviceOut:
    return shown(await queries.device(session, sight, device_id))


@router.patch("/{device_id}", summary="Change a device, or bind it anew", response_model=DeviceOut)
async def update_device(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    now: Now,
    device_id: str,
    body: DevicePatch,
) -> DeviceOut:
    """A new `elder_id` or `home_id` holds from now on; earlier events stay with the old one."""
    return shown(await equipment.update_device(session, actor, now, device_id, body.changes()))


@router.post(
    "/{device_id}/credentials",
    summary="New MQTT password for a device",
    status_code=201,
    response_model=CredentialsOut,
    responses={409: refusal("It has no MQTT account of its own.")},
)
async def renew_device_credentials(
    actor: Annotated[Actor, allowed("devices.write")], session: Writing, device_id: str
) -> CredentialsOut:
    """Of a native device. The old password lets nobody in any more, and who is connected with it
    is cut off. To revoke a device altogether: PATCH `active: false`."""
    return renewed(device_id, await equipment.renew_device_credentials(session, actor, device_id))
