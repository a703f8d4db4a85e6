"""Signing in with a password, signing out, and who one is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from api.dependencies import ServicesDep, allowed, bearer
from api.schemas import Out, example, unstorable
from care import accounts
from care.accounts import OpenedSession, SignInAttempts
from care.model import Actor
from core.errors import InvalidInput, NotSignedIn
from core.services import Services

router = APIRouter(tags=["sign-in"])


class TokenOut(Out):
    model_config = example(access_token="kq0…", token_type="bearer", expires_in=43200)
    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int  # seconds


class MeOut(Out):
    id: str
    name: str
    role: str
    area_id: str | None  # null: everything
    language: str


async def sign_in(
    services: Services, attempts: SignInAttempts, username: str, password: str
) -> OpenedSession:
    """A new session for the right password; the console's sign-in page uses it too.

    The slow part, the password, is looked at outside the transaction. Raises `NotSignedIn`, or
    `TooManyAttempts` after 10 failures within 5 minutes.
    """
    for field, value in (("username", username), ("password", password)):
        found = unstorable(value)
        if found is not None:
            raise InvalidInput(field, found[1])
    attempts.check(username)
    async with services.db.reading() as session:
        user = await accounts.verify_password(session, username, password)
    if user is None:
        attempts.failed(username)
        raise NotSignedIn("wrong user name or password")
    attempts.succeeded(username)
    async with services.db.transaction() as session:
        return await accounts.open_session(session, user.id, services.clock.now())


@router.post("/token", summary="Sign in", response_model=TokenOut)
async def create_token(
    services: ServicesDep,
    request: Request,
    response: Response,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
) -> TokenOut:
    """OAuth2 password form (`username`, `password`) → a bearer token, valid for 12 hours."""
    attempts: SignInAttempts = request.app.state.attempts
    opened = await sign_in(services, attempts, form.username, form.password)
    response.headers["Cache-Control"] = "no-store"
    return TokenOut(
        access_token=opened.token, expires_in=int(accounts.TOKEN_LIFETIME.total_seconds())
    )


@router.delete("/token", summary="Sign out", status_code=204)
async def delete_token(
    _actor: Annotated[Actor, allowed("me.read")],
    services: ServicesDep,
    token: Annotated[str, Depends(bearer)],
) -> None:
    """The token that came with this request opens nothing any more."""
    async with services.db.transaction() as session:
        await accounts.close_session(session, token)


@router.get("/me", summary="Who am I?", response_model=MeOut)
async def read_me(actor: Annotated[Actor, allowed("me.read")]) -> MeOut:
    return MeOut(
        id=actor.id,
        name=actor.name,
        role=actor.role,
        area_id=actor.scope.path.rstrip("/").rpartition("/")[2] or None,
        language=actor.language,
    )
