"""What is refused before any route sees it, and the net below all routes."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import of_unexpected, problem

MAX_BODY = 256 * 1024
PUSH_ROOT = "/api/v1/push/"
"""There the route itself looks at the size: what a platform pushed is kept, however large."""
LARGE_BODIES = {
    "/api/v1/devices/import": 6 * 2**20,
    "/devices/import": 12 * 2**20,
    "/devices/import/result.csv": 12 * 2**20,
}
"""Addresses that take a file; the page sends the rows that it showed back once more."""


class Guard:
    """Outermost middleware: size, NUL characters, and errors that nobody caught.

    NUL is refused here for addresses and in `api/schemas.py` for bodies: PostgreSQL cannot
    store it, and a client that sends it is up to nothing good.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None:
            await problem(*refusal)(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            is_push = scope["path"].startswith(PUSH_ROOT)
            limited = receive if is_push else _limited(receive, most_of(scope))
            await self._app(scope, limited, watched_send)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = of_unexpected(error, scope["method"], scope["path"])
            if not started:
                await answer(scope, receive, send)
                return
            raise  # half an answer is out: the server has to break the connection


def _refusal(scope: Scope) -> tuple[int, str] | None:
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        return 422, "the address contains a NUL character"
    if scope["path"].startswith(PUSH_ROOT):
        return None
    length = Headers(scope=scope).get("content-length", "")
    most = most_of(scope)
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        return 413, _too_large(most)
    return None


def most_of(scope: Scope) -> int:
    """How many bytes a body sent to this address may have."""
    return LARGE_BODIES.get(scope["path"].rstrip("/"), MAX_BODY)


def _too_large(most: int) -> str:
    return f"a request body may have at most {most} bytes"


def _limited(receive: Receive, most: int) -> Receive:
    """Count what really arrives: a chunked body does not say how long it is."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > most:
                raise HTTPException(413, _too_large(most))
        return message

    return counted
