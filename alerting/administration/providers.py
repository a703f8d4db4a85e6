"""The providers that messages go through, and what their addresses may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.channels.message import apprise_refusal
from alerting.tables import Channel
from care.areas import area_for_new
from care.listing import equal
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import in_scope, one_seen
from care.reach import web_address
from core.errors import InvalidInput, NotAllowed
from core.ids import new_id, new_secret

_CHANNELS = Order(name="channels", key=Channel.created_at, ident=Channel.id)


async def listed(
    session: AsyncSession, actor: Actor, page: PageRequest, *, kind: str | None = None
) -> Page[Channel]:
    """Configured channels, first made first."""
    statement = select(Channel).where(in_scope(Channel.area_id, actor.scope))
    return await fetch_page(session, equal(statement, kind=kind), _CHANNELS, page)


async def find_channel(session: AsyncSession, actor: Actor, channel_id: str) -> Channel:
    """A channel of the caller's area, or of none; raises `NotFound` for any other."""
    return await one_seen(session, Channel, channel_id, in_scope(Channel.area_id, actor.scope))


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
