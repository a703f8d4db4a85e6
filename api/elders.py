"""Elders: who is cared for, where they live, and whether they are at home."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.handling import absences
from api.dependencies import Now, Reading, SightDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Address,
    Body,
    Day,
    Filters,
    Ident,
    Name,
    Out,
    PageOut,
    Phone,
    Text,
    When,
    example,
    page_of,
)
from care import listing, queries
from care.limits import ElderRules
from care.model import Actor, Category, ElderStatus
from care.tables import Elder, Home

router = APIRouter(prefix="/elders", tags=["homes and elders"])
Categories = Annotated[list[Category], Field(max_length=20)]
Tier = Annotated[str, Field(min_length=1, max_length=40)]


class ElderIn(Body):
    model_config = Body.model_config | example(
        name="李桂兰",
        birth_date="1941-05-03",
        phone="020-8333 1234",
        address="城关村 12 号",
        area_id="area-5p2v0",
        categories=["living_alone"],
    )
    name: Name
    birth_date: Day | None = None
    phone: Phone | None = None
    address: Address | None = None
    area_id: Ident | None = None
    home_id: Ident | None = None
    categories: Categories = []
    tier: Tier | None = None
    responsible_visitor_id: Ident | None = None
    rules: ElderRules = ElderRules()
    health: Text | None = None
    access: Text | None = None


class ElderPatch(Body):
    model_config = Body.model_config | example(
        status="hospital", status_review_at="2026-03-08T01:00:00Z"
    )
    name: Name = NOT_GIVEN
    birth_date: Day | None = None
    phone: Phone | None = None
    address: Address = NOT_GIVEN
    area_id: Ident | None = None
    home_id: Ident = NOT_GIVEN
    categories: Categories = NOT_GIVEN
    tier: Tier | None = None
    responsible_visitor_id: Ident | None = None
    rules: ElderRules = NOT_GIVEN
    health: Text | None = None
    access: Text | None = None
    status: ElderStatus = NOT_GIVEN
    status_review_at: When | None = None
    status_text: Text | None = None


class ElderOut(Out):
    model_config = Out.model_config | example(
        id="elder-9w3k7",
        name="李桂兰",
        birth_date="1941-05-03",
        phone="+862083331234",
        address="城关村 12 号",
        area_id="area-5p2v0",
        home_id="home-2j8dq",
        categories=["living_alone"],
        tier=None,
        responsible_visitor_id=None,
        rules={"vitals": {"heart_rate": [50, 110]}},
        health=None,
        access=None,
        status="home",
        status_since=None,
        status_review_at=None,
        created_at="2026-03-01T00:15:00Z",
        warnings=[],
    )
    id: str
    name: str
    birth_date: date | None
    phone: str | None
    address: str
    area_id: str | None
    home_id: str
    categories: list[str]
    tier: str | None
    responsible_visitor_id: str | None
    rules: dict[str, Any]
    health: str | None
    access: str | None
    status: str
    status_since: datetime | None
    status_review_at: datetime | None
    created_at: datetime
    warnings: list[str] = []


class ElderFilters(Filters):
    area_id: Ident | None = None
    home_id: Ident | None = None
    responsible_visitor_id: Ident | None = None
    status: ElderStatus | None = None
    name: Annotated[str | None, Field(max_length=100, description="Any part of a name.")] = None


class StatusOut(Out):
    model_config = Out.model_config | example(
        id="17",
        at="2026-03-01T00:15:00Z",
        status="away",
        until="2026-03-04T13:00:00Z",
        actor="李梅",
        actor_id="contact-5d8zq",
        reason="family",
        text=None,
    )
    id: str
    at: datetime
    status: str
    until: datetime | None
    actor: str
    actor_id: str | None
    reason: str
    text: str | None


def shown(elder: Elder, home: Home, warnings: list[str] | None = None) -> ElderOut:
    """An elder with the address of their home."""
    own = {name: getattr(elder, name) for name in ElderOut.model_fields if hasattr(elder, name)}
    return ElderOut(**own, address=home.address, warnings=warnings or [])


@router.get("", summary="List elders", response_model=PageOut[ElderOut])
async def list_elders(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    session: Reading,
    query: Annotated[ElderFilters, Query()],
) -> dict[str, Any]:
    page = await listing.elders(
        session, sight, query.page, **query.model_dump(exclude={"limit", "cursor"})
    )
    return page_of(page, (shown(elder, home) for elder, home in page.items))


@router.post("", summary="Add an elder", status_code=201, response_model=ElderOut)
async def create_elder(
    actor: Annotated[Actor, allowed("elders.write")], session: Writing, now: Now, body: ElderIn
) -> ElderOut:
    """Without `home_id` a home of their own is made, with `address`.

    A home that exists keeps its own address; a different one sent along comes back as a warning.
    """
    fields = body.model_dump() | {"rules": body.rules}
    elder = await absences.create_elder(session, actor, now, **fields)
    home = await session.get_one(Home, elder.home_id)
    warnings = []
    if body.address and body.address != home.address:
        warnings.append(f"address: the home's own stands; change home {home.id} if it is wrong")
    return shown(elder, home, warnings)


@router.get("/{elder_id}", summary="Read an elder", response_model=ElderOut)
async def read_elder(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    session: Reading,
    elder_id: str,
) -> ElderOut:
    elder = await queries.elder(session, sight, elder_id)
    return shown(elder, await session.get_one(Home, elder.home_id))


@router.patch("/{elder_id}", summary="Change an elder", response_model=ElderOut)
async def update_elder(
    actor: Annotated[Actor, allowed("elders.write")],
    session: Writing,
    now: Now,
    elder_id: str,
    body: ElderPatch,
) -> ElderOut:
    """Any status but `home` rests the welfare rules until its review; life safety stays live.

    Away and hospital end by themselves at `status_review_at` (without one: after 3 and 7 days),
    moved and deceased are to be looked at again then (30 days). `status_text` says why.

    `rules` replaces all that was set before; the next message is judged by it.
    """
    elder = await absences.update_elder(session, actor, now, elder_id, body.changes())
    return shown(elder, await session.get_one(Home, elder.home_id))


@router.get(
    "/{elder_id}/statuses",
    summary="Who was away, until when, and who said so",
    response_model=PageOut[StatusOut],
)
async def list_statuses(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    session: Reading,
    elder_id: str,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """Latest first. `reason`: staff, family, answer, holiday_question, used_again, until_passed,
    review or import."""
    elder = await queries.elder(session, sight, elder_id)
    page = await listing.statuses(session, elder, query.page)
    shown_fields = StatusOut.model_fields
    return page_of(
        page,
        (
            StatusOut(**{name: getattr(row, name) for name in shown_fields} | {"id": str(row.id)})
            for row in page.items
        ),
    )
