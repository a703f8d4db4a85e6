"""What routes ask for: services, the present, who calls, and a session that commits in time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.queries import sight_of
from care.accounts import actor_of_token
from care.model import Actor
from care.permissions import PERMISSIONS, require
from care.queries import Sight
from core.errors import NotSignedIn
from core.services import Services

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/token",
    scheme_name="Token",
    description="A token from `POST /api/v1/token`, valid for 12 hours.",
    auto_error=False,
)


def services(request: Request) -> Services:
    """What the composition root handed to the app."""
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


def _now(services: ServicesDep) -> datetime:
    return services.clock.now()


Now = Annotated[datetime, Depends(_now)]


async def current_actor(
    services: ServicesDep, now: Now, token: Annotated[str | None, Depends(bearer)]
) -> Actor:
    """Who calls; raises `NotSignedIn` without a token that is still good.

    Asked in a session of its own, closed again before a route's transaction opens: a stranger
    must not be able to take SQLite's write lock.
    """
    if token is None:
        raise NotSignedIn("send a token: Authorization: Bearer …; get one at POST /api/v1/token")
    async with services.db.reading() as session:
        actor = await actor_of_token(session, token, now)
    if actor is None:
        raise NotSignedIn("this token is unknown or has run out; get a new one")
    return actor


def allowed(action: str) -> Any:
    """A dependency: the caller, if their role may do `action` (a key of `PERMISSIONS`)."""
    if action not in PERMISSIONS:
        raise KeyError(action)

    async def check(actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
        require(actor, action)
        return actor

    return Depends(check)


def _sight(actor: Annotated[Actor, Depends(current_actor)]) -> Sight:
    return sight_of(actor)


SightDep = Annotated[Sight, Depends(_sight)]


async def _reading(
    services: ServicesDep, _actor: Annotated[Actor, Depends(current_actor)]
) -> AsyncIterator[AsyncSession]:
    async with services.db.reading() as session:
        yield session


async def _writing(
    services: ServicesDep, _actor: Annotated[Actor, Depends(current_actor)]
) -> AsyncIterator[AsyncSession]:
    async with services.db.transaction() as session:
        yield session


Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
"""A session to look with, given back before the answer is sent."""

Writing = Annotated[AsyncSession, Depends(_writing, scope="function")]
"""The request's transaction. `scope="function"`: committed before the answer is sent, so that a
commit which fails is an answer that says so."""


def _language(
    actor: Annotated[Actor, Depends(current_actor)],
    accept_language: Annotated[str | None, Header(max_length=200)] = None,
) -> str:
    """The first of the caller's languages that Anju speaks, otherwise the user's own."""
    for part in (accept_language or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in ("zh", "en"):
            return tag
    return "en" if actor.language == "en" else "zh"


Language = Annotated[str, Depends(_language)]
