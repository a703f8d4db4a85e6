"""Signing in and out, and the two switches everybody has: language and light or dark."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.wording import LANGUAGES
from api import token
from care import accounts
from care.accounts import SignInAttempts, TooManyAttempts
from care.model import Actor
from care.tables import User
from console.context import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    Anybody,
    PageContext,
    bare_context,
)
from console.errors import PageRoute, explain
from console.forms import clean
from console.security import SESSION_COOKIE, check_origin, local_path, set_cookie
from core.errors import InvalidInput, NotSignedIn

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_YEAR = 365 * 86400


@router.get("/sign-in")
async def sign_in_page(page: Anybody, next: str = "/") -> Response:
    target = local_path(next)
    if page.actor is not None:
        return page.go_to(target)
    return page.render("sign_in.html", next=target, username="", trouble=None)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check the password, open a session, go where the person wanted to be.

    No form token is asked for: there is no session yet that another site could act within, and
    the browser tells where the form came from.
    """
    page = bare_context(request)
    settings = page.services.settings
    check_origin(request, settings)
    form = await request.form()
    fields = clean(dict(form))
    username, target = fields.get("username", ""), local_path(fields.get("next"))
    password = str(form.get("password", ""))  # never trimmed
    attempts: SignInAttempts = request.app.state.attempts
    try:
        opened = await token.sign_in(page.services, attempts, username, password)
    except TooManyAttempts as error:
        return _refused(page, username, target, explain(error, page), 429)
    except (NotSignedIn, InvalidInput):
        return _refused(page, username, target, page.words("sign.wrong"), 401)
    response = page.go_to(target)
    seconds = int((opened.expires_at - page.now).total_seconds())
    set_cookie(response, request, settings, SESSION_COOKIE, opened.token, seconds)
    return response


def _refused(page: PageContext, username: str, target: str, trouble: str, status: int) -> Response:
    return page.render("sign_in.html", status, next=target, username=username, trouble=trouble)


@router.post("/sign-out")
async def sign_out(page: Anybody) -> Response:
    """The session ends here and in the database; a copied cookie opens nothing any more."""
    if page.token:
        async with page.services.db.transaction() as session:
            await accounts.close_session(session, page.token)
    response = page.go_to("/sign-in")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.post("/preferences")
async def preferences(page: Anybody) -> Response:
    """Language and theme, kept in cookies; the language also with the user, for their notices."""
    fields = await page.fields()
    response = page.go_to(local_path(fields.get("next")))
    settings = page.services.settings
    language, theme = fields.get("language"), fields.get("theme")
    if language in LANGUAGES:
        if page.actor is not None:
            async with page.services.db.transaction() as session:
                await _remember_language(session, page.actor, language)
        set_cookie(response, page.request, settings, LANGUAGE_COOKIE, language, _YEAR)
    if theme in THEMES:
        set_cookie(response, page.request, settings, THEME_COOKIE, theme, _YEAR)
    return response


async def _remember_language(session: AsyncSession, actor: Actor, language: str) -> None:
    user = await session.get(User, actor.id)
    if user is not None:
        user.language = language
