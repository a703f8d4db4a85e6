"""Escalation policies in the database: the region's ladders installed, found, stamped, loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.escalation import Policy
from alerting.tables import EscalationPolicyRow
from alerting.telling.roster import area_path


async def install_ladders(
    session: AsyncSession, region: str, ladders: Mapping[str, Mapping[str, Any]], now: datetime
) -> None:
    """Store a region's ladders, one policy a severity; a changed one becomes a new version."""
    for severity, body in ladders.items():
        Policy.model_validate(body)
        await store_version(
            session,
            f"{region}-{severity}",
            name=f"{region} {severity}",
            severity=severity,
            area_id=None,
            body=dict(body),
            now=now,
        )


async def store_version(
    session: AsyncSession,
    policy_id: str,
    *,
    name: str,
    severity: str,
    area_id: str | None,
    body: dict[str, Any],
    now: datetime,
) -> EscalationPolicyRow:
    """The newest version of a policy: the stored one if nothing changed, otherwise a new one."""
    newest = await session.scalar(
        select(EscalationPolicyRow)
        .where(EscalationPolicyRow.id == policy_id)
        .order_by(EscalationPolicyRow.version.desc())
        .limit(1)
    )
    if newest is not None and newest.active and newest.body == body:
        return newest
    await session.execute(
        update(EscalationPolicyRow).where(EscalationPolicyRow.id == policy_id).values(active=False)
    )
    row = EscalationPolicyRow(
        id=policy_id,
        version=newest.version + 1 if newest else 1,
        name=name,
        severity=severity,
        area_id=area_id,
        body=body,
        active=True,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def policy_for(
    session: AsyncSession, severity: str, area_id: str | None
) -> EscalationPolicyRow:
    """The policy that a new incident is stamped with: the narrowest area's, else the region's."""
    path = await area_path(session, area_id)
    areas = [part for part in path.split("/") if part]
    rows = (
        await session.scalars(
            select(EscalationPolicyRow).where(
                EscalationPolicyRow.severity == severity, EscalationPolicyRow.active
            )
        )
    ).all()
    depth = {area: index for index, area in enumerate(areas, 1)}
    fitting = [row for row in rows if row.area_id is None or row.area_id in depth]
    if not fitting:
        raise LookupError(f"no escalation policy for {severity}; was install_ladders run?")
    return max(fitting, key=lambda row: (depth.get(row.area_id or "", 0), row.created_at, row.id))


async def stamped_policy(session: AsyncSession, policy_id: str, version: int) -> Policy:
    """The very ladder an incident was opened with, whatever was changed since."""
    body = await session.scalar(
        select(EscalationPolicyRow.body).where(
            EscalationPolicyRow.id == policy_id, EscalationPolicyRow.version == version
        )
    )
    if body is None:
        raise LookupError(f"policy {policy_id} version {version} is gone")
    return Policy.model_validate(body)
