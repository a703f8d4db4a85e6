"""Users: duty officers, visitors, supervisors, administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from api.dependencies import Now, Reading, ServicesDep, SightDep, allowed
from api.problems import refusal
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Flag,
    Ident,
    Language,
    Name,
    Out,
    PageOut,
    Phone,
    example,
    page_of,
)
from care import accounts, listing, queries
from care.accounts import MAX_PASSWORD, MIN_PASSWORD
from care.model import Actor, UserRole
from care.tables import User

router = APIRouter(prefix="/users", tags=["users"])

Username = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]
Password = Annotated[
    str,
    StringConstraints(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD, strip_whitespace=False),
]


class UserIn(Body):
    model_config = Body.model_config | example(
        username="wang",
        password="a long pass phrase",
        role="duty_officer",
        name="王值班",
        area_id=None,
    )
    username: Username
    password: Password
    role: UserRole
    name: Name | None = None
    area_id: Ident | None = None
    phone: Phone | None = None
    language: Language = "zh"


class UserPatch(Body):
    model_config = Body.model_config | example(phone="13800138000", active=True)
    name: Name = NOT_GIVEN
    phone: Phone | None = None
    language: Language = NOT_GIVEN
    active: Flag = NOT_GIVEN
    password: Password = NOT_GIVEN
    role: UserRole = NOT_GIVEN
    area_id: Ident | None = None


class UserOut(Out):
    model_config = Out.model_config | example(
        id="usr-0r5t1",
        username="wang",
        role="duty_officer",
        name="王值班",
        phone="+8613800138000",
        area_id=None,
        language="zh",
        active=True,
        created_at="2026-03-01T00:15:00Z",
    )
    id: str
    username: str
    role: str
    name: str
    phone: str | None
    area_id: str | None
    language: str
    active: bool
    created_at: datetime


class UserFilters(Filters):
    role: UserRole | None = None
    area_id: Ident | None = None


@router.get("", summary="List users", response_model=PageOut[UserOut])
async def list_users(
    _actor: Annotated[Actor, allowed("users.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[UserFilters, Query()],
) -> dict[str, Any]:
    page = await listing.users(session, sight, query.page, role=query.role, area_id=query.area_id)
    return page_of(page, page.items)


@router.post(
    "",
    summary="Add a user",
    status_code=201,
    response_model=UserOut,
    responses={409: refusal("The user name is taken.")},
)
async def create_user(
    actor: Annotated[Actor, allowed("users.create")],
    services: ServicesDep,
    now: Now,
    body: UserIn,
) -> User:
    """The new user sees `area_id` and below; without one, everything."""
    # The password is worked on before the transaction opens: that takes longer than a
    # transaction may.
    password_hash = await accounts.hash_password(body.password)
    async with services.db.transaction() as session:
        return await accounts.create_user(
            session,
            actor,
            now,
            username=body.username,
            password_hash=password_hash,
            role=body.role,
            name=body.name,
            phone=body.phone,
            area_id=body.area_id,
            language=body.language,
        )


@router.get("/{user_id}", summary="Read a user", response_model=UserOut)
async def read_user(
    _actor: Annotated[Actor, allowed("users.read")],
    sight: SightDep,
    session: Reading,
    user_id: str,
) -> User:
    return await queries.user(session, sight, user_id)


@router.patch("/{user_id}", summary="Change a user", response_model=UserOut)
async def update_user(
    actor: Annotated[Actor, allowed("users.write")],
    services: ServicesDep,
    user_id: str,
    body: UserPatch,
) -> User:
    """A new password, or `active: false`, ends every session of that user at once."""
    changes = body.changes()
    if "password" in changes:
        changes["password_hash"] = await accounts.hash_password(changes.pop("password"))
    async with services.db.transaction() as session:
        return await accounts.update_user(session, actor, user_id, changes)
