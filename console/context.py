"""What every page is made from: who asks, in which language, at what time, and how to answer."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerting import wording
from alerting.fleet.equipment import is_supervisable
from alerting.queries import sight_of
from care.accounts import actor_of_token
from care.model import Actor
from care.queries import Sight
from console import icons, times
from console.forms import clean
from console.security import (
    CSRF_FIELD,
    PAGE_HEADERS,
    SESSION_COOKIE,
    check_csrf,
    check_origin,
    csrf_token,
)
from console.texts import HTML_LANG, Words, preferred_language, words
from core.errors import NotAllowed, NotSignedIn
from core.services import Services

LANGUAGE_COOKIE, THEME_COOKIE = "anju_language", "anju_theme"
THEMES = ("auto", "light", "dark")
COMPRESS_ABOVE = 4096  # bytes; a long queue is fetched at every hint and shrinks to a twelfth


@dataclass(frozen=True, kw_only=True, slots=True)
class PageContext:
    """One request for a page. `actor` and `token` are None while nobody is signed in."""

    request: Request
    services: Services
    now: datetime
    words: Words
    theme: str
    actor: Actor | None = None
    token: str | None = None

    @property
    def lang(self) -> str:
        return self.words.lang

    @property
    def zone(self) -> ZoneInfo:
        return self.services.settings.zone

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def who(self) -> Actor:
        """The signed-in user; raises `NotSignedIn` when there is none."""
        if self.actor is None:
            raise NotSignedIn("sign in first")
        return self.actor

    @property
    def sight(self) -> Sight:
        return sight_of(self.who)

    @property
    def here(self) -> str:
        """Where to come back to after a switch of language; a POST's own path leads nowhere."""
        url = self.request.url
        if self.request.method != "GET":
            return "/"
        return url.path + (f"?{url.query}" if url.query else "")

    @property
    def wants_fragment(self) -> bool:
        """A script asked for a part of the page. Going back in history asks for the whole one."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and "hx-history-restore-request" not in headers

    @property
    def say(self) -> Say:
        return Say(self.lang, self.zone)

    @property
    def csrf(self) -> str:
        return csrf_token(self.services.settings.secret_key, self.token) if self.token else ""

    async def fields(self) -> dict[str, str]:
        """The submitted form: text fields only, trimmed; of repeated ones the last."""
        return clean(dict(await self.request.form()))

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page or a part of one, never to be cached; compressed where that helps."""
        html = environment().get_template(template).render(self._values() | values)
        headers = PAGE_HEADERS | {"X-Anju-Now": times.iso(self.now)}
        body = html.encode()
        if len(body) > COMPRESS_ABOVE and "gzip" in self.request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 5, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return HTMLResponse(body, status, headers=headers)

    def go_to(self, path: str) -> Response:
        """After a POST: on to a page that may be reloaded without posting again."""
        if self.request.headers.get("hx-request") == "true":
            return Response(status_code=204, headers=PAGE_HEADERS | {"HX-Redirect": path})
        return RedirectResponse(path, 303, headers=PAGE_HEADERS)

    def _values(self) -> dict[str, Any]:
        lang, now, zone = self.lang, self.now, self.zone
        return {
            "page": self,
            "t": self.words,
            "lang": lang,
            "html_lang": HTML_LANG[lang],
            "now": now,
            "csrf_field": CSRF_FIELD,
            "clock": lambda moment: times.clock(moment, zone, now),
            "day_at": lambda moment: wording.day_text(moment, lang, zone, now),
            "span_since": lambda m: times.span((now - m).total_seconds(), self.words("time.day")),
            "span_until": lambda m: times.span((m - now).total_seconds(), self.words("time.day")),
            "phone_text": times.phone_text,
            "age": lambda birth: times.age_on(birth, self.today),
            "say": self.say,
            "is_supervisable": is_supervisable,
        }


