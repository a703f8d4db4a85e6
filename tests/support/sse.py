"""An open event stream, read while it goes on (httpx's ASGI transport waits for the end)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """One server-sent event; a comment has the name `comment`."""

    name: str
    data: Any
    id: str | None


@dataclass
class OpenStream:
    """What the app has sent so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    _started: asyncio.Event = field(default_factory=asyncio.Event)
    _events: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)
    _rest: str = ""
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> Event | None:
        """The next event, comments included; None when the stream has ended."""
        return await asyncio.wait_for(self._events.get(), PATIENCE_S)

    async def receive(self) -> dict[str, Any]:
        if not self._started.is_set():
            self._started.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            return
        self._rest += message.get("body", b"").decode()
        *blocks, self._rest = self._rest.split("\n\n")
        for block in blocks:
            self._events.put_nowait(_parse(block))
        if not message.get("more_body", False):
            self._events.put_nowait(None)

    def hang_up(self) -> None:
        self._gone.set()


def _parse(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    if "" in fields:
        return Event(name="comment", data=fields[""], id=None)
    data = json.loads(fields["data"]) if "data" in fields else None
    return Event(name=fields.get("event", "message"), data=data, id=fields.get("id"))


@asynccontextmanager
async def open_stream(app: FastAPI, **headers: str) -> AsyncIterator[OpenStream]:
    """GET /api/v1/stream with these headers, as a browser would keep it open."""
    stream = OpenStream()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/stream",
        "raw_path": b"/api/v1/stream",
        "root_path": "",
        "query_string": b"",
        "headers": [(k.replace("_", "-").lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("anju.test", 80),
        "state": {},
    }
    task = asyncio.create_task(app(scope, stream.receive, stream.send))
    try:
        yield stream
    finally:
        stream.hang_up()
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(task, PATIENCE_S)
