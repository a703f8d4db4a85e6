"""Who is told in which order: ladders of one's own beside the region's, version by version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.escalation import Policy
from alerting.finding import Severity
from alerting.tables import EscalationPolicyRow
from alerting.telling.policies import store_version
from care.areas import area_for_new
from care.listing import equal
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import in_scope
from core.errors import InvalidInput, NotAllowed, NotFound
from core.ids import new_id

_OWN_POLICY = "pol"
_POLICIES = Order(
    name="escalation-policies", key=EscalationPolicyRow.created_at, ident=EscalationPolicyRow.id
)


async def listed(
    session: AsyncSession, actor: Actor, page: PageRequest, *, severity: str | None = None
) -> Page[EscalationPolicyRow]:
    """The versions in force, first made first."""
    statement = select(EscalationPolicyRow).where(
        EscalationPolicyRow.active, in_scope(EscalationPolicyRow.area_id, actor.scope)
    )
    return await fetch_page(session, equal(statement, severity=severity), _POLICIES, page)


async def find_policy(
    session: AsyncSession, actor: Actor, policy_id: str, version: int | None = None
) -> EscalationPolicyRow:
    """A policy's newest version, or the one asked for; raises `NotFound`."""
    statement = equal(
        select(EscalationPolicyRow).where(
            EscalationPolicyRow.id == policy_id,
            in_scope(EscalationPolicyRow.area_id, actor.scope),
        ),
        version=version,
    )
    newest = statement.order_by(EscalationPolicyRow.version.desc()).limit(1)
    found: EscalationPolicyRow | None = await session.scalar(newest)
    if found is None:
        raise NotFound("escalation policy", policy_id)
    return found


async def create_policy(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    severity: Severity,
    ladder: Policy,
    area_id: str | None = None,
) -> EscalationPolicyRow:
    """A ladder of one's own; it stands before the region's, in its area or everywhere.

    Raises `InvalidInput` for a ladder whose last step could reach nobody.
    """
    _check_ladder(ladder)
    return await store_version(
        session,
        new_id(_OWN_POLICY),
        name=name,
        severity=severity.value,
        area_id=await area_for_new(session, actor, area_id),
        body=ladder.model_dump(mode="json"),
        now=now,
    )


async def update_policy(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    policy_id: str,
    changes: Mapping[str, Any],
) -> EscalationPolicyRow:
    """Change name, ladder, or `active: false`. A new ladder is a new version.

    Incidents that run keep the version they were opened with.
    """
    row = await find_policy(session, actor, policy_id)
    if not row.id.startswith(f"{_OWN_POLICY}-"):
        raise NotAllowed("this ladder comes with the region; add one of your own instead")
    if "ladder" in changes:
        _check_ladder(changes["ladder"])
        row = await store_version(
            session,
            row.id,
            name=row.name,
            severity=row.severity,
            area_id=row.area_id,
            body=changes["ladder"].model_dump(mode="json"),
            now=now,
        )
    row.name = changes.get("name", row.name)
    row.active = changes.get("active", row.active)
    await session.flush()
    return row


def _check_ladder(ladder: Policy) -> None:
    if not ladder.ends_in_operator():
        raise InvalidInput("ladder.steps", "the last step must tell the operator as well")
