"""What keeps a page to its reader: headers, the session cookie, and proof that a form is ours."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from api.guards import most_of
from core.errors import NotAllowed
from core.settings import Settings

SESSION_COOKIE = "anju_session"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script, no inline style, nothing from elsewhere."""

PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",  # names, addresses and health stay out of every cache
    "Referrer-Policy": "same-origin",  # an answer link must not travel on to another site
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "HX-Request, Cookie, Accept-Language, Accept-Encoding",
}


class Refused(NotAllowed):
    """A form that did not come from one of our own pages, or is too old to prove it."""

    code = "refused"


def csrf_token(secret_key: str, session_token: str) -> str:
    """Proof for the forms of one session: whoever cannot read our pages cannot know it."""
    digest = hmac.new(secret_key.encode(), f"csrf:{session_token}".encode(), hashlib.sha256)
    return digest.hexdigest()


def check_origin(request: Request, settings: Settings) -> None:
    """Refuse what a browser says another site sent. Raises `Refused`.

    Every current browser names the origin of a POST; a program that names none is not a browser
    that somebody tricked, and still needs the token wherever there is a session.
    """
    if int(request.headers.get("content-length") or 0) > most_of(request.scope):
        raise Refused("the form is too large")
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refused("the form was sent from another site")
        return
    origin = request.headers.get("origin")
    if origin is None:
        return
    ours = {request.headers.get("host", ""), urlsplit(settings.link_base).netloc}
    if urlsplit(origin).netloc not in ours - {""}:
        raise Refused("the form was sent from another site")


async def check_csrf(request: Request, settings: Settings, session_token: str) -> None:
    """The token must come in the header (scripts) or in the form (no script). Raises `Refused`."""
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        given = str((await request.form()).get(CSRF_FIELD, ""))
    expected = csrf_token(settings.secret_key, session_token)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused("the form has expired; open the page again")


def set_cookie(
    response: Response, request: Request, settings: Settings, name: str, value: str, seconds: int
) -> None:
    """A cookie that scripts cannot read and other sites cannot send along."""
    secure = request.url.scheme == "https" or settings.link_base.startswith("https://")
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def local_path(target: str | None, default: str = "/") -> str:
    """A return path that stays on this site; anything else becomes `default`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    parts = urlsplit(target)
    return target if not parts.netloc and not parts.scheme and target.isprintable() else default
