"""Checks: the questions to elders before a welfare incident, and the desk's answers to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from alerting import check_queries, wording
from alerting.check import CheckState, Result
from alerting.handling import check_ending
from alerting.tables import Check
from alerting.telling import questions
from api.dependencies import Language, Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.incidents import NoticeOut, as_list, notices_out, with_plus
from api.problems import refusal
from api.schemas import Body, Filters, Ident, Out, PageOut, When, Whole, example, page_of
from care.model import Actor
from core.db import after_commit

router = APIRouter(prefix="/checks", tags=["incidents"])

_CHECK: dict[str, Any] = {
    "id": "chk-6m2vq",
    "purpose": "wellbeing",
    "kind": "no_water_use",
    "title": "长时间未用水：已 9 小时 20 分未用水；表计在线",
    "state": "asking",
    "result": None,
    "version": 1,
    "elder_id": "elder-9w3k7",
    "home_id": "home-2j8dq",
    "area_id": "area-5p2v0",
    "device_id": "water-0001",
    "facts": {"idle_s": 33600},
    "opened_at": "2026-03-01T08:20:00Z",
    "due_at": "2026-03-01T08:24:00Z",
    "until": "2026-03-01T08:30:00Z",
    "asked": 1,
    "ended_at": None,
    "ended_by": None,
    "incident_id": None,
}


class CheckFilters(Filters):
    state: Annotated[list[CheckState], BeforeValidator(as_list)] = []
    elder_id: Ident | None = None
    home_id: Ident | None = None
    area_id: Annotated[Ident | None, Field(description="And everything below.")] = None
    since: Annotated[
        When | None, BeforeValidator(with_plus), Field(description="Opened then or later.")
    ] = None


class CheckOut(Out):
    model_config = Out.model_config | example(**_CHECK)
    id: str
    purpose: str = Field(description="`wellbeing`, or `holiday`: a contact is asked.")
    kind: str
    title: str = Field(description="One line for people, in the caller's language.")
    state: str
    result: str | None
    version: int
    elder_id: str | None
    home_id: str | None
    area_id: str | None
    device_id: str | None
    facts: dict[str, Any] = Field(description="The figures behind it.")
    opened_at: datetime
    due_at: datetime | None = Field(description="Asked again then, or over.")
    until: datetime | None = Field(description="An unanswered one is an incident then.")
    asked: int
    ended_at: datetime | None
    ended_by: str | None
    incident_id: str | None = Field(description="Opened from it, or asked for by it.")


class CheckFull(CheckOut):
    model_config = Out.model_config | example(**_CHECK, notices=[])
    notices: list[NoticeOut]


class AnswerIn(Body):
    """`version`: act only if nobody else has acted since this version was read."""

    model_config = Body.model_config | example(result="spoken", version=1)
    result: Literal["well", "spoken", "help", "away"]
    until: When | None = Field(None, description="With `away`: when they are back.")
    version: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None


def shown(check: Check, lang: str, zone: ZoneInfo) -> dict[str, Any]:
    """A check's own fields, with its title in words."""
    named = {"title", "facts"}
    own = {name: getattr(check, name) for name in CheckOut.model_fields if name not in named}
    facts = check.finding.get("facts", {})
    return own | {
        "facts": facts,
        "title": wording.incident_title(check.kind, facts, lang, zone),
    }


@router.get("", summary="List checks", response_model=PageOut[CheckOut])
async def list_checks(
    _actor: Annotated[Actor, allowed("checks.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    lang: Language,
    query: Annotated[CheckFilters, Query()],
) -> dict[str, Any]:
    """Latest opened first."""
    page = await check_queries.checks(
        session,
        sight,
        query.page,
        states=query.state,
        elder_id=query.elder_id,
        home_id=query.home_id,
        area_id=query.area_id,
        since=query.since,
    )
    return page_of(page, (shown(one, lang, services.settings.zone) for one in page.items))


@router.get("/{check_id}", summary="Read a check", response_model=CheckFull)
async def read_check(
    _actor: Annotated[Actor, allowed("checks.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    lang: Language,
    check_id: str,
) -> dict[str, Any]:
    """With its questions as `notices`."""
    found = await check_queries.check(session, sight, check_id)
    asked = await questions.questions_of(session, found.id)
    return shown(found, lang, services.settings.zone) | {"notices": notices_out(asked, lang)}


@router.post(
    "/{check_id}/answer",
    summary="Answer a check for the elder",
    response_model=CheckOut,
    responses={
        409: refusal("It is over, or `version` is old; `winner` says who was first."),
        422: refusal("`until` is missing or cannot be, or a contact was asked (`check`)."),
    },
)
async def answer_check(
    actor: Annotated[Actor, allowed("checks.answer")],
    sight: SightDep,
    services: ServicesDep,
    session: Writing,
    now: Now,
    lang: Language,
    check_id: str,
    body: AnswerIn,
) -> dict[str, Any]:
    """By the desk, which spoke with the elder: `well` and `spoken` end it, `help` opens the
    incident at once, `away` needs `until`, in the future and at most a year ahead.

    422 with the field `check` for one of purpose `holiday`: a contact was asked, so put down the
    elder's status instead.
    """
    after_commit(session, services.signals.outbox.set)
    after_commit(session, services.signals.sweep.set)
    seen = await check_queries.check(session, sight, check_id)
    done = await check_ending.end_check(
        session,
        seen.id,
        Result(body.result),
        now,
        actor=actor,
        until=body.until,
        version=body.version,
    )
    return shown(done, lang, services.settings.zone)
