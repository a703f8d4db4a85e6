"""Who is told, over which ways, and what they asked to be left alone with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id, Serial


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
