"""How alarms travel, as administrators set it: ladders, silences, and the channels' providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.channels.message import apprise_refusal
from alerting.escalation import Policy
from alerting.finding import SEVERITY_OF_KIND, Severity
from alerting.queries import device as find_device
from alerting.tables import Channel, EscalationPolicyRow, Silence
from alerting.telling.policies import store_version
from care import queries
from care.areas import area_for_new
from care.listing import equal
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, in_scope
from care.reach import web_address
from core.errors import InvalidInput, NotAllowed, NotFound
from core.ids import new_id, new_secret

LONGEST_SILENCE = timedelta(days=30)
_OWN_POLICY = "pol"
_POLICIES = Order(
    name="escalation-policies", key=EscalationPolicyRow.created_at, ident=EscalationPolicyRow.id
)
_SILENCES = Order(name="silences", key=Silence.created_at, ident=Silence.id, newest_first=True)
_CHANNELS = Order(name="channels", key=Channel.created_at, ident=Channel.id)


# ── ladders ───────────────────────────────────────────────────────────────────────────────────


async def policies(
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


# ── silences ──────────────────────────────────────────────────────────────────────────────────


async def silences(
    session: AsyncSession, actor: Actor, page: PageRequest, now: datetime, *, all_: bool = False
) -> Page[Silence]:
    """Silences in force, latest first; with `all_` also those that ended."""
    statement = select(Silence).where(in_scope(Silence.area_id, actor.scope))
    if not all_:
        statement = statement.where(Silence.ends_at > now)
    return await fetch_page(session, statement, _SILENCES, page)


async def find_silence(session: AsyncSession, actor: Actor, silence_id: str) -> Silence:
    """A silence of the caller's area, or of none; raises `NotFound` for any other."""
    visible = in_scope(Silence.area_id, actor.scope)
    found = await session.scalar(select(Silence).where(Silence.id == silence_id, visible))
    if found is None:
        raise NotFound("silence", silence_id)
    return found


async def create_silence(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    ends_at: datetime,
    kind: str | None = None,
    device_id: str | None = None,
    home_id: str | None = None,
    area_id: str | None = None,
) -> Silence:
    """Nobody is told of such a welfare or technical matter until `ends_at`.

    Narrow it by at least one of kind, device, home, area; those named together must all fit.
    Without a kind it still leaves life safety alone. Raises `InvalidInput` for a life-safety
    kind and for an end in the past or more than 30 days away.
    """
    _check_silenced_kind(kind)
    if not any((kind, device_id, home_id, area_id)):
        raise InvalidInput("kind", "name a kind, a device, a home or an area")
    if not now < ends_at <= now + LONGEST_SILENCE:
        raise InvalidInput("ends_at", f"must be within the next {LONGEST_SILENCE.days} days")
    sight = Sight(actor=actor)
    if device_id is not None:
        await find_device(session, sight, device_id)
    if home_id is not None:
        await queries.home(session, sight, home_id)
    silence = Silence(
        id=new_id("sil"),
        kind=kind,
        device_id=device_id,
        home_id=home_id,
        area_id=await area_for_new(session, actor, area_id),
        reason=reason,
        created_by=actor.id,
        created_at=now,
        ends_at=ends_at,
    )
    session.add(silence)
    await session.flush()
    return silence


async def end_silence(
    session: AsyncSession, actor: Actor, now: datetime, silence_id: str
) -> Silence:
    """From now on people are told again; ending what has ended changes nothing."""
    silence = await find_silence(session, actor, silence_id)
    silence.ends_at = min(silence.ends_at, now)
    await session.flush()
    return silence


def _check_silenced_kind(kind: str | None) -> None:
    if kind is None:
        return
    if kind == "unreadable" or SEVERITY_OF_KIND.get(kind) is Severity.LIFE_SAFETY:
        raise InvalidInput("kind", "life safety is never silenced")
    if kind not in SEVERITY_OF_KIND:
        raise InvalidInput("kind", f"{kind!r} is no kind of incident")


# ── channels ──────────────────────────────────────────────────────────────────────────────────


async def channels(
    session: AsyncSession, actor: Actor, page: PageRequest, *, kind: str | None = None
) -> Page[Channel]:
    """Configured channels, first made first."""
    statement = select(Channel).where(in_scope(Channel.area_id, actor.scope))
    return await fetch_page(session, equal(statement, kind=kind), _CHANNELS, page)


async def find_channel(session: AsyncSession, actor: Actor, channel_id: str) -> Channel:
    """A channel of the caller's area, or of none; raises `NotFound` for any other."""
    visible = in_scope(Channel.area_id, actor.scope)
    found = await session.scalar(select(Channel).where(Channel.id == channel_id, visible))
    if found is None:
        raise NotFound("channel", channel_id)
    return found


async def create_channel(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    kind: str,
    name: str,
    url: str,
    secret: str | None = None,
    area_id: str | None = None,
    with_personal_data: bool = False,
    enabled: bool = True,
) -> Channel:
    """A provider of sms, calls or e-mail, or a city's webhook.

    What is sent to it is signed with `secret`, and so are its receipts; one is made up when none
    is given. Raises `InvalidInput` for a URL that the kind cannot use.
    """
    _check_url(kind, url)
    _check_personal(kind, with_personal_data)
    channel = Channel(
        id=new_id("chan"),
        kind=kind,
        name=name,
        url=url,
        secret=secret or (None if kind == "email" else new_secret()),
        area_id=await area_for_new(session, actor, area_id),
        with_personal_data=with_personal_data,
        enabled=enabled,
        created_at=now,
    )
    session.add(channel)
    await session.flush()
    return channel


async def update_channel(
    session: AsyncSession, actor: Actor, channel_id: str, changes: Mapping[str, Any]
) -> Channel:
    """Change name, url, secret, with_personal_data or enabled; the kind stays."""
    channel = await find_channel(session, actor, channel_id)
    if channel.kind == "operator":
        raise NotAllowed("the operator is set by ANJU_OPERATOR_URL")
    _check_url(channel.kind, changes.get("url", channel.url))
    _check_personal(channel.kind, changes.get("with_personal_data", channel.with_personal_data))
    for field in changes.keys() & {"name", "url", "secret", "with_personal_data", "enabled"}:
        setattr(channel, field, changes[field])
    await session.flush()
    return channel


def _check_url(kind: str, url: str) -> None:
    if kind == "email":
        if not url.startswith(("mailto://", "mailtos://")) or apprise_refusal(url):
            raise InvalidInput("url", "must be a mail server such as mailtos://user:password@host")
    elif web_address(url) is None:
        raise InvalidInput("url", "must be a web address such as https://host/path")


def _check_personal(kind: str, with_personal_data: bool) -> None:
    if with_personal_data and kind != "webhook":
        raise InvalidInput("with_personal_data", "is for webhooks; phones are told no names")


def shown_url(url: str) -> str:
    """A channel's address without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{host}{parts.path}{query}" if parts.scheme else ""
