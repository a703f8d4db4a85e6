"""The outbox's hands: turns a claimed notice into one attempt over its channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import wording
from alerting.channels.base import (
    Accepted,
    AmbiguousFailure,
    DeliveryError,
    Outgoing,
    PermanentFailure,
    Sender,
    TemporaryFailure,
)
from alerting.channels.http import PhoneSender, WebhookSender
from alerting.channels.message import AppriseSender, EmailSender, OperatorSender
from alerting.outbox import claiming, settling
from alerting.tables import Channel, Incident, Notice
from alerting.telling.links import CHECK, make_link
from alerting.telling.roster import area_path
from care.tables import Elder, Home
from core.logging import about, get_logger
from core.services import Services
from core.settings import Settings

log = get_logger("senders")

SLOTS, LIFE_SAFETY_SLOTS = 32, 8
SEND_WITHIN_S = 45.0
"""Shorter than the lease: nobody else may start while an attempt still runs."""

Publish = Callable[[str, bytes], bool]


class DeviceSender:
    """A stage change for a native device, published on its `ack` topic."""

    can_deliver_receipt = False

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    async def send(self, outgoing: Outgoing) -> Accepted:
        topic = f"anju/v1/{outgoing.address}/ack"
        if not self._publish(topic, msgspec.json.encode(outgoing.body)):
            raise TemporaryFailure("not connected to the broker")
        return Accepted()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A claimed notice, complete for sending."""

    outgoing: Outgoing
    attempt: int
    severity_rank: int


class Outbox:
    """Claims, sends and settles; `drain()` is one pass, the loop in loops.py repeats it."""

    def __init__(
        self, services: Services, publish: Publish | None, client: httpx.AsyncClient | None = None
    ) -> None:
        """Without `publish`, notices for devices are left to a process that has a broker."""
        self._services = services
        self.reaches_devices = publish is not None
        self._client = client or httpx.AsyncClient(timeout=httpx.Timeout(10.0, connect=5.0))
        settings = services.settings
        self._senders: dict[str, Sender] = {
            "webhook": WebhookSender(
                self._client, settings.allowed_webhook_hosts, settings.secret_key
            ),
            "sms": PhoneSender(self._client, "/sms"),
            "call": PhoneSender(self._client, "/calls"),
            "email": EmailSender(),
            "apprise": AppriseSender(),
            "operator": OperatorSender(settings.operator_url),
        }
        if publish is not None:
            self._senders[claiming.DEVICE] = DeviceSender(publish)

    async def drain(self) -> int:
        """Send everything that is ready now; returns how many attempts were made."""
        done = 0
        while prepared := await self._claim():
            await asyncio.gather(*(self._attempt(one) for one in prepared))
            done += len(prepared)
        return done

    async def claim_some(self, free: int) -> list[Prepared]:
        """Up to `free` claimed notices, for the loop that keeps many in flight."""
        return await self._claim(free)

    async def attempt(self, prepared: Prepared) -> None:
        await self._attempt(prepared)

    async def close(self) -> None:
        await self._client.aclose()

    async def _claim(self, slots: int = SLOTS) -> list[Prepared]:
        services = self._services

        async def take(session: AsyncSession) -> list[Prepared]:
            notices = await claiming.claim(
                session,
                services.settings.worker_id,
                services.clock.now(),
                slots=slots,
                life_safety_slots=LIFE_SAFETY_SLOTS,  # of all, so of the last ones that are free
                reaches_devices=self.reaches_devices,
            )
            return [
                prepared
                for notice in notices
                if (prepared := await self._prepare(session, notice)) is not None
            ]

        return await services.db.settle(take)

    async def _prepare(self, session: AsyncSession, notice: Notice) -> Prepared | None:
        """None for a notice that cannot be put into words: it must not hold up the others."""
        try:
            outgoing = await prepare(session, notice, self._services.settings)
        except SQLAlchemyError:
            raise  # the database is what is wrong, not this notice
        except Exception:
            with about(incident=notice.incident_id, notice=notice.id):
                log.exception("notice cannot be prepared")
            await claiming.park(session, notice, self._services.clock.now(), "cannot be prepared")
            return None
        return Prepared(
            outgoing=outgoing, attempt=notice.attempt, severity_rank=notice.severity_rank
        )

    async def _attempt(self, prepared: Prepared) -> None:
        outgoing = prepared.outgoing
        result: Accepted | DeliveryError
        sender = self._senders.get(outgoing.channel)
        try:
            if sender is None:
                raise PermanentFailure(f"no channel is called {outgoing.channel}")
            async with asyncio.timeout(SEND_WITHIN_S):
                result = await sender.send(outgoing)
        except DeliveryError as error:
            result = error
        except TimeoutError:
            result = AmbiguousFailure(f"no answer within {SEND_WITHIN_S:g} s")
        except Exception as error:  # a channel's own bug must not stop the others
            with about(notice=outgoing.notice_id):
                log.exception("channel raised", channel=outgoing.channel)
            result = AmbiguousFailure(f"{type(error).__name__} in the channel")
        services = self._services
        # Begun anew if need be: an attempt that is not settled would be made once more.
        await services.db.settle(
            lambda session: settling.settle(
                session,
                outgoing.notice_id,
                services.settings.worker_id,
                prepared.attempt,
                result,
                services.clock.now(),
            )
        )


