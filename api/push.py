"""HTTP push in: IoT platforms hand over what their devices said; 200 means that it is stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.dependencies import services as services_of
from api.guards import PUSH_ROOT
from api.problems import of_database_error, of_error, refusal
from api.push_keys import (
    Proof,
    PushKeys,
    by_iotda,
    by_onenet,
    by_onenet_body,
    by_token,
)
from core.errors import AnjuError, Busy, NotFound, NotSignedIn
from core.metrics import PUSHES
from devices import registry
from devices.push import MAX_BODY


class PushShortcut:
    """Middleware: a push goes straight to its function, past the matching of a hundred routes,
    which costs more than all the rest of it.

    The route below is the same function; it is there for the OpenAPI document.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_push = scope["type"] == "http" and scope["path"].startswith(PUSH_ROOT)
        if not is_push or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await take_push(request, scope["path"].removeprefix(PUSH_ROOT))
        except AnjuError as error:
            answer = of_error(error)
        except (DBAPIError, PoolTimeout) as error:
            answer = of_database_error(request, error)
        await answer(scope, receive, send)


router = APIRouter(prefix="/push", tags=["sources and devices"])
MOST_READ = 16 * 1024 * 1024
_STORED = b'{"accepted":true}'
_BUSY: dict[int | str, dict[str, Any]] = {
    503: refusal("Not stored yet; come again after `Retry-After` seconds.")
}


@router.post(
    "/{adapter}",
    summary="Take what an IoT platform pushes",
    response_class=Response,
    responses=_BUSY,
)
async def take_push(request: Request, adapter: str) -> Response:
    """The body as the platform sends it. The source is known by its token (`?token=`,
    `X-Anju-Token` or `Authorization: Bearer`) or by the platform's own signature.

    Answered after the commit. What cannot be read is set aside with a reason and answered 200 as
    well: a platform that is refused again and again stops pushing.
    """
    _check(adapter)
    source_id = await _source(request, adapter, _presented(request, adapter))
    if source_id is None and adapter != "onenet":
        raise _refused(adapter)
    body = await _body(request)
    if source_id is None:
        source_id = await _source(request, adapter, by_onenet_body(body))
    if source_id is None:
        raise _refused(adapter)
    intake = services_of(request).intake
    try:
        if intake is None:
            raise Busy("this process takes no pushes")
        await intake(source_id, adapter, body)
    except Busy:
        PUSHES.labels(adapter, "busy").inc()
        raise
    PUSHES.labels(adapter, "stored").inc()
    return Response(_STORED, media_type="application/json")


@router.get("/{adapter}", summary="Let a platform check the address", response_class=Response)
async def check_push(request: Request, adapter: str) -> Response:
    """OneNET asks with `msg`, `nonce` and `signature`, and wants `msg` back as it was."""
    _check(adapter)
    asked = request.query_params
    message = asked.get("msg", "")
    source_id = await _source(request, adapter, _presented(request, adapter))
    if source_id is None and adapter == "onenet":
        proof = by_onenet(message.encode(), asked.get("nonce", ""), asked.get("signature", ""))
        source_id = await _source(request, adapter, proof)
    if source_id is None:
        raise _refused(adapter)
    PUSHES.labels(adapter, "checked").inc()
    if message:
        return PlainTextResponse(message, headers={"X-Content-Type-Options": "nosniff"})
    return Response(_STORED, media_type="application/json")


def _check(adapter: str) -> None:
    if not registry.is_push(adapter):
        raise NotFound("push adapter", adapter[:64])


def _presented(request: Request, adapter: str) -> Proof | None:
    """What came outside the body: a token, or IoTDA's signature."""
    headers = request.headers
    token = request.query_params.get("token") or headers.get("x-anju-token")
    if token:
        return by_token(token)
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return by_token(credentials.strip())
    return by_iotda(headers) if adapter == "huawei" else None


async def _source(request: Request, adapter: str, proof: Proof | None) -> str | None:
    if proof is None:
        return None
    services, state = services_of(request), request.app.state
    keys: PushKeys | None = getattr(state, "push_keys", None)
    if keys is None or keys.services is not services:
        keys = state.push_keys = PushKeys(services)
    return await keys.find(adapter, proof)


def _refused(adapter: str) -> NotSignedIn:
    PUSHES.labels(adapter, "refused").inc()
    return NotSignedIn("no active source here has such a token or signature")


async def _body(request: Request) -> bytes:
    """All of it, or so much that its family sees that it is too large."""
    kept, read = bytearray(), 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > MOST_READ:
            raise Busy("the body does not end")
        if len(kept) <= MAX_BODY:
            kept += chunk[: MAX_BODY + 1 - len(kept)]
    return bytes(kept)
