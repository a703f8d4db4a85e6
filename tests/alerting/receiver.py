"""An HTTP server of a test alone, which answers as its path says: /200, /503, /never, /hang-up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in; `url()` is where to send it."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    _open: list[asyncio.StreamWriter] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            path = first.split(" ")[1].strip("/")
            self.requests.append(Request(path, headers, body))
            if path == "never":
                return
            if path.isdecimal():
                said = json.dumps(self.answer).encode() if self.answer is not None else b"-"
                extra = "location: /200\r\n" if path.startswith("3") else ""
                head = f"HTTP/1.1 {path} -\r\ncontent-length: {len(said)}\r\n{extra}\r\n"
                writer.write(head.encode() + said)
                await writer.drain()
            writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._open:
                writer.close()
            await server.wait_closed()
