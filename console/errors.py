"""What people see when something did not work: one page, in their language, with a way on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from care.accounts import TooManyAttempts
from console import times
from console.context import PageContext, bare_context, context_of
from console.security import PAGE_HEADERS, Refused
from core.errors import (
    AnjuError,
    Conflict,
    GatesMissing,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
)
from core.logging import get_logger

_log = get_logger("console")
_DATABASE_AWAY = (OperationalError, InterfaceError, TimeoutError)
_NOT_OURS = ("/api/", "/health/", "/metrics", "/docs", "/redoc", "/openapi.json", "/static/")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route for people: whatever it raises becomes a page, never JSON and never a traceback."""

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except NotSignedIn:
                return to_sign_in(request)
            except Exception as error:
                return error_page(request, error)

        return handle


def status_of(error: Exception) -> int:
    """The HTTP status that says the same as the error."""
    for kind, status in (
        (NotFound, 404),
        (Refused, 403),
        (NotAllowed, 403),
        (Conflict, 409),
        (GatesMissing, 422),
        (InvalidInput, 422),
        (RequestValidationError, 422),
        (TooManyAttempts, 429),
        (_DATABASE_AWAY, 503),
        (AnjuError, 400),
    ):
        if isinstance(error, kind):
            return status
    return error.status_code if isinstance(error, HTTPException) else 500


def explain(error: Exception, page: PageContext) -> str:
    """One sentence for the person who did it, in their language."""
    t = page.words
    if isinstance(error, Conflict):
        return _explain_conflict(error, page)
    if isinstance(error, GatesMissing):
        return t("error.gates", missing=gate_names(error.missing, page))
    if isinstance(error, InvalidInput):
        name = f"field.{error.field}"
        label = t(name) if t.has(name) else error.field
        problem = f"problem.{error.problem}"
        return t(
            "error.invalid", field=label, problem=t(problem) if t.has(problem) else error.problem
        )
    if isinstance(error, TooManyAttempts):
        return t("error.too_many", minutes=-(-error.retry_after_s // 60))
    status = status_of(error)
    if status == 503 and page.request.method != "GET":
        return t("error.unsaved_503")
    return t(f"error.text_{status}" if t.has(f"error.text_{status}") else "error.text_500")


def _explain_conflict(error: Conflict, page: PageContext) -> str:
    """「王值班 12:03 已接单」: who was first, when, and what they did."""
    if error.winner is None:
        return page.words("error.changed")
    at = times.clock_of_iso(error.at, page.zone, page.now) if error.at else ""
    if error.stage is None:
        return page.words("error.first", winner=error.winner, at=at)
    did = page.words(f"did.{error.stage}")
    return page.words("error.first_did", winner=error.winner, at=at, did=did)


def gate_names(missing: tuple[str, ...], page: PageContext) -> str:
    return page.words("list.comma").join(page.words(f"gate.{name}") for name in missing)


def to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page and, after it, back to where the person wanted to be."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or request.headers.get("hx-request") == "true":
        source = urlsplit(
            request.headers.get("hx-current-url") or request.headers.get("referer", "")
        )
        wanted = source.path or "/"
    path = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers=PAGE_HEADERS | {"HX-Redirect": path})
    return RedirectResponse(path, 303, headers=PAGE_HEADERS)


def error_page(request: Request, error: Exception) -> Response:
    """The page for an error. What we did not expect is logged with its traceback."""
    status = status_of(error)
    if status >= 500:
        _log.error("page failed", path=request.url.path, status=status, exc_info=error)
    page = context_of(request) or bare_context(request)
    template = "error_part.html" if page.wants_fragment else "error.html"
    retry = status == 503 and request.method == "GET"
    text = explain(error, page)
    response = page.render(template, status, code=status, text=text, retry=retry)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def answer_unknown_paths(app: FastAPI) -> None:
    """404 and 405 outside the programs' paths become pages; inside them nothing changes."""
    for status in (404, 405):
        app.add_exception_handler(status, _page_or(app))


def _page_or(app: FastAPI) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        accepts = request.headers.get("accept", "")
        if request.url.path.startswith(_NOT_OURS) or "text/html" not in accepts:
            inherited: Any = app.exception_handlers.get(HTTPException, http_exception_handler)
            answer: Response = await inherited(request, error)
            return answer
        return error_page(request, error)

    return handle
