"""The visitor's phone: one task a screen, one next step, a thumb's reach away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet.overview import due_for_a_press
from alerting.incident import Stage
from alerting.intake.dry_homes import dry_homes
from console import queries
from console.acts import perform
from console.aftercare import save_visit
from console.casefile import CaseFile, load_case
from console.casepage import case_values
from console.context import PageContext, SignedIn
from console.errors import PageRoute, explain, status_of
from console.icons import icon_of_kind
from core.errors import AnjuError, Conflict, NotAllowed, NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ACTS = ("accept", "decline", "arrive", "outcome")
BIG_OUTCOMES = (("assisted", "check"), ("hospital", "hospital"), ("false_alarm", "bell-off"))


@router.get("/my")
async def tasks(page: SignedIn) -> Response:
    """The list of tasks; a single one is shown at once."""
    async with page.services.db.reading() as session:
        found = await queries.load_tasks(session, page.who.id)
        dry = () if page.who.is_desk else await dry_homes(session, page.sight, page.now)
        if len(found) == 1:
            case = await load_case(session, page.who, found[0].incident.id, page.now)
            values = _task_values(page, case) | await _to_press(session, page, case)
            return page.render("task.html", dry_homes=dry, **values)
        to_press = await due_for_a_press(session, page.now, visitor_id=page.who.id)
    return page.render(
        "my.html", tasks=found, icon_of_kind=icon_of_kind, to_press=to_press, dry_homes=dry
    )


async def _to_press(session: AsyncSession, page: PageContext, case: CaseFile) -> dict[str, Any]:
    """Alarm devices in the home that a visitor goes to anyway: please press them once."""
    if case.home is None:
        return {"to_press": ()}
    return {"to_press": await due_for_a_press(session, page.now, home_id=case.home.id)}


@router.get("/my/{incident_id}")
async def task(page: SignedIn, incident_id: str) -> Response:
    return await _task_page(page, incident_id)


@router.get("/my/{incident_id}/done")
async def done(page: SignedIn, incident_id: str) -> Response:
    """After the record: thanks, and the draft on the phone is wiped."""
    return page.render("task_done.html", incident_id=incident_id)


@router.post("/my/{incident_id}/{act}")
async def act(page: SignedIn, incident_id: str, act: str) -> Response:
    """The one step of a screen. What was typed survives a refusal."""
    if act not in (*ACTS, "visits"):
        raise NotFound("act", act)
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            if act == "visits":
                await save_visit(session, page, incident_id, fields)
            else:
                await perform(session, incident_id, act, page, fields)
    except Conflict as error:
        return await _task_page(page, incident_id, error=error, typed=fields)
    except NotAllowed:
        return _gone(page)
    except AnjuError as error:
        if status_of(error) != 422:
            raise
        return await _task_page(page, incident_id, error=error, typed=fields)
    after = {"visits": f"/my/{incident_id}/done", "decline": "/my"}
    return page.go_to(after.get(act, f"/my/{incident_id}"))


async def _task_page(
    page: PageContext,
    incident_id: str,
    *,
    error: AnjuError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The screen of a task's present step; a task that went to somebody else says so."""
    async with page.services.db.reading() as session:
        try:
            case = await load_case(session, page.who, incident_id, page.now)
        except NotFound:
            return _gone(page)
        to_press = await _to_press(session, page, case)
    if case.incident.visitor_id != page.who.id:
        return _gone(page)
    trouble = explain(error, page) if error else None
    values = _task_values(page, case, typed=typed, trouble=trouble) | to_press
    return page.render("task.html", status_of(error) if error else 200, **values)


def _gone(page: PageContext) -> Response:
    return page.render("task_gone.html", 404)


def _task_values(
    page: PageContext,
    case: CaseFile,
    *,
    typed: Mapping[str, str] | None = None,
    trouble: str | None = None,
) -> dict[str, Any]:
    incident, t = case.incident, page.words
    recorded = any(visit.visitor_id == page.who.id for visit in case.visits)
    take = f"take.{incident.kind}"
    address = case.home.address if case.home else ""
    return case_values(page, case, typed=typed, trouble=trouble) | {
        "step": _step(Stage(incident.stage), recorded),
        "take": t(take) if t.has(take) else t("take.other"),
        "geo": f"geo:0,0?q={quote(address)}" if address else None,
        "big_outcomes": BIG_OUTCOMES,
    }


def _step(stage: Stage, recorded: bool) -> str:
    """Which screen a stage shows: new, go, how, record or done."""
    steps = {Stage.DISPATCHED: "new", Stage.ACCEPTED: "go", Stage.ATTENDED: "how"}
    if stage is Stage.FOLLOWING_UP:
        return "done" if recorded else "record"
    return steps.get(stage, "done")
