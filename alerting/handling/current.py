"""The incident that a finding belongs to: the one that runs, or the latest that has an outcome."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Severity
from alerting.incident import FINAL, UNATTENDED, Stage, folded_subject
from alerting.intake.whose import Whose
from alerting.tables import Incident

ENDED = FINAL | {Stage.FOLLOWING_UP}


async def running_incident(
    session: AsyncSession, whose: Whose, kind: str, severity: Severity
) -> Incident | None:
    """The incident that a finding of this kind would join, locked."""
    subject = whose.subject(severity)
    if subject.startswith("child:"):
        subject = await folded(session, subject, whose)
    return await unattended(session, subject, kind)


async def unattended(session: AsyncSession, subject: str, kind: str) -> Incident | None:
    return await session.scalar(
        select(Incident)
        .where(Incident.subject == subject, Incident.kind == kind, Incident.stage.in_(UNATTENDED))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def latest_ended(session: AsyncSession, subject: str, kind: str) -> Incident | None:
    return await session.scalar(
        select(Incident)
        .where(
            Incident.subject == subject,
            Incident.kind == kind,
            Incident.stage.in_(ENDED),
        )
        .order_by(Incident.opened_at.desc())
        .limit(1)
    )


async def folded(session: AsyncSession, subject: str, whose: Whose) -> str:
    subjects = await session.scalars(
        select(Incident.subject)
        .where(
            Incident.source_id == whose.source_id,
            Incident.stage.in_(UNATTENDED),
            Incident.subject.startswith("child:", autoescape=True),
        )
        .distinct()
        .limit(10)
    )
    return folded_subject(whose.source_id, tuple(subjects), subject)
