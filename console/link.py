"""A link in a message: nothing about anybody before an answer, the way on after it, until the end.

What comes after it depends on who was told. A contact is one person, bound to one elder: they are
shown what happened and whom to call. An operator's channel or a city's platform is a group of
people that nobody has counted: their answer is recorded, and the case itself asks for a sign-in.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Severity
from alerting.handling import answers
from alerting.handling.absences import is_away_by
from alerting.queries import elders_of
from alerting.tables import Incident, Notice
from alerting.telling.links import open_link
from alerting.wording import noticed_text, seen_text
from care.model import DESK_ROLES, ElderStatus
from care.tables import Elder, EmergencyContact, Home, User
from console.context import LANGUAGE_COOKIE, Anybody, PageContext
from console.errors import PageRoute
from console.forms import required
from console.outlook import outlook
from console.queue import load_policies
from console.security import set_cookie
from console.texts import words
from core.errors import NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ANSWER_COOKIE = "anju_answer"
_HOURS = 12 * 3600


@router.get("/a/{token}")
async def open_page(page: Anybody, token: str) -> Response:
    """One question. Looking never answers: a messenger's preview opens links, too."""
    async with page.services.db.reading() as session:
        try:
            notice, incident = await _load(session, page, token)
        except NotFound:
            return page.render("link_gone.html", 404)
        page = _in_language_of(notice, page)
        if _needs_no_link(page, notice):
            return page.go_to(f"/incidents/{incident.id}")
        if notice.recipient_kind == "user":
            user = await session.get_one(User, notice.recipient_id)
            return page.render("link_user.html", token=token, is_officer=user.role in DESK_ROLES)
        contact = await _contact(session, notice)
        if not _answered_here(page, notice):
            return page.render("link.html", token=token, is_contact=contact is not None)
        if contact is None:
            return page.render("link_noted.html", token=token, notice=notice, incident=incident)
        return await _details(session, page, token, notice, incident, contact)


@router.post("/a/{token}")
async def answer(page: Anybody, token: str) -> Response:
    """Record the answer, then show what happened. An officer's answer acknowledges."""
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            notice, incident = await _load(session, page, token)
            said = required(fields, "answer")
            notice, incident = await answers.answer(session, notice.id, said, page.now)
    except NotFound:
        return page.render("link_gone.html", 404)
    if notice.recipient_kind == "user":
        return page.go_to(f"/incidents/{incident.id}")
    response = page.go_to(f"/a/{token}")
    seal = _seal(page, notice.id)
    set_cookie(response, page.request, page.services.settings, ANSWER_COOKIE, seal, _HOURS)
    return response


async def _load(session: AsyncSession, page: PageContext, token: str) -> tuple[Notice, Incident]:
    """Raises `NotFound` for a link that Anju did not make, and once it has ended.

    It ends with the case, with the account of the officer or visitor whom it went to, and when
    the contact is taken off the elder's list.
    """
    notice_id = open_link(page.services.settings.secret_key, token)
    notice, incident = await answers.load_notice(session, notice_id)
    if notice.recipient_kind == "user":
        user = await session.get(User, notice.recipient_id)
        ended = user is None or not user.active
    else:
        ended = notice.recipient_kind == "contact" and await _contact(session, notice) is None
    if ended:
        raise NotFound("link", notice_id)
    return notice, incident


async def _contact(session: AsyncSession, notice: Notice) -> EmergencyContact | None:
    """The one person whom the notice is bound to; None for a group and for users."""
    if notice.recipient_kind != "contact":
        return None
    return await session.get(EmergencyContact, notice.recipient_id)


def _needs_no_link(page: PageContext, notice: Notice) -> bool:
    """Whether the reader is signed in and may as well open the case: the user who was told, or
    somebody of the desk who follows a link from the group."""
    if page.actor is None:
        return False
    if notice.recipient_kind == "user":
        return page.actor.id == notice.recipient_id
    return notice.recipient_kind != "contact" and page.actor.is_desk


def _in_language_of(notice: Notice, page: PageContext) -> PageContext:
    """The language the message was sent in, unless the reader chose one here."""
    if LANGUAGE_COOKIE in page.request.cookies:
        return page
    return replace(page, words=words(notice.language))


def _seal(page: PageContext, notice_id: str) -> str:
    key = page.services.settings.secret_key.encode()
    return hmac.new(key, f"answered:{notice_id}".encode(), hashlib.sha256).hexdigest()


def _answered_here(page: PageContext, notice: Notice) -> bool:
    """Whether this very browser answered: then a reload may show the details again."""
    given = page.request.cookies.get(ANSWER_COOKIE, "")
    return notice.answered_at is not None and hmac.compare_digest(
        given.encode(), _seal(page, notice.id).encode()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerned:
    """Whom the contact should call, and where they live."""

    elder: Elder
    home: Home | None


async def _details(
    session: AsyncSession,
    page: PageContext,
    token: str,
    notice: Notice,
    incident: Incident,
    contact: EmergencyContact,
) -> Response:
    """What a contact needs to help: no health, nobody else's number, nothing of the timeline."""
    concerned = [one for one in await elders_of(session, incident) if one.id == contact.elder_id]
    home = await session.get(Home, incident.home_id) if incident.home_id else None
    visitor = await session.get(User, incident.visitor_id) if incident.visitor_id else None
    wanted = (incident.policy_id, incident.policy_version)
    policy = (await load_policies(session, [wanted]))[wanted]
    lang, zone, facts = page.lang, page.zone, incident.facts
    said_by_them = [one.id for one in concerned if await is_away_by(session, one, contact)]
    return page.render(
        "link_after.html",
        token=token,
        notice=notice,
        incident=incident,
        people=[Concerned(elder=one, home=home) for one in concerned],
        visitor=visitor,
        said_by_them=said_by_them,
        noticed=noticed_text(incident.kind, facts, lang, page.now),
        seen=seen_text(facts, lang, zone, page.now),
        coming=outlook(
            incident.stage,
            incident.due_kind,
            incident.due_at,
            incident.step,
            incident.round,
            policy,
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """A contact who answered in this very browser, and the elder they are a contact of."""

    page: PageContext  # in the language they were told in
    incident: Incident
    contact: EmergencyContact
    elder: Elder
    away_by_them: bool  # the elder is away, and it was this contact who said so

    @property
    def may_say_away(self) -> bool:
        """Only where a welfare rule asked, and nobody else said where the elder is."""
        is_open_question = self.elder.status == ElderStatus.HOME or self.away_by_them
        return self.incident.severity == Severity.WELFARE and is_open_question


async def answering(session: AsyncSession, page: PageContext, token: str) -> Answering | None:
    """Who may say more after their answer; None for everybody else: they are asked first.

    Raises `NotFound` as the link itself does.
    """
    notice, incident = await _load(session, page, token)
    contact = await _contact(session, notice)
    if contact is None or not _answered_here(page, notice):
        return None
    concerned = {one.id: one for one in await elders_of(session, incident)}
    elder = concerned.get(contact.elder_id)
    if elder is None:
        return None
    return Answering(
        page=_in_language_of(notice, page),
        incident=incident,
        contact=contact,
        elder=elder,
        away_by_them=await is_away_by(session, elder, contact),
    )
