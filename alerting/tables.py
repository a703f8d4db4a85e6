"""Tables of what devices said, the incidents that came of it, and who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Serial

Id = String(64)

UNATTENDED = "('open','acknowledged','dispatched','accepted','attended')"
FINAL = "('closed','cancelled')"


class DeviceStateRow(Base):
    """All that is remembered of a device between two messages: one row, small."""

    __tablename__ = "device_states"
    device_id: Mapped[str] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(Text, default="")  # detectors' own, see alerting/detect.py
    last_heard_at: Mapped[datetime | None]
    online: Mapped[bool | None]  # by availability or last will; None: it never said
    battery_pct: Mapped[float | None]
    rssi_dbm: Mapped[float | None]
    silent_after: Mapped[datetime | None] = mapped_column(index=True)
    judge_at: Mapped[datetime | None] = mapped_column(index=True)
    interval_s: Mapped[
        int | None
    ]  # learned: how often it speaks; may only shorten what is expected


class ReadingRow(Base):
    """A register's value; the key makes a repeated message harmless."""

    __tablename__ = "readings"
    device_id: Mapped[str] = mapped_column(Id, primary_key=True)
    register: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float]
    __table_args__ = ({"sqlite_with_rowid": False},)


class EventRow(Base):
    """One device event as it was accepted; the newest 24 h answer "did we have this one?"."""

    __tablename__ = "device_events"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    source_id: Mapped[str] = mapped_column(Id)
    child_id: Mapped[str] = mapped_column(String(300))
    device_id: Mapped[str | None] = mapped_column(Id)
    event_id: Mapped[str | None] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # of kind, time and data: "the same payload"
    kind: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    retained: Mapped[bool]
    late_s: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    __table_args__ = (
        Index("ix_device_events_child", "source_id", "child_id", "received_at"),
        Index("ix_device_events_received", "received_at"),
    )


class QuarantineRow(Base):
    """A message that could not be read, as bytes, with the reason. Bounded: the oldest go."""

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    source_id: Mapped[str | None] = mapped_column(Id)
    child_id: Mapped[str | None] = mapped_column(String(300))
    topic: Mapped[str] = mapped_column(String(400))
    payload: Mapped[bytes] = mapped_column(LargeBinary)  # at most the first 4 KiB
    reason: Mapped[str] = mapped_column(String(100))
    received_at: Mapped[datetime] = mapped_column(index=True)


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


class Notice(Base):
    """One message to one recipient over one channel, with its three times: outbox and history."""

    __tablename__ = "notices"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    check_id: Mapped[str | None] = mapped_column(Id, index=True)  # of a check's questions
    type: Mapped[str] = mapped_column(String(40))  # incident.opened, incident.escalated, …
    severity_rank: Mapped[int]
    recipient_kind: Mapped[str] = mapped_column(String(20))  # contact user desk operator device
    recipient_id: Mapped[str | None] = mapped_column(Id)
    recipient: Mapped[str] = mapped_column(String(300))  # as shown
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(Text, default="")
    fallbacks: Mapped[list[Any]] = mapped_column(default=list)  # [{"channel", "address"}, …]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reason: Mapped[str] = mapped_column(String(100), default="")
    language: Mapped[str] = mapped_column(String(5), default="zh")
    state: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str | None] = mapped_column(Text)  # why it failed, what the provider said
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(100))
    attempt: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)  # leases that ran out without a word
    is_repeat: Mapped[bool] = mapped_column(default=False)
    accepted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(40))
    provider_id: Mapped[str | None] = mapped_column(String(200))
    replaces_id: Mapped[str | None] = mapped_column(Id)  # the notice whose channel failed
    __table_args__ = (
        Index(
            "ix_notices_ready",
            "severity_rank",
            "created_at",
            sqlite_where=text("state IN ('waiting','sending')"),
            postgresql_where=text("state IN ('waiting','sending')"),
        ),
    )


class Delivery(Base):
    """One attempt to hand a notice to its channel."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), index=True)
    attempt: Mapped[int]
    started_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(
        String(20)
    )  # accepted temporary permanent ambiguous crashed
    detail: Mapped[str | None] = mapped_column(Text)


class EscalationPolicyRow(Base):
    """A ladder, immutable per version; incidents are stamped with (id, version)."""

    __tablename__ = "escalation_policies"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    severity: Mapped[str] = mapped_column(String(20))
    area_id: Mapped[str | None] = mapped_column(Id)
    body: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Channel(Base):
    """How sms, calls and city-wide webhooks leave: `config` is checked by the channel's model."""

    __tablename__ = "channels"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(String(255))
    area_id: Mapped[str | None] = mapped_column(Id)
    with_personal_data: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)
    last_ok_at: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Silence(Base):
    """A person asked not to be told of a technical or welfare matter for a while."""

    __tablename__ = "silences"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str | None] = mapped_column(String(40))
    device_id: Mapped[str | None] = mapped_column(Id)
    home_id: Mapped[str | None] = mapped_column(Id)
    area_id: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class DeskPresence(Base):
    """An open desk page; it counts while armed and heard of within 30 s."""

    __tablename__ = "desk_presences"
    page_id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id)
    area_path: Mapped[str] = mapped_column(String(400), default="")
    armed: Mapped[bool]
    heartbeat_at: Mapped[datetime] = mapped_column(index=True)


class StreamHint(Base):
    """Something changed: `seq` grows in commit order, so a reader can resume without gaps."""

    __tablename__ = "stream_hints"
    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    topic: Mapped[str] = mapped_column(String(20))  # incident notice device
    ref_id: Mapped[str] = mapped_column(String(300))
    area_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime]
