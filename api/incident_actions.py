"""What people do with an incident: one POST for every move of the contract's stage table."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Body as BodyParam
from pydantic import Field, StringConstraints

from alerting import queries
from alerting.handling import closing, responding
from alerting.incident import Outcome
from alerting.tables import Incident
from api.dependencies import Language, Now, ServicesDep, SightDep, Writing, allowed
from api.incidents import IncidentOut, shown
from api.problems import refusal
from api.schemas import Body, Ident, Text, When, Whole, example
from care.accounts import visitor_for
from care.model import Actor
from core.db import after_commit

ReasonCode = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Reason = Annotated[str, StringConstraints(max_length=4000)]


class Action(Body):
    """`version`: act only if nobody else has acted since this version was read."""

    model_config = Body.model_config | example(version=1)
    version: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None


class ReleaseIn(Action):
    model_config = Body.model_config | example(reason="交班")
    reason: Reason | None = None


class DispatchIn(Action):
    model_config = Body.model_config | example(visitor_id="usr-0r5t1", version=2)
    visitor_id: Ident


class ArriveIn(Action):
    model_config = Body.model_config | example(at="2026-03-01T00:30:00Z")
    at: When | None = None


class OutcomeIn(Action):
    model_config = Body.model_config | example(outcome="assisted", reason="摔倒，已扶起，无外伤")
    outcome: Outcome
    reason: Reason = ""
    reason_code: ReasonCode | None = None


class NoteIn(Action):
    model_config = Body.model_config | example(text="老人电话无人接听")
    text: Text


class CloseIn(Action):
    model_config = Body.model_config | example(waiver="电话中确认平安，老人不要上门")
    waiver: Text | None = None


class ReopenIn(Action):
    model_config = Body.model_config | example(reason="家属又打来电话")
    reason: Reason = ""


class CancelIn(Action):
    model_config = Body.model_config | example(reason="安装时误触发")
    reason: Text


async def _seen(
    services: ServicesDep, session: Writing, sight: SightDep, incident_id: str
) -> Incident:
    """The incident to act on: only what the caller may see, otherwise not found or not theirs."""
    after_commit(session, services.signals.outbox.set)  # somebody may have to be told
    after_commit(session, services.signals.sweep.set)  # a deadline may have moved closer
    return await queries.incident_to_act_on(session, sight, incident_id)


Seen = Annotated[Incident, Depends(_seen, scope="function")]

router = APIRouter(
    prefix="/incidents/{incident_id}",
    tags=["incidents"],
    responses={409: refusal("Somebody was first, or `version` is old; `winner` says who.")},
)


@router.post("/acknowledge", summary="Take it", response_model=IncidentOut)
async def acknowledge(
    actor: Annotated[Actor, allowed("incidents.acknowledge")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[Action, BodyParam()] = Action(),
) -> dict[str, Any]:
    """open → acknowledged. The ladder stops; somebody has to be sent next."""
    done = await responding.acknowledge(session, seen.id, actor, now, version=body.version)
    return shown(done, lang, services.settings.zone)


@router.post("/release", summary="Give it back", response_model=IncidentOut)
async def release(
    actor: Annotated[Actor, allowed("incidents.release")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[ReleaseIn, BodyParam()] = ReleaseIn(),
) -> dict[str, Any]:
    """acknowledged · dispatched · accepted → open. The ladder starts again."""
    done = await responding.release(
        session, seen.id, actor, now, version=body.version, reason=body.reason
    )
    return shown(done, lang, services.settings.zone)


@router.post("/dispatch", summary="Send somebody", response_model=IncidentOut)
async def dispatch(
    actor: Annotated[Actor, allowed("incidents.dispatch")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: DispatchIn,
) -> dict[str, Any]:
    """open · acknowledged · dispatched · accepted → dispatched. Takes it if nobody had."""
    await visitor_for(session, body.visitor_id, seen.area_id)
    done = await responding.dispatch(
        session, seen.id, actor, now, visitor_id=body.visitor_id, version=body.version
    )
    return shown(done, lang, services.settings.zone)


@router.post("/accept", summary="Go", response_model=IncidentOut)
async def accept(
    actor: Annotated[Actor, allowed("incidents.accept")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[Action, BodyParam()] = Action(),
) -> dict[str, Any]:
    """dispatched → accepted, by the assigned visitor or by the desk on their behalf."""
    done = await responding.accept(session, seen.id, actor, now, version=body.version)
    return shown(done, lang, services.settings.zone)


@router.post("/decline", summary="Cannot go", response_model=IncidentOut)
async def decline(
    actor: Annotated[Actor, allowed("incidents.decline")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[ReleaseIn, BodyParam()] = ReleaseIn(),
) -> dict[str, Any]:
    """A `release` by the assigned visitor, or on their behalf: back to open, told to all again."""
    done = await responding.release(
        session, seen.id, actor, now, version=body.version, reason=body.reason
    )
    return shown(done, lang, services.settings.zone)


@router.post("/arrive", summary="Be at the door", response_model=IncidentOut)
async def arrive(
    actor: Annotated[Actor, allowed("incidents.arrive")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[ArriveIn, BodyParam()] = ArriveIn(),
) -> dict[str, Any]:
    """dispatched · accepted → attended. `at` is when it was, for a phone that was offline."""
    done = await responding.arrive(session, seen.id, actor, now, version=body.version, at=body.at)
    return shown(done, lang, services.settings.zone)


@router.post("/outcome", summary="Say what was found", response_model=IncidentOut)
async def record_outcome(
    actor: Annotated[Actor, allowed("incidents.outcome")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: OutcomeIn,
) -> dict[str, Any]:
    """acknowledged … attended → following_up."""
    done = await closing.record_outcome(
        session,
        seen.id,
        actor,
        now,
        outcome=body.outcome,
        reason=body.reason,
        reason_code=body.reason_code,
        version=body.version,
    )
    return shown(done, lang, services.settings.zone)


@router.post("/notes", summary="Note a fact", response_model=IncidentOut)
async def add_note(
    actor: Annotated[Actor, allowed("incidents.notes")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: NoteIn,
) -> dict[str, Any]:
    """Added to the timeline in any stage; never moves a deadline."""
    done = await responding.add_note(
        session, seen.id, actor, now, text=body.text, version=body.version
    )
    return shown(done, lang, services.settings.zone)


@router.post("/heard", summary="Heard a further press", response_model=IncidentOut)
async def heard(
    actor: Annotated[Actor, allowed("incidents.heard")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[Action, BodyParam()] = Action(),
) -> dict[str, Any]:
    """The owner reacts to a repeated alarm, so that the ladder does not start again."""
    done = await responding.heard(session, seen.id, actor, now, version=body.version)
    return shown(done, lang, services.settings.zone)


@router.post("/close", summary="Close the case", response_model=IncidentOut)
async def close(
    actor: Annotated[Actor, allowed("incidents.close")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[CloseIn, BodyParam()] = CloseIn(),
) -> dict[str, Any]:
    """following_up → closed. 422 with `missing` while the policy's gates are not met."""
    done = await closing.close(
        session, seen.id, actor, now, waiver=body.waiver, version=body.version
    )
    return shown(done, lang, services.settings.zone)


@router.post("/reopen", summary="Open it again", response_model=IncidentOut)
async def reopen(
    actor: Annotated[Actor, allowed("incidents.reopen")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: Annotated[ReopenIn, BodyParam()] = ReopenIn(),
) -> dict[str, Any]:
    """following_up · closed → open. The ladder starts again."""
    done = await closing.reopen(
        session, seen.id, actor, now, reason=body.reason, version=body.version
    )
    return shown(done, lang, services.settings.zone)


@router.post("/cancel", summary="Withdraw it", response_model=IncidentOut)
async def cancel(
    actor: Annotated[Actor, allowed("incidents.cancel")],
    services: ServicesDep,
    session: Writing,
    seen: Seen,
    now: Now,
    lang: Language,
    body: CancelIn,
) -> dict[str, Any]:
    """open · acknowledged → cancelled, with a reason; never for an actual life-safety alarm."""
    done = await closing.cancel(
        session, seen.id, actor, now, reason=body.reason, version=body.version
    )
    return shown(done, lang, services.settings.zone)