async def prepare(session: AsyncSession, notice: Notice, settings: Settings) -> Outgoing:
    """Everything an attempt needs, so that the channel needs no database."""
    incident = await session.get(Incident, notice.incident_id) if notice.incident_id else None
    channel = await _configured(session, notice, incident)
    link = link_of(notice, settings)
    text = wording.message_text(
        notice.type,
        notice.channel,
        incident.severity if incident else "technical",
        notice.language,
        link=link,
        repeat=notice.is_repeat,
        recipient_kind=notice.recipient_kind,
    )
    body = notice.payload
    if notice.channel == "webhook" and incident is not None:
        personal = channel is not None and channel.with_personal_data
        body = await webhook_body(session, notice, incident, link, settings, personal=personal)
    elif notice.channel == "webhook":
        body = _plain_body(notice, link)
    return Outgoing(
        notice_id=notice.id,
        channel=notice.channel,
        address=notice.address,
        type=notice.type,
        text=text,
        link=link,
        callback=f"{settings.link_base}/api/v1/receipts/{notice.id}",
        attempt=notice.attempt,
        repeat=notice.is_repeat,
        body=body,
        url=channel.url if channel else "",
        secret=channel.secret if channel else None,
    )


def link_of(notice: Notice, settings: Settings) -> str:
    """Where the recipient answers."""
    if notice.check_id is not None:
        return f"{settings.link_base}/c/{make_link(settings.secret_key, notice.id, CHECK)}"
    return f"{settings.link_base}/a/{make_link(settings.secret_key, notice.id)}"


async def _configured(
    session: AsyncSession, notice: Notice, incident: Incident | None
) -> Channel | None:
    """The provider for sms, calls and e-mail (narrowest area first), or the city's webhook."""
    if notice.recipient_kind == "platform":
        return await session.get(Channel, notice.address)
    if notice.channel not in ("sms", "call", "email"):
        return None
    # The drill of an installation test belongs to no incident, but to its device's area.
    area_id = incident.area_id if incident else notice.payload.get("area_id")
    path = await area_path(session, area_id)
    areas = [part for part in path.split("/") if part]
    rows = await session.scalars(
        select(Channel).where(
            Channel.kind == notice.channel,
            Channel.enabled,
            or_(Channel.area_id.is_(None), Channel.area_id.in_(areas)),
        )
    )
    depth = {area: index for index, area in enumerate(areas, 1)}
    return max(rows, key=lambda row: depth.get(row.area_id or "", 0), default=None)


def _plain_body(notice: Notice, link: str) -> dict[str, Any]:
    """The webhook's body of a question that belongs to no incident."""
    return {
        "type": notice.type,
        "id": notice.id,
        "attempt": notice.attempt,
        "repeat": notice.is_repeat,
        "reason": notice.reason,
        "links": {"answer": link},
    }


async def webhook_body(
    session: AsyncSession,
    notice: Notice,
    incident: Incident,
    link: str,
    settings: Settings,
    *,
    personal: bool,
) -> dict[str, Any]:
    """The contract's webhook body; the elder only where an administrator allowed it."""
    body: dict[str, Any] = {
        "type": notice.type,
        "id": notice.id,
        "attempt": notice.attempt,
        "repeat": notice.is_repeat,
        "reason": notice.reason,
        "incident": {
            "id": incident.id,
            "kind": incident.kind,
            "severity": incident.severity,
            "stage": incident.stage,
            "condition": incident.condition,
            "confidence": incident.confidence,
            "mode": incident.mode,
            "opened_at": incident.opened_at.isoformat(),
        },
        "links": {"answer": link, "incident": f"{settings.link_base}/incidents/{incident.id}"},
    }
    if personal:
        body["elder"] = await _elder(session, incident)
    return body


async def _elder(session: AsyncSession, incident: Incident) -> dict[str, Any] | None:
    elder = await session.get(Elder, incident.elder_id) if incident.elder_id else None
    home = await session.get(Home, incident.home_id) if incident.home_id else None
    if elder is None and home is None:
        return None
    return {
        "id": elder.id if elder else None,
        "name": elder.name if elder else None,
        "phone": elder.phone if elder else None,
        "address": home.address if home else None,
    }