class Say:
    """`alerting/wording` in the reader's language, for templates: `say.stage("open")`."""

    def __init__(self, lang: str, zone: ZoneInfo) -> None:
        self._lang, self._zone = lang, zone

    def kind(self, kind: str) -> str:
        return wording.kind_text(kind, self._lang)

    def stage(self, stage: str) -> str:
        return wording.stage_text(stage, self._lang)

    def severity(self, severity: str) -> str:
        return wording.severity_text(severity, self._lang)

    def outcome(self, outcome: str) -> str:
        return wording.outcome_text(outcome, self._lang)

    def channel(self, channel: str) -> str:
        return wording.channel_text(channel, self._lang)

    def notice_state(self, state: str, channel: str = "") -> str:
        return wording.notice_state_text(state, self._lang, channel)

    def register(self, register: str) -> str:
        return wording.register_text(register, self._lang)

    def reason(self, reason: str | None) -> str:
        return wording.reason_text(reason, self._lang)

    def failure(self, state: str, detail: str) -> str:
        """Why nobody was reached; what a provider said in its own words is shown as it is."""
        if state == "parked":  # always by `outbox`, whose own note is for the log
            return self.reason("sender_crashed")
        return wording.pick(wording.FAILURE.get(detail), self._lang, self.reason(detail))

    def role(self, role: str) -> str:
        return wording.pick(wording.ROLE.get(role), self._lang, role)

    def clock(self, moment: str) -> str:
        """A time as facts carry it, in the reader's zone."""
        return wording.clock_text(moment, self._zone)

    def standing(self, why: str) -> str:
        return wording.pick(wording.STANDING.get(why), self._lang, why)

    def doubt(self, why: str) -> str:
        return wording.pick(wording.DOUBT.get(why), self._lang, why)

    def extreme(self, why: str) -> str:
        return wording.pick(wording.EXTREME.get(why), self._lang, why)

    def condition(self, condition: str) -> str:
        return wording.pick(wording.CONDITION.get(condition), self._lang, condition)

    def answer(self, answer: str) -> str:
        return wording.pick(wording.ANSWER.get(answer), self._lang, answer)

    def check_purpose(self, purpose: str) -> str:
        return wording.pick(wording.CHECK_PURPOSE.get(purpose), self._lang, purpose)

    def check_state(self, state: str) -> str:
        return wording.check_state_text(state, self._lang)

    def check_result(self, result: str) -> str:
        return wording.check_result_text(result, self._lang)

    def duration(self, seconds: float) -> str:
        return wording.duration_text(seconds, self._lang)

    def title(self, kind: str, facts: dict[str, Any]) -> str:
        return wording.incident_title(kind, facts, self._lang, self._zone)

    def timeline(self, kind: str, data: dict[str, Any]) -> str:
        return wording.timeline_text(kind, data, self._lang, self._zone)


@cache
def environment() -> Environment:
    """The templates, compiled once; a name that nobody defined is an error, not an empty string."""
    folder = resources.files("console") / "templates"
    made = Environment(
        loader=FileSystemLoader(str(folder)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters["iso"] = times.iso
    made.globals["icon"] = icons.icon
    return made


def bare_context(request: Request) -> PageContext:
    """A context that needs no database: for sign-in, and to report that the database is away."""
    services: Services = request.app.state.services
    lang = request.cookies.get(LANGUAGE_COOKIE) or preferred_language(
        request.headers.get("accept-language")
    )
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return PageContext(
        request=request,
        services=services,
        now=services.clock.now(),
        words=words(lang),
        theme=theme if theme in THEMES else "auto",
    )


async def page_context(request: Request) -> PageContext:
    """The context of a request, with whoever is signed in. A POST must prove where it came from."""
    bare = bare_context(request)
    settings = bare.services.settings
    if request.method == "POST":
        check_origin(request, settings)
    token = request.cookies.get(SESSION_COOKIE)
    actor = None
    if token:
        async with bare.services.db.reading() as session:
            actor = await actor_of_token(session, token, bare.now)
    if token is None or actor is None:
        return _remember(bare)
    if request.method == "POST":
        await check_csrf(request, settings, token)
    lang = request.cookies.get(LANGUAGE_COOKIE) or actor.language
    return _remember(replace(bare, words=words(lang), actor=actor, token=token))


def _remember(context: PageContext) -> PageContext:
    """Keep it for the error page, should the rest of the request fail."""
    context.request.state.page_context = context
    return context


Anybody = Annotated[PageContext, Depends(page_context)]


async def _signed_in(context: Anybody) -> PageContext:
    """Whoever is signed in; raises `NotSignedIn`, which leads to the sign-in page and back."""
    if context.actor is None:
        raise NotSignedIn("sign in first")
    return context


SignedIn = Annotated[PageContext, Depends(_signed_in)]


async def _at_desk(context: SignedIn) -> PageContext:
    """Only duty officers, supervisors and administrators. Raises `NotAllowed`."""
    if not context.who.is_desk:
        raise NotAllowed("this page belongs to the duty desk")
    return context


AtDesk = Annotated[PageContext, Depends(_at_desk)]


def context_of(request: Request) -> PageContext | None:
    """The context that was already made for this request, if it got that far."""
    return cast("PageContext | None", getattr(request.state, "page_context", None))
