"""The web server of a process: its socket, and uvicorn without its hold on the process."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from core.errors import SettingsError
from core.settings import Settings


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own."""

    @classmethod
    def of(cls, app: FastAPI, *, shutdown_within_s: int, **options: Any) -> Server:
        """A quiet one. Open streams are cut off `shutdown_within_s` after it was told to exit."""
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=shutdown_within_s,
            **options,
        )
        return cls(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of them."""
        yield


def listen(settings: Settings) -> socket.socket:
    """The web socket; a port that is taken is one clear line, before anything else starts."""
    try:
        return socket.create_server((settings.http_host, settings.http_port), reuse_port=False)
    except OSError as error:
        ports_fault = error.errno in (errno.EADDRINUSE, errno.EACCES)
        raise SettingsError(
            "ANJU_HTTP_PORT" if ports_fault else "ANJU_HTTP_HOST",
            f"cannot listen on {settings.http_host}:{settings.http_port}: {error.strerror}",
        ) from error
