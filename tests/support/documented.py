"""Whatever a story is answered over REST, the OpenAPI document has it."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi.routing import APIRoute

ALWAYS = frozenset({400, 405, 413, 415, 429, 500, 503})
"""What any request may come to, whatever it is about: no JSON, too much of it, a database away."""

_routes: list[APIRoute] = []


def check_documented(client: httpx.AsyncClient, method: str, answer: httpx.Response) -> None:
    """Fail for an answer that the operation does not document."""
    route = _route(client, method, answer.request.url.path)
    if route is None or answer.status_code in ALWAYS:
        return
    known = {int(code) for code in route.responses} | {route.status_code or 200}
    assert answer.status_code in known, (
        f"{method} {route.path} answered {answer.status_code}, and documents {sorted(known)}"
    )


def _route(client: httpx.AsyncClient, method: str, path: str) -> APIRoute | None:
    """As the app itself finds it: the first that fits. Every app has the same."""
    if not _routes:
        app: Any = getattr(client._transport, "app", None)
        _routes.extend(one for one in getattr(app, "routes", ()) if isinstance(one, APIRoute))
    return next(
        (one for one in _routes if method in one.methods and one.path_regex.match(path)), None
    )
