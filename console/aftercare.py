"""Forms of what follows a case: visit records, follow-ups and hazards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling import aftercare
from care.model import VisitMode
from care.permissions import require
from care.visit_record import record_of
from console.casepage import after_act, case_page
from console.context import PageContext, SignedIn
from console.errors import PageRoute, explain, status_of
from console.forms import local_time, optional, required
from console.records import answers
from core.errors import AnjuError, InvalidInput

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Fields = Mapping[str, str]
Act = Callable[[AsyncSession, PageContext, str, Fields], Awaitable[None]]


async def save_visit(
    session: AsyncSession, page: PageContext, incident_id: str, fields: Fields
) -> None:
    """The record, and the hazard seen on the way if one was written down."""
    require(page.who, "visits.write")
    mode = required(fields, "mode")
    if mode not in {one.value for one in VisitMode}:
        raise InvalidInput("mode", "choice")
    elder_id = optional(fields, "elder_id")
    visit = await aftercare.record_visit(
        session,
        page.who,
        page.now,
        elder_id=elder_id,
        incident_id=incident_id,
        mode=VisitMode(mode),
        record=record_of(answers(fields)),
    )
    hazard = optional(fields, "hazard")
    if hazard:
        await aftercare.add_hazard(
            session,
            page.who,
            page.now,
            text=hazard,
            elder_id=visit.elder_id,
            visit_id=visit.id,
            incident_id=incident_id,
        )


async def _follow_up(
    session: AsyncSession, page: PageContext, incident_id: str, fields: Fields
) -> None:
    require(page.who, "follow_ups.write")
    await aftercare.add_follow_up(
        session,
        page.who,
        page.now,
        text=required(fields, "text"),
        due_at=local_time(fields, "due_at", page.zone),
        elder_id=optional(fields, "elder_id"),
        incident_id=incident_id,
    )


async def _hazard(
    session: AsyncSession, page: PageContext, incident_id: str, fields: Fields
) -> None:
    require(page.who, "hazards.write")
    await aftercare.add_hazard(
        session,
        page.who,
        page.now,
        text=required(fields, "text"),
        home_id=optional(fields, "home_id"),
        incident_id=incident_id,
    )


ACTS: dict[str, Act] = {"visits": save_visit, "follow-ups": _follow_up, "hazards": _hazard}


@router.post("/follow-ups/{follow_up_id}/complete")
async def complete(page: SignedIn, follow_up_id: str) -> Response:
    """Done, or handed over to somebody else."""
    fields = await page.fields()
    require(page.who, "follow_ups.write")

    async def act(session: AsyncSession) -> None:
        await aftercare.complete_follow_up(
            session,
            page.who,
            page.now,
            follow_up_id,
            result=optional(fields, "result"),
            handed_over_to=optional(fields, "handed_over_to"),
        )

    return await _then(page, act, fields.get("incident_id", ""))


@router.post("/hazards/{hazard_id}/remedy")
async def remedy(page: SignedIn, hazard_id: str) -> Response:
    fields = await page.fields()
    require(page.who, "hazards.write")

    async def act(session: AsyncSession) -> None:
        await aftercare.remedy_hazard(
            session, page.who, page.now, hazard_id, remedy=required(fields, "remedy")
        )

    return await _then(page, act, fields.get("incident_id", ""))


async def _then(
    page: PageContext, act: Callable[[AsyncSession], Awaitable[None]], incident_id: str
) -> Response:
    """Back to the case the form stood on, with what went wrong if something did."""
    try:
        async with page.services.db.transaction() as session:
            await act(session)
    except AnjuError as error:
        if not page.who.is_desk or not incident_id:
            raise
        return await case_page(
            page, incident_id, status=status_of(error), trouble=explain(error, page)
        )
    return await after_act(page, incident_id) if incident_id else page.go_to("/")
