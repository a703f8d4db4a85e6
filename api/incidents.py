"""Incidents: the list, and one of them with its whole story."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import queries, wording
from alerting.finding import Severity
from alerting.handling.closing import gates_missing
from alerting.incident import FINAL, Stage
from alerting.queries import IncidentFilter
from alerting.tables import Incident, Notice, TimelineEntry
from api.dependencies import Language, Reading, ServicesDep, SightDep, allowed
from api.follow_ups import FollowUpOut
from api.schemas import Filters, Ident, Out, PageOut, When, example, page_of
from api.visits import VisitOut
from care.model import Actor

router = APIRouter(prefix="/incidents", tags=["incidents"])

_INCIDENT: dict[str, Any] = {
    "id": "inc-4h8xd",
    "kind": "sos",
    "severity": "life_safety",
    "stage": "open",
    "condition": "active",
    "version": 1,
    "title": "一键呼叫：卧室",
    "owner": None,
    "owner_id": None,
    "visitor_id": None,
    "elder_id": "elder-9w3k7",
    "home_id": "home-2j8dq",
    "area_id": "area-5p2v0",
    "device_id": "btn-0001",
    "opened_at": "2026-03-01T00:15:30Z",
    "due_at": "2026-03-01T00:16:30Z",
    "outcome": None,
    "mode": "actual",
    "confidence": "confirmed",
}


def as_list(value: Any) -> Any:
    """`stage=open,acknowledged` as well as `stage=open&stage=acknowledged`."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return [word for part in value for word in part.split(",") if word]
    return value


def with_plus(value: Any) -> Any:
    """A `+08:00` that was not encoded in the address arrives as ` 08:00`."""
    return re.sub(r" (\d\d:?\d\d)$", r"+\1", value) if isinstance(value, str) else value


class IncidentFilters(Filters):
    stage: Annotated[list[Stage], BeforeValidator(as_list)] = []
    severity: Annotated[list[Severity], BeforeValidator(as_list)] = []
    kind: Annotated[list[Ident], BeforeValidator(as_list)] = []
    elder_id: Ident | None = None
    home_id: Ident | None = None
    area_id: Annotated[Ident | None, Field(description="And everything below.")] = None
    device_id: Ident | None = None
    owner_id: Ident | None = None
    visitor_id: Ident | None = None
    since: Annotated[
        When | None, BeforeValidator(with_plus), Field(description="Opened then or later.")
    ] = None

    def wanted(self) -> IncidentFilter:
        return IncidentFilter(
            stages=tuple(self.stage),
            severities=tuple(self.severity),
            kinds=tuple(self.kind),
            elder_id=self.elder_id,
            home_id=self.home_id,
            area_id=self.area_id,
            device_id=self.device_id,
            owner_id=self.owner_id,
            visitor_id=self.visitor_id,
            since=self.since,
        )


class IncidentOut(Out):
    model_config = Out.model_config | example(**_INCIDENT)
    id: str
    kind: str
    severity: str
    stage: str
    condition: str
    version: int
    title: str = Field(description="One line for people, in the caller's language.")
    owner: str | None = Field(description="Display name of whoever took it.")
    owner_id: str | None
    visitor_id: str | None
    elder_id: str | None
    home_id: str | None
    area_id: str | None
    device_id: str | None
    source_id: str | None
    child_id: str | None
    facts: dict[str, Any] = Field(description="The figures behind it.")
    findings: int
    happened_at: datetime
    opened_at: datetime
    due_at: datetime | None
    due_kind: str | None
    acknowledged_at: datetime | None
    dispatched_at: datetime | None
    accepted_at: datetime | None
    attended_at: datetime | None
    cleared_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    outcome_at: datetime | None
    reason: str | None
    reason_code: str | None
    waiver: str | None
    mode: str
    confidence: str
    previous_id: str | None
    policy_id: str
    policy_version: int


class ElderBrief(Out):
    id: str
    name: str


class TimelineOut(Out):
    model_config = Out.model_config | example(
        at="2026-03-01T00:16:02Z",
        kind="acknowledged",
        actor="王值班",
        text="王值班已接单",
        reason=None,
        recorded_at="2026-03-01T00:16:02Z",
        data={},
    )
    at: datetime
    kind: str
    actor: str
    text: str = Field(description="The sentence, in the caller's language.")
    reason: str | None = Field(description="Why Anju did it, in words; null for people's acts.")
    recorded_at: datetime
    data: dict[str, Any]


