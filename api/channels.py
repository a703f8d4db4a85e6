"""Channels: providers of sms, calls and e-mail, and cities' webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from alerting.administration import providers
from alerting.channels.http import webhook_refusal
from alerting.tables import Channel
from api.dependencies import Now, Reading, ServicesDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Flag,
    Ident,
    LongName,
    Out,
    PageOut,
    example,
    page_of,
)
from care.model import Actor
from core.services import Services

router = APIRouter(prefix="/channels", tags=["alerting"])
Url = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=255)]


class ChannelIn(Body):
    """`secret` signs what is sent and its receipts; one is made up when none is given."""

    model_config = Body.model_config | example(
        kind="sms", name="短信平台", url="https://sms.example.org/v1"
    )
    kind: Literal["webhook", "sms", "call", "email"]
    name: LongName
    url: Url
    secret: Secret | None = None
    area_id: Ident | None = None
    with_personal_data: Flag = False
    enabled: Flag = True


class ChannelPatch(Body):
    model_config = Body.model_config | example(enabled=False)
    name: LongName = NOT_GIVEN
    url: Url = NOT_GIVEN
    secret: Secret = NOT_GIVEN
    with_personal_data: Flag = NOT_GIVEN
    enabled: Flag = NOT_GIVEN


class ChannelOut(Out):
    model_config = Out.model_config | example(
        id="chan-9d4vs",
        kind="sms",
        name="短信平台",
        url="https://sms.example.org/v1",
        area_id=None,
        with_personal_data=False,
        enabled=True,
        last_ok_at="2026-03-01T00:15:31Z",
        last_failed_at=None,
        last_error=None,
        created_at="2026-02-01T00:00:00Z",
        warnings=[],
    )
    id: str
    kind: str
    name: str
    url: str = Field(description="Without user, password and query.")
    area_id: str | None
    with_personal_data: bool
    enabled: bool
    last_ok_at: datetime | None
    last_failed_at: datetime | None
    last_error: str | None
    created_at: datetime
    warnings: list[str] = []


class ChannelCreated(ChannelOut):
    secret: str | None = Field(description="In this answer and in no other.")


class ChannelFilters(Filters):
    kind: Ident | None = None


def _shown(channel: Channel, services: Services) -> ChannelOut:
    warnings = []
    if channel.kind == "webhook":
        refusal = webhook_refusal(channel.url, services.settings.allowed_webhook_hosts)
        warnings = [f"url: {refusal}; nothing is sent there"] if refusal else []
    return ChannelOut.model_validate(channel).model_copy(
        update={"url": providers.shown_url(channel.url), "warnings": warnings}
    )


@router.get("", summary="List channels", response_model=PageOut[ChannelOut])
async def list_channels(
    actor: Annotated[Actor, allowed("channels.read")],
    services: ServicesDep,
    session: Reading,
    query: Annotated[ChannelFilters, Query()],
) -> dict[str, Any]:
    """With when each last worked and last failed."""
    page = await providers.listed(session, actor, query.page, kind=query.kind)
    return page_of(page, (_shown(one, services) for one in page.items))


@router.post("", summary="Add a channel", status_code=201, response_model=ChannelCreated)
async def create_channel(
    actor: Annotated[Actor, allowed("channels.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    body: ChannelIn,
) -> ChannelCreated:
    """The secret is in this answer and in no other."""
    channel = await providers.create_channel(session, actor, now, **body.model_dump())
    return ChannelCreated(**_shown(channel, services).model_dump(), secret=channel.secret)


@router.get("/{channel_id}", summary="Read a channel", response_model=ChannelOut)
async def read_channel(
    actor: Annotated[Actor, allowed("channels.read")],
    services: ServicesDep,
    session: Reading,
    channel_id: str,
) -> ChannelOut:
    return _shown(await providers.find_channel(session, actor, channel_id), services)


@router.patch("/{channel_id}", summary="Change a channel", response_model=ChannelOut)
async def update_channel(
    actor: Annotated[Actor, allowed("channels.write")],
    services: ServicesDep,
    session: Writing,
    channel_id: str,
    body: ChannelPatch,
) -> ChannelOut:
    """The kind stays."""
    changes = body.changes()
    return _shown(await providers.update_channel(session, actor, channel_id, changes), services)
