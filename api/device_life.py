"""What becomes of a device after it was registered: replaced, retired, moved, its meter swapped."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from alerting import queries
from alerting.fleet import lifecycle, rebuilding
from alerting.fleet.label import install_address, label_svg
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.devices import ChildId, DeviceCreated, DeviceId, DeviceOut, mqtt_of, shown
from api.problems import refusal
from api.schemas import Body, Ident, Number, Text, When, example
from care.model import Actor

router = APIRouter(prefix="/devices", tags=["sources and devices"])
RegisterValue = Annotated[Number, Field(ge=0, lt=lifecycle.MOST_REGISTER)]


class ReplaceIn(Body):
    """`id` for a native device; `child_id`, and `source_id` where it is another, for others."""

    model_config = Body.model_config | example(id="btn-0002", reason="电池盖损坏")
    id: DeviceId | None = None
    source_id: Ident | None = None
    child_id: ChildId | None = None
    reason: Text


class RetireIn(Body):
    model_config = Body.model_config | example(reason="老人搬走")
    reason: Text


class MoveIn(Body):
    model_config = Body.model_config | example(source_id="src-7t2hm")
    source_id: Ident


class SwapIn(Body):
    model_config = Body.model_config | example(
        at="2026-03-01T02:00:00Z", final_value=812.4, start_value=0.2, note="水表到期更换"
    )
    at: When | None = Field(None, description="When the new meter was fitted; now if left out.")
    final_value: RegisterValue | None = Field(None, description="The old one's last, m³ or kWh.")
    start_value: RegisterValue | None = Field(None, description="The new one's first, m³ or kWh.")
    note: Text | None = None


@router.post(
    "/{device_id}/replace",
    summary="Put a new device in its place",
    status_code=201,
    response_model=DeviceCreated,
    responses={409: refusal("It has been replaced, or the new one is registered already.")},
)
async def replace_device(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    sight: SightDep,
    now: Now,
    device_id: str,
    body: ReplaceIn,
) -> DeviceCreated:
    """The new one takes over home, elder, room, role and rules, and asks for a test.

    The old one is retired; its incidents, readings and events stay under its id, which the new
    one names as `replaces_id`. A native device's MQTT password is in this answer only.
    """
    made, credentials = await lifecycle.replace_device(
        session,
        actor,
        now,
        device_id,
        reason=body.reason,
        new_id=body.id,
        source_id=body.source_id,
        child_id=body.child_id,
    )
    view = await queries.device(session, sight, made.id)
    return DeviceCreated(**shown(view).model_dump(), mqtt=mqtt_of(credentials))


@router.post(
    "/{device_id}/retire",
    summary="Take it out of service",
    response_model=DeviceOut,
    responses={409: refusal("It is out of service already.")},
)
async def retire_device(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    now: Now,
    device_id: str,
    body: RetireIn,
) -> DeviceOut:
    """Its credentials open nothing any more; `PATCH` with `active: true` brings it back."""
    return shown(await lifecycle.retire_device(session, actor, now, device_id, reason=body.reason))


@router.post(
    "/{device_id}/move",
    summary="It is under another source",
    response_model=DeviceOut,
    responses={409: refusal("Its child id is registered there already.")},
)
async def move_device(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    now: Now,
    device_id: str,
    body: MoveIn,
) -> DeviceOut:
    """Says yes to "moved?": its child id now counts inside `source_id`."""
    return shown(
        await lifecycle.move_device(session, actor, now, device_id, source_id=body.source_id)
    )


@router.post(
    "/{device_id}/swap-meter",
    summary="Its meter was changed",
    response_model=DeviceOut,
    responses={409: refusal("It is out of service.")},
)
async def swap_meter(
    actor: Annotated[Actor, allowed("devices.write")],
    session: Writing,
    now: Now,
    device_id: str,
    body: SwapIn,
) -> DeviceOut:
    """The same device id, a new register: readings after `at` belong to it."""
    return shown(
        await lifecycle.swap_meter(
            session,
            actor,
            now,
            device_id,
            at=body.at,
            final_value=body.final_value,
            start_value=body.start_value,
            note_text=body.note,
        )
    )


class Rebuilt(BaseModel):
    """What a meter's memory was made from."""

    device_id: str
    readings: int = Field(description="Stored readings of its register, of at most 120 days.")
    since: datetime | None = Field(description="When the first of them was read.")
    learnt_days: int = Field(description="Days that the adaptive rule knows; 0 for a fixed one.")
    standing: tuple[str, ...] = Field(description="Kinds that hold now and that people know of.")


@router.post(
    "/{device_id}/rebuild",
    summary="Make its memory anew",
    response_model=Rebuilt,
    responses={409: refusal("It changed again and again while it was replayed; try again.")},
)
async def rebuild(
    actor: Annotated[Actor, allowed("devices.rebuild")],
    services: ServicesDep,
    sight: SightDep,
    device_id: str,
) -> Rebuilt:
    """Replay a meter's stored readings, and what people did meanwhile, into a fresh state.

    Nothing is found or opened by it; a gap that runs is judged within seconds.
    """
    async with services.db.reading() as session:
        await queries.device(session, sight, device_id)
    db, zone = services.db, services.settings.timezone
    made = await rebuilding.rebuild(db, device_id, services.clock, zone=zone, actor=actor)
    return Rebuilt(**asdict(made))


@router.get(
    "/{device_id}/label.svg",
    summary="A label to print",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}},
)
async def label(
    _actor: Annotated[Actor, allowed("devices.write")],
    services: ServicesDep,
    sight: SightDep,
    session: Reading,
    device_id: str,
) -> Response:
    """A QR code that opens the device's installation, its id, what it is for and its room."""
    row = (await queries.device(session, sight, device_id)).device
    address = install_address(services.settings.link_base, row.id)
    drawn = label_svg(address, row.id, row.role, row.room)
    return Response(drawn, media_type="image/svg+xml")
