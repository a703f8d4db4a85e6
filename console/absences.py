"""Who is not at home: the form on an elder's page, and the list of all of them with their dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from care import status
from care.handing_down import resting_since
from care.model import ElderStatus
from care.tables import Elder, ElderStatusEntry
from console import times
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.forms import local_time, optional, required
from console.texts import Words
from core.errors import InvalidInput

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HISTORY = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """What an elder's page says of their status."""

    entries: tuple[ElderStatusEntry, ...]  # newest first
    still_there: tuple[Elder, ...]  # who lives there and is at home, so that watching goes on
    rests: bool
    overdue: bool
    review: str  # of the form's field; "" for the default

    @property
    def set_by(self) -> ElderStatusEntry | None:
        return self.entries[0] if self.entries else None


async def shown_on_file(
    session: AsyncSession, page: PageContext, elder: Elder, housemates: Sequence[Elder]
) -> Absence:
    until = elder.status_review_at
    coming = until is not None and until > page.now
    at_home = ElderStatus.HOME
    return Absence(
        entries=await status.history(session, elder.id, limit=HISTORY),
        still_there=tuple(one for one in housemates if one.status == at_home),
        rests=resting_since((elder, *housemates), page.now) is not None,
        overdue=elder.status != at_home and not coming,
        review=times.local_field(until, page.zone) if until is not None and coming else "",
    )


def changes_of(fields: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """What a filled-in form of the status means; an empty date is left to the default.

    Raises `InvalidInput` naming the form's field.
    """
    wanted = required(fields, "status")
    if wanted not in {one.value for one in ElderStatus}:
        raise InvalidInput("status", "choice")
    changes: dict[str, Any] = {
        "status": ElderStatus(wanted),
        "status_text": optional(fields, "text"),
    }
    if wanted != ElderStatus.HOME:
        until = local_time(fields, "review_at", zone) if fields.get("review_at") else None
        changes["status_review_at"] = until
    return changes


def refusal(error: InvalidInput, t: Words) -> tuple[str, str]:
    """(field of the form, what is wrong with it in words)."""
    if error.field == "status_review_at":
        return "review_at", t("absence.must_come")
    key = f"problem.{error.problem}"
    return error.field, t(key if t.has(key) else "error.text_422")


@router.get("/absences")
async def absences(page: AtDesk) -> Response:
    """Everybody who is not at home: overdue first, then by date; and who is back by themselves."""
    async with page.services.db.reading() as session:
        away = await status.absent(session, page.sight, page.now)
        back = await status.returned(session, page.sight, page.now)
    soon = page.now + status.REVIEW_SOON
    return page.render("absences.html", away=away, back=back, soon=soon)
