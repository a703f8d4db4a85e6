"""Who is not at home: the form on an elder's page, and the list of all of them with their dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling.absences import update_elder
from care import status
from care.handing_down import resting_since
from care.model import ElderStatus
from care.permissions import require
from care.tables import Elder, ElderStatusEntry
from console import times
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.forms import local_time, optional, required
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


@router.post("/elders/{elder_id}/status")
async def change(page: AtDesk, elder_id: str) -> Response:
    """At home, away, in hospital: rests the welfare rules until its date, never life safety."""
    require(page.who, "elders.write")
    fields = await page.fields()
    wanted = required(fields, "status")
    if wanted not in {one.value for one in ElderStatus}:
        raise InvalidInput("status", "choice")
    changes: dict[str, Any] = {
        "status": ElderStatus(wanted),
        "status_text": optional(fields, "text"),
    }
    if wanted != ElderStatus.HOME:
        changes["status_review_at"] = _until(fields, page)
    try:
        async with page.services.db.transaction() as session:
            await update_elder(session, page.who, page.now, elder_id, changes)
    except InvalidInput as error:
        if error.field != "status_review_at":
            raise
        raise InvalidInput(page.words("absence.until"), "range") from error
    return page.go_to(f"/elders/{elder_id}")


def _until(fields: Mapping[str, str], page: PageContext) -> datetime | None:
    """An empty field is left to the default."""
    return local_time(fields, "review_at", page.zone) if fields.get("review_at") else None


@router.get("/absences")
async def absences(page: AtDesk) -> Response:
    """Everybody who is not at home: overdue first, then by date; and who is back by themselves."""
    async with page.services.db.reading() as session:
        away = await status.absent(session, page.sight, page.now)
        back = await status.returned(session, page.sight, page.now)
    soon = page.now + status.REVIEW_SOON
    return page.render("absences.html", away=away, back=back, soon=soon)
