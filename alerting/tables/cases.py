"""Incidents, the questions before them, and their story."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id, Serial

UNATTENDED = "('open','acknowledged','dispatched','accepted','attended')"
FINAL = "('closed','cancelled')"


class Incident(Base):
    """The thing people handle. CHECKs keep two promises: always a deadline, an owner once taken."""

    __tablename__ = "incidents"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(20))
    severity_rank: Mapped[int]
    stage: Mapped[str] = mapped_column(String(20))
    condition: Mapped[str] = mapped_column(String(20), default="active")
    alarming: Mapped[list[str]] = mapped_column(default=list)  # source/child of who still alarms
    version: Mapped[int] = mapped_column(default=1)
    subject: Mapped[str] = mapped_column(String(400))
    mode: Mapped[str] = mapped_column(String(20), default="actual")
    confidence: Mapped[str] = mapped_column(String(20), default="confirmed")
    elder_id: Mapped[str | None] = mapped_column(Id, index=True)
    home_id: Mapped[str | None] = mapped_column(Id, index=True)
    area_id: Mapped[str | None] = mapped_column(Id, index=True)
    device_id: Mapped[str | None] = mapped_column(Id, index=True)
    source_id: Mapped[str | None] = mapped_column(Id)
    child_id: Mapped[str | None] = mapped_column(String(300))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the figures behind it
    owner_id: Mapped[str | None] = mapped_column(Id)
    owner_name: Mapped[str | None] = mapped_column(String(100))
    visitor_id: Mapped[str | None] = mapped_column(Id, index=True)
    policy_id: Mapped[str] = mapped_column(Id)
    policy_version: Mapped[int]
    step: Mapped[int] = mapped_column(default=0)  # steps of the ladder done so far
    round: Mapped[int] = mapped_column(default=0)  # repeats of the last step
    due_at: Mapped[datetime | None]
    due_kind: Mapped[str | None] = mapped_column(String(20))  # see alerting/escalation.py
    due_delay_s: Mapped[int] = mapped_column(default=0)  # the delay that led to due_at
    previous_id: Mapped[str | None] = mapped_column(Id)
    findings: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str | None] = mapped_column(String(20))
    outcome_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    reason_code: Mapped[str | None] = mapped_column(String(60))
    waiver: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    attended_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    stage_changed_at: Mapped[datetime]
    stage_changed_by: Mapped[str | None] = mapped_column(String(100))
    rang_at: Mapped[datetime | None]  # the last ring because of a further press
    cleared_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_incidents_unattended",
            "subject",
            "kind",
            unique=True,
            sqlite_where=text(f"stage IN {UNATTENDED}"),
            postgresql_where=text(f"stage IN {UNATTENDED}"),
        ),
        Index("ix_incidents_due", "due_at"),
        Index("ix_incidents_subject", "subject", "kind", "opened_at"),
        Index("ix_incidents_queue", "stage", "severity_rank", "opened_at"),
        CheckConstraint(f"stage IN {FINAL} OR due_at IS NOT NULL", name="deadline"),
        CheckConstraint(
            "stage NOT IN ('acknowledged','dispatched','accepted','attended','following_up')"
            " OR owner_id IS NOT NULL",
            name="owner",
        ),
        CheckConstraint("subject <> ''", name="subject"),
    )


class Check(Base):
    """A question to somebody before an incident (问安): no gates, ended by proof of life.

    `wellbeing` asks the elder and becomes an incident when nobody answers; `holiday` asks the first
    contact once whether the elder is away. While it is `held` nobody is asked: another witness was
    heard, and the finding waits for a second look.
    """

    __tablename__ = "checks"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))  # wellbeing holiday
    kind: Mapped[str] = mapped_column(String(40))  # of the incident it stands before
    subject: Mapped[str] = mapped_column(String(400))
    state: Mapped[str] = mapped_column(String(20))  # asking held ended
    result: Mapped[str | None] = mapped_column(String(20))  # see alerting/check.py
    version: Mapped[int] = mapped_column(default=1)
    elder_id: Mapped[str | None] = mapped_column(Id, index=True)
    home_id: Mapped[str | None] = mapped_column(Id, index=True)
    area_id: Mapped[str | None] = mapped_column(Id, index=True)
    device_id: Mapped[str | None] = mapped_column(Id, index=True)
    finding: Mapped[dict[str, Any]] = mapped_column(default=dict)  # applied if nobody answers
    whose: Mapped[dict[str, Any]] = mapped_column(default=dict)  # whom that finding concerns
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    due_delay_s: Mapped[int] = mapped_column(default=0)  # the delay that led to due_at
    until: Mapped[datetime | None]  # when an unanswered one ends, however often it was asked
    asked: Mapped[int] = mapped_column(default=0)  # rounds of asking
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)  # opened from it, or asked for
    __table_args__ = (
        Index(
            "uq_checks_running",
            "subject",
            "kind",
            "purpose",
            unique=True,
            sqlite_where=text("state <> 'ended'"),
            postgresql_where=text("state <> 'ended'"),
        ),
        Index("ix_checks_due", "due_at"),
        Index("ix_checks_opened", "opened_at"),
        CheckConstraint("state = 'ended' OR due_at IS NOT NULL", name="deadline"),
        CheckConstraint("state <> 'ended' OR result IS NOT NULL", name="result"),
    )


class TimelineEntry(Base):
    """One fact of an incident's story; the words are made at reading, in the reader's language."""

    __tablename__ = "timeline"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(100))  # a name, "安居" for Anju itself
    actor_id: Mapped[str | None] = mapped_column(Id)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reason: Mapped[str | None] = mapped_column(String(100))  # a key of alerting/wording
