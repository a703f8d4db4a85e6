"""What a device is asked to do, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from alerting.fleet import commands
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.problems import refusal
from api.schemas import Body, Filters, Out, PageOut, example, page_of
from care.model import Actor
from care.tables import DeviceCommand
from core.db import after_commit

router = APIRouter(prefix="/devices", tags=["sources and devices"])


class CommandIn(Body):
    model_config = Body.model_config | example(command="silence")
    command: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = Field(
        description="`silence`, `identify` or `test`; a native device takes its own words, too."
    )


class CommandOut(Out):
    model_config = Out.model_config | example(
        id="cmd-4h2x9",
        device_id="smoke-0001",
        command="silence",
        state="sent",
        requested_by="user-7c1rm",
        requested_at="2026-03-01T00:15:00Z",
        expires_at="2026-03-01T00:16:00Z",
        sent_at="2026-03-01T00:15:00Z",
        answered_at=None,
        result=None,
    )
    id: str
    device_id: str
    command: str
    state: str  # waiting sent done failed expired
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None  # null: it did not say, or its family never does
    result: str | None  # what the device said of it, or why it was not done


@router.post(
    "/{device_id}/commands",
    summary="Ask a device to do something",
    status_code=201,
    response_model=CommandOut,
    responses={409: refusal("The device is switched off.")},
)
async def create_command(
    actor: Annotated[Actor, allowed("devices.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    device_id: str,
    body: CommandIn,
) -> DeviceCommand:
    """Sent within a second; what it cannot do is refused, naming what it can. Native and Shelly
    devices answer (`done`, `failed`, or `expired`); of others `sent` is all that can be known."""
    asked = await commands.request(session, actor, now, device_id, body.command)
    after_commit(session, services.signals.commands.set)
    return asked


@router.get(
    "/{device_id}/commands", summary="A device's commands", response_model=PageOut[CommandOut]
)
async def list_commands(
    _actor: Annotated[Actor, allowed("devices.read")],
    sight: SightDep,
    session: Reading,
    device_id: str,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """The latest first."""
    page = await commands.listed(session, sight, query.page, device_id)
    return page_of(page, page.items)