class NoticeOut(Out):
    model_config = Out.model_config | example(
        id="ntc-7q2mn",
        type="incident.opened",
        recipient="李梅",
        recipient_kind="contact",
        recipient_id="contact-1m6zt",
        channel="sms",
        state="delivered",
        reason="第一联系人",
        detail=None,
        created_at="2026-03-01T00:15:30Z",
        accepted_at="2026-03-01T00:15:31Z",
        delivered_at="2026-03-01T00:15:34Z",
        answered_at=None,
        answer=None,
        attempt=1,
        is_repeat=False,
    )
    id: str
    type: str
    recipient: str
    recipient_kind: str
    recipient_id: str | None
    channel: str
    state: str
    reason: str
    detail: str | None
    created_at: datetime
    accepted_at: datetime | None  # the provider took it
    delivered_at: datetime | None  # the device, or the desk, has it
    answered_at: datetime | None  # a person answered
    answer: str | None
    attempt: int
    is_repeat: bool


class IncidentFull(IncidentOut):
    model_config = Out.model_config | example(
        **_INCIDENT, timeline=[], notices=[], visits=[], follow_ups=[], missing=["outcome"]
    )
    elders: list[ElderBrief]
    missing: list[str] = Field(description="Gates not met yet; empty when it may be closed.")
    timeline: list[TimelineOut]
    notices: list[NoticeOut]
    visits: list[VisitOut]
    follow_ups: list[FollowUpOut]


def shown(incident: Incident, lang: str, zone: ZoneInfo) -> dict[str, Any]:
    """An incident's own fields, with its title in words."""
    named = {"title", "owner"}
    own = {name: getattr(incident, name) for name in IncidentOut.model_fields if name not in named}
    title = wording.incident_title(incident.kind, incident.facts, lang, zone)
    return own | {"title": title, "owner": incident.owner_name}


def _entry(row: TimelineEntry, lang: str, zone: ZoneInfo) -> TimelineOut:
    return TimelineOut(
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        text=wording.timeline_text(row.kind, row.data, lang, zone),
        reason=wording.reason_text(row.reason, lang) if row.reason else None,
        recorded_at=row.recorded_at,
        data=row.data,
    )


def notices_out(rows: Sequence[Notice], lang: str) -> list[NoticeOut]:
    return [
        NoticeOut.model_validate(row).model_copy(
            update={"reason": wording.reason_text(row.reason, lang)}
        )
        for row in rows
    ]


@router.get("", summary="List incidents", response_model=PageOut[IncidentOut])
async def list_incidents(
    _actor: Annotated[Actor, allowed("incidents.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    lang: Language,
    query: Annotated[IncidentFilters, Query()],
) -> dict[str, Any]:
    """Latest opened first. A visitor sees what they were sent to, and their elders' incidents."""
    page = await queries.incidents(session, sight, query.page, query.wanted())
    zone = services.settings.zone
    return page_of(page, (shown(one, lang, zone) for one in page.items))


@router.get("/{incident_id}", summary="Read an incident", response_model=IncidentFull)
async def read_incident(
    _actor: Annotated[Actor, allowed("incidents.read")],
    sight: SightDep,
    services: ServicesDep,
    session: Reading,
    lang: Language,
    incident_id: str,
) -> dict[str, Any]:
    """With `timeline`, `notices`, `visits` and `follow_ups`."""
    incident = await queries.incident(session, sight, incident_id)
    return await story(session, incident, lang, services.settings.zone)


async def story(
    session: AsyncSession, incident: Incident, lang: str, zone: ZoneInfo
) -> dict[str, Any]:
    """Everything that belongs to an incident, in words of `lang`, times of `zone`."""
    over = Stage(incident.stage) in FINAL
    return shown(incident, lang, zone) | {
        "elders": await queries.elders_of(session, incident),
        "missing": [] if over else list(await gates_missing(session, incident)),
        "timeline": [
            _entry(row, lang, zone) for row in await queries.timeline(session, incident.id)
        ],
        "notices": notices_out(await queries.notices(session, incident.id), lang),
        "visits": await queries.visits_of(session, incident.id),
        "follow_ups": await queries.follow_ups_of(session, incident.id),
    }
