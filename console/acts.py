"""What a button does: each name of a form's address is one use case of the layers below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling import closing, moving, responding
from alerting.queries import incident_to_act_on
from care.accounts import visitor_for
from care.permissions import require
from console.context import PageContext
from console.forms import optional, required, version_of
from core.errors import NotFound

Fields = Mapping[str, str]
Act = Callable[[AsyncSession, str, PageContext, Fields], Awaitable[Any]]


async def perform(
    session: AsyncSession, incident_id: str, name: str, page: PageContext, fields: Fields
) -> None:
    """Do it, within the caller's transaction. Raises the errors of `core/errors.py`."""
    act = ACTS.get(name)
    if act is None:
        raise NotFound("act", name)
    await incident_to_act_on(session, page.sight, incident_id)
    require(page.who, f"incidents.{name}")
    await act(session, incident_id, page, fields)


def _plain(use_case: Callable[..., Awaitable[Any]]) -> Act:
    async def act(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
        await use_case(session, ident, page.who, page.now, version=version_of(fields))

    return act


async def _release(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await responding.release(
        session,
        ident,
        page.who,
        page.now,
        version=version_of(fields),
        reason=optional(fields, "reason"),
    )


async def _dispatch(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    visitor_id = required(fields, "visitor_id")
    incident = await moving.load(session, ident)
    await visitor_for(session, visitor_id, incident.area_id)
    await responding.dispatch(
        session, ident, page.who, page.now, visitor_id=visitor_id, version=version_of(fields)
    )


async def _outcome(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await closing.record_outcome(
        session,
        ident,
        page.who,
        page.now,
        outcome=required(fields, "outcome"),
        reason=fields.get("reason", ""),
        reason_code=optional(fields, "reason_code"),
        version=version_of(fields),
    )


async def _notes(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await responding.add_note(session, ident, page.who, page.now, text=required(fields, "text"))


async def _close(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await closing.close(
        session,
        ident,
        page.who,
        page.now,
        waiver=optional(fields, "waiver"),
        version=version_of(fields),
    )


async def _reopen(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await closing.reopen(
        session,
        ident,
        page.who,
        page.now,
        reason=required(fields, "reason"),
        version=version_of(fields),
    )


async def _cancel(session: AsyncSession, ident: str, page: PageContext, fields: Fields) -> None:
    await closing.cancel(
        session,
        ident,
        page.who,
        page.now,
        reason=required(fields, "reason"),
        version=version_of(fields),
    )


ACTS: dict[str, Act] = {
    "acknowledge": _plain(responding.acknowledge),
    "release": _release,
    "decline": _release,  # the visitor's own word for it: "I cannot go"
    "dispatch": _dispatch,
    "accept": _plain(responding.accept),
    "arrive": _plain(responding.arrive),
    "outcome": _outcome,
    "notes": _notes,
    "close": _close,
    "reopen": _reopen,
    "cancel": _cancel,
    "heard": _plain(responding.heard),
}
