"""Sources: bridges with their own topic prefix, and the built-in one of native devices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from alerting.fleet import sources
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.problems import refusal
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
from care import listing
from care.equipment import MqttCredentials
from care.model import Actor
from care.push import push_token
from care.tables import Source
from core.db import after_commit
from core.services import Services
from devices import registry
from devices.registry import MAX_PREFIX

router = APIRouter(prefix="/sources", tags=["sources and devices"])
Prefix = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PREFIX)]


class MqttOut(Out):
    """Shown once; only a hash is kept."""

    username: str
    password: str


class PushOut(Out):
    """What to fill in at the platform: `url?token=…`, or the token in its own field."""

    url: str
    token: str


class SourceIn(Body):
    model_config = Body.model_config | example(
        name="城关村网关", family="zigbee2mqtt", prefix="zigbee2mqtt", area_id="area-5p2v0"
    )
    name: LongName
    family: Ident
    prefix: Prefix | None = None  # required for a bridge; a platform that pushes has none
    area_id: Ident | None = None
    only_listed: Flag = Field(
        False, description="Its bridge may speak for registered children only."
    )


class SourcePatch(Body):
    model_config = Body.model_config | example(prefix="village7/zigbee2mqtt")
    name: LongName = NOT_GIVEN
    prefix: Prefix = NOT_GIVEN
    area_id: Ident | None = None
    active: Annotated[Flag, Field(description="false: revoked, cut off in seconds.")] = NOT_GIVEN
    only_listed: Flag = NOT_GIVEN


class SourceOut(Out):
    model_config = Out.model_config | example(
        id="src-3v9yb",
        name="城关村网关",
        family="zigbee2mqtt",
        prefix="zigbee2mqtt",
        area_id="area-5p2v0",
        active=True,
        only_listed=False,
        online=True,
        online_changed_at="2026-03-01T00:15:00Z",
        created_at="2026-03-01T00:15:00Z",
    )
    id: str
    name: str
    family: str
    prefix: str
    area_id: str | None
    active: bool
    only_listed: bool
    online: bool | None  # null: it never said
    online_changed_at: datetime | None
    created_at: datetime


class SourceCreated(SourceOut):
    mqtt: MqttOut | None = None  # a bridge's
    push: PushOut | None = None  # a platform's that pushes over HTTP


class CredentialsOut(Out):
    model_config = Out.model_config | example(
        id="btn-0001", mqtt={"username": "btn-0001", "password": "dQZ…"}
    )
    id: str
    mqtt: MqttOut


def renewed(ident: str, credentials: MqttCredentials) -> CredentialsOut:
    """New credentials, as they are shown once."""
    return CredentialsOut(id=ident, mqtt=MqttOut.model_validate(credentials))


@router.get("", summary="List sources", response_model=PageOut[SourceOut])
async def list_sources(
    _actor: Annotated[Actor, allowed("sources.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    page = await listing.sources(session, sight, query.page)
    return page_of(page, page.items)


@router.post(
    "",
    summary="Add a source",
    status_code=201,
    response_model=SourceCreated,
    responses={409: refusal("Its prefix overlaps that of another source.")},
)
async def create_source(
    actor: Annotated[Actor, allowed("sources.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    body: SourceIn,
) -> SourceCreated:
    """A bridge is subscribed to within 5 s; its MQTT password is in this answer and in no other.
    A platform that pushes gets an address and a token."""
    after_commit(session, services.signals.sources.set)
    if registry.is_push(body.family):
        source = await sources.register_push_source(session, actor, now, **body.model_dump())
        push = _push_of(services, source)
        return SourceCreated(**SourceOut.model_validate(source).model_dump(), push=push)
    source, credentials = await sources.register_source(session, actor, now, **body.model_dump())
    shown = SourceOut.model_validate(source).model_dump()
    return SourceCreated(**shown, mqtt=MqttOut.model_validate(credentials))


@router.get("/{source_id}", summary="Read a source", response_model=SourceOut)
async def read_source(
    actor: Annotated[Actor, allowed("sources.read")], session: Reading, source_id: str
) -> Source:
    return await sources.find_source(session, actor, source_id)


@router.patch(
    "/{source_id}",
    summary="Change a source",
    response_model=SourceOut,
    responses={409: refusal("Its prefix overlaps that of another source.")},
)
async def update_source(
    actor: Annotated[Actor, allowed("sources.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    source_id: str,
    body: SourcePatch,
) -> Source:
    """The family stays: what its devices are called is a matter of the family."""
    source = await sources.update_source(session, actor, now, source_id, body.changes())
    after_commit(session, services.signals.sources.set)
    return source


@router.post("/{source_id}/push-token", summary="Make a new push token", response_model=PushOut)
async def renew_push_token(
    actor: Annotated[Actor, allowed("sources.write")],
    services: ServicesDep,
    session: Writing,
    source_id: str,
) -> PushOut:
    """The token before it is refused from now on; fill in the new one at the platform."""
    source = await sources.renew_push_token(session, actor, source_id)
    after_commit(session, services.signals.sources.set)
    return _push_of(services, source)


def _push_of(services: Services, source: Source) -> PushOut:
    url = f"{services.settings.link_base}/api/v1/push/{source.family}"
    return PushOut(url=url, token=push_token(services.settings.secret_key, source))


@router.post(
    "/{source_id}/credentials",
    summary="New MQTT password for a source",
    status_code=201,
    response_model=CredentialsOut,
    responses={409: refusal("It has no MQTT account of its own.")},
)
async def renew_source_credentials(
    actor: Annotated[Actor, allowed("sources.write")], session: Writing, source_id: str
) -> CredentialsOut:
    """The old password lets nobody in any more, and who is connected with it is cut off."""
    credentials = await sources.renew_source_credentials(session, actor, source_id)
    return renewed(source_id, credentials)
