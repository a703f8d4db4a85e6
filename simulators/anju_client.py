"""A small REST client, for seeding and the live view."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx

from core.errors import AnjuError

_API = "/api/v1"
_PAGE = 500


class ApiError(AnjuError):
    """Anju refused a call; the message is its problem's detail."""

    code = "api"

    def __init__(self, method: str, path: str, status: int, detail: str) -> None:
        self.status = status
        super().__init__(f"{method} {path}: {status} {detail}")


class AnjuClient:
    """REST calls as one signed-in user."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`base_url` without `/api/v1`, such as `http://127.0.0.1:8000`."""
        self._http = httpx.AsyncClient(base_url=base_url, transport=transport, timeout=30)
        self._signed_in_as: tuple[str, str] | None = None

    async def __aenter__(self) -> AnjuClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def sign_in(self, username: str, password: str) -> None:
        """Get a token; every later call carries it. Raises `ApiError` (401)."""
        form = {"username": username, "password": password}
        answer = await self._http.post(f"{_API}/token", data=form)
        token = _checked(answer)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        self._signed_in_as = (username, password)

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """One answer of `GET /api/v1/{path}`. Raises `ApiError`."""
        return await self._call("GET", path, params=query)

    async def all(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Every item of a list, through all its pages."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = await self.get(path, limit=_PAGE, **query, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of `POST /api/v1/{path}`. Raises `ApiError`."""
        return await self._call("POST", path, json=body)

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of `PATCH /api/v1/{path}`. Raises `ApiError`."""
        return await self._call("PATCH", path, json=body)

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = await self._http.request(method, f"{_API}/{path}", **options)
        if answer.status_code == 401 and self._signed_in_as is not None:
            await self.sign_in(*self._signed_in_as)  # a demo may outlive its token
            answer = await self._http.request(method, f"{_API}/{path}", **options)
        return _checked(answer)


def _checked(answer: httpx.Response) -> dict[str, Any]:
    path = answer.request.url.path
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        body = {}
    if answer.is_success and isinstance(body, dict):
        return body
    detail = body.get("detail") if isinstance(body, dict) else None
    raise ApiError(
        answer.request.method, path, answer.status_code, str(detail or answer.text[:200])
    )
