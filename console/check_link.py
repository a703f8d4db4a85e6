"""A check's link: the elder says how they are, or a contact whether the elder is away.

Three big buttons and no name. Looking never answers; the first answer stands, and an answer after
the end is taken in and shows what happens now.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import AWAY_CHOICES, CheckState, Purpose, Result
from alerting.handling import check_answers
from alerting.handling.check_answers import Asked
from alerting.incident import FINAL, Stage
from alerting.telling.links import CHECK, open_link
from care.tables import EmergencyContact
from console.context import LANGUAGE_COOKIE, Anybody, PageContext
from console.errors import PageRoute
from console.forms import optional, required
from console.texts import words
from core.db import after_commit
from core.errors import NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_BUTTONS = {
    Purpose.WELLBEING: (Result.WELL, Result.HELP, Result.AWAY),
    Purpose.HOLIDAY: (Result.AWAY, Result.AT_HOME, Result.UNSURE),
}


@router.get("/c/{token}")
async def open_check(page: Anybody, token: str) -> Response:
    """One question, or what became of it."""
    async with page.services.db.reading() as session:
        try:
            asked = await _load(session, page, token)
        except NotFound:
            return page.render("check_gone.html", 404)
        return _show(_in_language_of(asked, page), token, asked, await _back_at(session, asked))


@router.post("/c/{token}")
async def answer_check(page: Anybody, token: str) -> Response:
    """Record the answer, then show what happens."""
    fields = await page.fields()
    services = page.services
    try:
        async with services.db.transaction() as session:
            asked = await _load(session, page, token)
            await check_answers.answer_question(
                session,
                asked.notice.id,
                required(fields, "answer"),
                page.now,
                page.zone,
                until=optional(fields, "until"),
            )
            after_commit(session, services.signals.outbox.set)
            after_commit(session, services.signals.sweep.set)
    except NotFound:
        return page.render("check_gone.html", 404)
    return page.go_to(f"/c/{token}")


async def _load(session: AsyncSession, page: PageContext, token: str) -> Asked:
    """Raises `NotFound` for a link that Anju did not make, and once nobody waits any more."""
    notice_id = open_link(page.services.settings.secret_key, token, CHECK)
    asked = await check_answers.load_question(session, notice_id, page.now)
    is_contact = asked.notice.recipient_kind == "contact"
    if is_contact and await session.get(EmergencyContact, asked.notice.recipient_id) is None:
        raise NotFound("link", notice_id)
    return asked


async def _back_at(session: AsyncSession, asked: Asked) -> datetime | None:
    """When they are back, if they are away because this answer said so."""
    if asked.notice.answer != Result.AWAY:
        return None
    elder = await check_answers.away_by_answer(session, asked)
    return elder.status_review_at if elder is not None else None


def _show(page: PageContext, token: str, asked: Asked, back_at: datetime | None) -> Response:
    purpose = Purpose(asked.check.purpose)
    if asked.notice.answered_at is None:
        over = asked.check.state == CheckState.ENDED
        return page.render(
            "check_link.html",
            token=token,
            purpose=purpose.value,
            buttons=[one.value for one in _BUTTONS[purpose]],
            outcome=_outcome(asked) if over else "",
        )
    return page.render(
        "check_noted.html",
        token=token,
        purpose=purpose.value,
        notice=asked.notice,
        outcome=_outcome(asked),
        back_at=back_at,
        choices=AWAY_CHOICES if back_at is not None else (),
        still=_still(asked),
    )


def _still(asked: Asked) -> str:
    """The answer that counts after any other one, as a button below it."""
    still = Result.HELP if asked.check.purpose == Purpose.WELLBEING else Result.AT_HOME
    return "" if asked.notice.answer == still else still.value


def _outcome(asked: Asked) -> str:
    """What happens now, as a key of the page's texts."""
    if asked.check.purpose == Purpose.HOLIDAY:
        return "told"
    incident = asked.incident
    if incident is not None and Stage(incident.stage) not in FINAL:
        return "taken" if incident.owner_id else "opened"
    return "calm" if asked.check.state == CheckState.ENDED else "still_asked"


def _in_language_of(asked: Asked, page: PageContext) -> PageContext:
    """The language the message was sent in, unless the reader chose one here."""
    if LANGUAGE_COOKIE in page.request.cookies:
        return page
    return replace(page, words=words(asked.notice.language))
