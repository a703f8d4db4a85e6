"""A webhook receiver that notes when each call came in, and by which path."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from core.clock import SystemClock

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One webhook call."""

    path: str
    at: float  # monotonic, when the whole request had been read
    key: str  # Idempotency-Key: the notice's id
    body: dict[str, Any]


class Receiver:
    """Answers 200 to every POST; `on_call` hears of each at once."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.on_call: Callable[[Call], None] = lambda _: None
        self._clock = SystemClock()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One kept-alive connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                pairs = (line.partition(":") for line in lines if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                raw = await reader.readexactly(int(headers.get("content-length", "0")))
                at = self._clock.monotonic()
                writer.write(_OK)
                call = Call(
                    path=first.split(" ")[1],
                    at=at,
                    key=headers.get("idempotency-key", ""),
                    body=json.loads(raw or b"{}"),
                )
                self.calls.append(call)
                self.on_call(call)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
