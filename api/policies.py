"""Escalation policies: the ladder of who is told when, versioned."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.administration import ladders
from alerting.escalation import Policy
from alerting.finding import Severity
from alerting.tables import EscalationPolicyRow
from api.dependencies import Now, Reading, Writing, allowed
from api.schemas import (
    NOT_GIVEN,
    Body,
    Filters,
    Flag,
    Ident,
    LongName,
    Out,
    PageOut,
    example,
    page_of,
)
from care.model import Actor

router = APIRouter(prefix="/escalation-policies", tags=["alerting"])

_LADDER: dict[str, Any] = {
    "steps": [
        {"after_s": 0, "tell": [{"who": "desk"}, {"who": "contacts", "by": "message"}]},
        {"after_s": 60, "tell": [{"who": "on_call", "by": "call"}]},
        {"after_s": 120, "tell": [{"who": "operator"}]},
    ],
    "repeat_s": 300,
}


class PolicyIn(Body):
    model_config = Body.model_config | example(
        name="城关镇夜间", severity="life_safety", area_id="area-5p2v0", ladder=_LADDER
    )
    name: LongName
    severity: Severity
    ladder: Policy
    area_id: Ident | None = None


class PolicyPatch(Body):
    model_config = Body.model_config | example(active=False)
    name: LongName = NOT_GIVEN
    ladder: Policy = NOT_GIVEN
    active: Flag = NOT_GIVEN


class PolicyOut(Out):
    model_config = Out.model_config | example(
        id="guangdong-life_safety",
        version=1,
        name="guangdong life_safety",
        severity="life_safety",
        area_id=None,
        ladder=_LADDER,
        active=True,
        created_at="2026-03-01T00:00:00Z",
    )
    id: str
    version: int
    name: str
    severity: str
    area_id: str | None
    ladder: dict[str, Any] = Field(validation_alias="body")
    active: bool
    created_at: datetime


class PolicyFilters(Filters):
    severity: Severity | None = None


Version = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="An earlier version, as incidents name it.")
]


@router.get("", summary="List ladders in force", response_model=PageOut[PolicyOut])
async def list_policies(
    actor: Annotated[Actor, allowed("policies.read")],
    session: Reading,
    query: Annotated[PolicyFilters, Query()],
) -> dict[str, Any]:
    page = await ladders.listed(session, actor, query.page, severity=query.severity)
    return page_of(page, page.items)


@router.post("", summary="Add a ladder", status_code=201, response_model=PolicyOut)
async def create_policy(
    actor: Annotated[Actor, allowed("policies.write")], session: Writing, now: Now, body: PolicyIn
) -> EscalationPolicyRow:
    """Stands before the region's own. Its last step must tell the operator as well."""
    return await ladders.create_policy(
        session,
        actor,
        now,
        name=body.name,
        severity=body.severity,
        ladder=body.ladder,
        area_id=body.area_id,
    )


@router.get("/{policy_id}", summary="Read a ladder", response_model=PolicyOut)
async def read_policy(
    actor: Annotated[Actor, allowed("policies.read")],
    session: Reading,
    policy_id: str,
    version: Version = None,
) -> EscalationPolicyRow:
    """The newest version, or the one that an incident was stamped with."""
    return await ladders.find_policy(session, actor, policy_id, version)


@router.patch("/{policy_id}", summary="Change a ladder", response_model=PolicyOut)
async def update_policy(
    actor: Annotated[Actor, allowed("policies.write")],
    session: Writing,
    now: Now,
    policy_id: str,
    body: PolicyPatch,
) -> EscalationPolicyRow:
    """A new ladder is a new version; incidents that run keep theirs."""
    return await ladders.update_policy(session, actor, now, policy_id, body.changes())
