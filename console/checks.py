"""A check at the desk: a panel with the telephone, and what the officer found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import check_queries
from alerting.check import AWAY_CHOICES, Purpose, Result, away_until
from alerting.handling import check_ending
from alerting.tables import Check
from care.permissions import may, require
from console.casepage import desk_values
from console.checkrows import load_file
from console.context import AtDesk, PageContext
from console.errors import PageRoute, explain, status_of
from console.forms import required, version_of
from console.tried import tried
from console.usage_chart import load_check_chart
from console.why import figures, passed
from core.db import after_commit
from core.errors import AnjuError, InvalidInput, NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ACTS = {
    "spoken": Result.SPOKEN,
    "help": Result.HELP,
    "away": Result.AWAY,
    "open": Result.UNANSWERED,  # the officer does not wait any longer
}


@router.get("/checks/{check_id}")
async def check_page(page: AtDesk, check_id: str, show: str = "all") -> Response:
    """The check alone for a script, the whole desk around it otherwise."""
    return await _page(page, check_id, show=show)


@router.post("/checks/{check_id}/{act}")
async def act(page: AtDesk, check_id: str, act: str) -> Response:
    """What the officer found out; `open` does not wait for an answer any longer."""
    fields = await page.fields()
    services = page.services
    try:
        async with services.db.transaction() as session:
            await _perform(session, page, check_id, act, fields)
            after_commit(session, services.signals.outbox.set)
            after_commit(session, services.signals.sweep.set)
    except AnjuError as error:
        if status_of(error) == 404:
            raise
        trouble = explain(error, page)
        status = status_of(error)
        return await _page(page, check_id, status=status, trouble=trouble, open_panel=act)
    async with services.db.reading() as session:
        done = await check_queries.check(session, page.sight, check_id)
    if done.incident_id is not None:
        return page.go_to(f"/incidents/{done.incident_id}")
    if page.wants_fragment:
        return await _page(page, check_id)
    return page.go_to(f"/checks/{check_id}")


async def _perform(
    session: AsyncSession, page: PageContext, check_id: str, act: str, fields: Mapping[str, str]
) -> None:
    result = ACTS.get(act)
    if result is None:
        raise NotFound("act", act)
    require(page.who, "checks.answer")
    found = await check_queries.check(session, page.sight, check_id)
    if found.purpose != Purpose.WELLBEING:
        raise InvalidInput("check", "for_contact")
    until = None
    if result is Result.AWAY:
        choice = required(fields, "until")
        if choice not in AWAY_CHOICES:
            raise InvalidInput("until", "choice")
        until = away_until(choice, page.now, page.zone)
    await check_ending.end_check(
        session,
        check_id,
        result,
        page.now,
        actor=page.who,
        until=until,
        version=version_of(fields),
    )


async def _why(session: AsyncSession, page: PageContext, check: Check) -> dict[str, Any]:
    """Why the elder is asked; a question to a contact says in its title what it is about."""
    if check.purpose != Purpose.WELLBEING:
        return {"chart": None, "figures": (), "passed": ""}
    facts, until = check.finding.get("facts", {}), check.ended_at or page.now
    return {
        "chart": await load_check_chart(session, check, page.zone, page.now),
        "figures": figures(check.kind, facts, until, page.words, page.zone),
        "passed": passed(facts, until, page.words) if check.kind == "no_water_use" else "",
    }


async def _page(
    page: PageContext,
    check_id: str,
    *,
    status: int = 200,
    show: str = "all",
    trouble: str | None = None,
    open_panel: str | None = None,
) -> Response:
    async with page.services.db.reading() as session:
        file = await load_file(session, page.sight, check_id)
        values: dict[str, Any] = {
            "file": file,
            "tries": tried(file.asked, page.words, page.say),
            **await _why(session, page, file.check),
            "choices": AWAY_CHOICES,
            "trouble": trouble,
            "open_panel": open_panel,
            "may_answer": may(page.who, "checks.answer"),
        }
        if not page.wants_fragment:
            values |= await desk_values(session, page, show)
            values |= {"case": None, "check": values["file"].check, "open_id": check_id}
    template = "check_case.html" if page.wants_fragment else "desk.html"
    response = page.render(template, status, **values)
    if page.request.method == "POST":
        response.headers["HX-Trigger"] = "anju:changed"
    return response
