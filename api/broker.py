"""What EMQX asks over HTTP: may this account come in, and may it say or hear this?"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header
from pydantic import Field

from api.dependencies import ServicesDep
from api.schemas import Body, Out, example
from care import mqtt_accounts
from care.equipment import password_matches
from core.errors import NotAllowed
from devices.rights import Account, may_publish, may_subscribe


def _is_the_broker(
    services: ServicesDep, x_anju_broker_secret: Annotated[str, Header(max_length=200)] = ""
) -> None:
    secret = services.settings.broker_secret
    if not secret or not hmac.compare_digest(secret.encode(), x_anju_broker_secret.encode()):
        raise NotAllowed("X-Anju-Broker-Secret is not ANJU_BROKER_SECRET, or that is not set")


router = APIRouter(
    prefix="/broker/emqx", tags=["sources and devices"], dependencies=[Depends(_is_the_broker)]
)


class EmqxClientIn(Body):
    model_config = Body.model_config | example(
        username="btn-0001", clientid="btn-0001", password="dQZ…"
    )
    username: str = Field("", max_length=300)
    clientid: str = Field("", max_length=300)
    password: str = Field("", max_length=300)


class EmqxActionIn(Body):
    model_config = Body.model_config | example(
        username="btn-0001",
        clientid="btn-0001",
        action="publish",
        topic="anju/v1/btn-0001/event",
    )
    username: str = Field("", max_length=300)
    clientid: str = Field("", max_length=300)
    action: Literal["publish", "subscribe"]
    topic: str = Field(max_length=70_000)


class EmqxOut(Out):
    model_config = Out.model_config | example(result="allow", is_superuser=False)
    result: Literal["allow", "deny"]
    is_superuser: bool = False


@router.post("/authenticate", summary="EMQX: may it come in?", response_model=EmqxOut)
async def authenticate_at_emqx(services: ServicesDep, body: EmqxClientIn) -> EmqxOut:
    """The client id must be the user name: sessions belong to client ids, and a device must not
    take over one of Anju's. Whoever was revoked is denied."""
    known = await _account(services, body.username, body.clientid)
    allowed = known is not None and password_matches(body.password, known.password_hash)
    return _answer(allowed)


@router.post("/authorize", summary="EMQX: may it say or hear this?", response_model=EmqxOut)
async def authorize_at_emqx(services: ServicesDep, body: EmqxActionIn) -> EmqxOut:
    """The same rule as in the lists that Mosquitto is given."""
    known = await _account(services, body.username, body.clientid)
    if known is None:
        return _answer(False)
    account = Account(
        name=known.name, family=known.family, prefix=known.prefix, listed=known.listed
    )
    rule = may_publish if body.action == "publish" else may_subscribe
    return _answer(rule(account, body.topic))


async def _account(
    services: ServicesDep, username: str, clientid: str
) -> mqtt_accounts.MqttAccount | None:
    if not username or username != clientid:
        return None
    async with services.db.reading() as session:
        return await mqtt_accounts.account(session, username)


def _answer(allowed: bool) -> EmqxOut:
    return EmqxOut(result="allow" if allowed else "deny")
