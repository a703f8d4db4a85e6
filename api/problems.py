"""Every refusal as problem details (RFC 9457): what is wrong, where, and who was first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from care.accounts import TooManyAttempts
from core.errors import (
    AnjuError,
    Busy,
    Conflict,
    GatesMissing,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
)
from core.ids import new_id
from core.logging import get_logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_log = get_logger("api")

_STATUS: Mapping[type[AnjuError], int] = {
    NotFound: 404,
    InvalidInput: 422,
    Conflict: 409,
    GatesMissing: 422,
    NotAllowed: 403,
    NotSignedIn: 401,
    TooManyAttempts: 429,
    Busy: 503,
}
_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be processed",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}
_BUSY = ("locked", "busy", "unable to open", "disk i/o", "disk is full")
"""What SQLite says when it is away for the moment rather than asked something wrong."""


class FieldProblem(BaseModel):
    """One value that cannot be used, under the name it was sent with."""

    field: str
    problem: str


class Problem(BaseModel):
    """The body of every answer from 400 up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:anju:problem:conflict",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "cannot acknowledge: the incident is acknowledged (王值班)",
                    "winner": "王值班",
                    "at": "2026-03-01T00:16:02+00:00",
                    "stage": "acknowledged",
                    "version": 2,
                }
            ]
        }
    )
    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None  # 422: every value that cannot be used
    missing: list[str] | None = None  # 422 of a close: the gates that are not met
    winner: str | None = None  # 409: whose change stands
    at: str | None = None
    stage: str | None = None
    version: int | None = None


def refusal(description: str) -> dict[str, Any]:
    """An entry of a route's `responses` in the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem answer; members that are None are left out."""
    title = _TITLES.get(status, "Error")
    kind = code or title.lower().replace(" ", "_")
    body = {"type": f"urn:anju:problem:{kind}", "title": title, "status": status, "detail": detail}
    body |= {name: value for name, value in more.items() if value is not None}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_error(error: AnjuError) -> Response:
    """The answer to an error of ours."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 400)
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    match error:
        case NotSignedIn():
            headers["WWW-Authenticate"] = "Bearer"
        case TooManyAttempts() | Busy():
            headers["Retry-After"] = str(error.retry_after_s)
        case InvalidInput():
            more["errors"] = [{"field": error.field, "problem": error.problem}]
        case GatesMissing():
            more["missing"] = list(error.missing)
        case Conflict():
            more = {
                "winner": error.winner,
                "at": error.at,
                "stage": error.stage,
                "version": error.version,
            }
    return problem(status, str(error), code=error.code, headers=headers, **more)


def of_unexpected(error: Exception, method: str, path: str) -> Response:
    """Log the error under an id, and tell the client that id and nothing else."""
    error_id = new_id("err")
    _log.error("unexpected error", error_id=error_id, method=method, path=path, exc_info=error)
    return problem(500, f"something went wrong here; it is logged as {error_id}", code="internal")


def install(app: FastAPI) -> None:
    """Answer every error of the app with problem details."""
    app.add_exception_handler(AnjuError, _anju)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for kind in (DBAPIError, PoolTimeout):
        app.add_exception_handler(kind, _database)


async def _anju(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AnjuError)
    return of_error(error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = {404: "there is nothing at this address"}.get(error.status_code, str(error.detail))
    return problem(error.status_code, detail, headers=error.headers)


async def _database(request: Request, error: Exception) -> Response:
    return of_database_error(request, error)


def of_database_error(request: Request, error: Exception) -> Response:
    """503 while the database is away, where trying again helps; otherwise a fault of ours."""
    if not _is_away(error):
        return of_unexpected(error, request.method, request.url.path)
    _log.warning("database away", method=request.method, path=request.url.path, error=str(error))
    return problem(
        503,
        "the database cannot be reached at the moment; nothing was changed, try again",
        code="database_away",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _is_away(error: Exception) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    if error.connection_invalidated or "psycopg" in type(error.orig).__module__:
        return True
    return any(word in str(error.orig).lower() for word in _BUSY)


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        reason = found[0].get("ctx", {}).get("error", "not JSON")
        position = found[0]["loc"][-1]
        return problem(400, f"the body is not JSON: {reason} at {position}", code="not_json")
    if isinstance(error.body, bytes):
        return problem(415, "send JSON, with Content-Type: application/json", code="not_json")
    errors = [{"field": _place(one), "problem": _sentence(one)} for one in found]
    detail = "; ".join(f"{one['field']}: {one['problem']}" for one in errors)
    return problem(422, detail, code="invalid", errors=errors)


def _place(one: Mapping[str, Any]) -> str:
    """`("body", "channels", 0, "kind")` → `channels.0.kind`; the body itself is `body`."""
    location = [str(part) for part in one["loc"]]
    if one["type"] == "unstorable" and one["ctx"]["place"]:
        location.append(one["ctx"]["place"])
    return ".".join(location[1:] if len(location) > 1 else location)


def _sentence(one: Mapping[str, Any]) -> str:
    if one["type"] == "extra_forbidden":
        return "is not known here"
    if one["type"] == "missing":
        return "is required"
    text = str(one["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
