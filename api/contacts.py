"""Emergency contacts of an elder: who is told, in which order, over which channels."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from alerting.channels.http import webhook_refusal
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Language,
    Name,
    Out,
    PageOut,
    Phone,
    Whole,
    example,
    page_of,
)
from care import contacts
from care.model import Actor
from care.reach import MAX_CHANNELS
from care.tables import EmergencyContact
from core.services import Services

router = APIRouter(prefix="/elders/{elder_id}/contacts", tags=["homes and elders"])
Rank = Annotated[Whole, Field(ge=1, le=99)]
Relation = Annotated[str, StringConstraints(max_length=60)]


class ContactChannel(Body):
    """One way to reach a contact. An sms or call without an address goes to their phone."""

    kind: Literal["webhook", "sms", "call", "email", "apprise"]
    address: Annotated[str, StringConstraints(max_length=1000)] = ""


Channels = Annotated[list[ContactChannel], Field(max_length=MAX_CHANNELS)]


class ContactIn(Body):
    model_config = Body.model_config | example(
        name="李梅",
        relation="女儿",
        phone="13800138000",
        rank=1,
        channels=[{"kind": "webhook", "address": "https://example.org/hook"}],
    )
    name: Name
    relation: Relation | None = None
    phone: Phone | None = None
    rank: Rank = 1
    channels: Channels = []
    language: Language = "zh"


class ContactPatch(Body):
    model_config = Body.model_config | example(phone="13900139000")
    name: Name = NOT_GIVEN
    relation: Relation | None = None
    phone: Phone | None = None
    rank: Rank = NOT_GIVEN
    channels: Channels = NOT_GIVEN
    language: Language = NOT_GIVEN


class ContactOut(Out):
    model_config = Out.model_config | example(
        id="contact-1m6zt",
        elder_id="elder-9w3k7",
        name="李梅",
        relation="女儿",
        phone="+8613800138000",
        rank=1,
        channels=[{"kind": "webhook", "address": "https://example.org/hook"}],
        language="zh",
        verified_at=None,
        created_at="2026-03-01T00:15:00Z",
        warnings=["channels.0: https://example.org is not in ANJU_WEBHOOK_HOSTS"],
    )
    id: str
    elder_id: str
    name: str
    relation: str | None
    phone: str | None
    rank: int
    channels: list[dict[str, str]]
    language: str
    verified_at: datetime | None
    created_at: datetime
    warnings: list[str] = Field(
        [], description="Channels that are stored but that nothing would be sent to."
    )


def _shown(contact: EmergencyContact, services: Services) -> ContactOut:
    allowed_hosts = services.settings.allowed_webhook_hosts
    warnings = [
        f"channels.{number}: {refusal}; nothing is sent there"
        for number, channel in enumerate(contact.channels)
        if channel["kind"] == "webhook"
        and (refusal := webhook_refusal(channel["address"], allowed_hosts)) is not None
    ]
    return ContactOut.model_validate(contact).model_copy(update={"warnings": warnings})


@router.get("", summary="List an elder's contacts", response_model=PageOut[ContactOut])
async def list_contacts(
    _actor: Annotated[Actor, allowed("contacts.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    elder_id: str,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """In the order in which they are told."""
    page = await contacts.list_contacts(session, sight, elder_id, query.page)
    return page_of(page, (_shown(one, services) for one in page.items))


@router.post("", summary="Add a contact", status_code=201, response_model=ContactOut)
async def create_contact(
    actor: Annotated[Actor, allowed("contacts.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    elder_id: str,
    body: ContactIn,
) -> ContactOut:
    contact = await contacts.create_contact(session, actor, now, elder_id, **body.model_dump())
    return _shown(contact, services)


@router.get("/{contact_id}", summary="Read a contact", response_model=ContactOut)
async def read_contact(
    _actor: Annotated[Actor, allowed("contacts.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    elder_id: str,
    contact_id: str,
) -> ContactOut:
    return _shown(await contacts.find_contact(session, sight, elder_id, contact_id), services)


@router.patch("/{contact_id}", summary="Change a contact", response_model=ContactOut)
async def update_contact(
    actor: Annotated[Actor, allowed("contacts.write")],
    services: ServicesDep,
    session: Writing,
    elder_id: str,
    contact_id: str,
    body: ContactPatch,
) -> ContactOut:
    """A new phone or channel has to be verified anew."""
    changes = body.model_dump(exclude_unset=True)
    contact = await contacts.update_contact(session, actor, elder_id, contact_id, changes)
    return _shown(contact, services)


@router.delete("/{contact_id}", summary="Remove a contact", status_code=204)
async def delete_contact(
    actor: Annotated[Actor, allowed("contacts.write")],
    session: Writing,
    elder_id: str,
    contact_id: str,
) -> None:
    """Nobody rings them any more; what was said to them stays on the timelines."""
    await contacts.remove_contact(session, actor, elder_id, contact_id)
