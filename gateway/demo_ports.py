"""The demo's ports: the usual ones, or the next that are free."""

from __future__ import annotations

import socket

from rich.console import Console

from core.errors import SettingsError

HOST = "127.0.0.1"
_TRIED_PORTS = 50


class DemoPorts:
    """Finds free ports on this machine, and says on `console` when one is not the usual."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def listen(self, what: str, wanted: int) -> socket.socket:
        """A listening socket on `wanted` or the next free port. Raises `SettingsError`."""
        for port in range(wanted, min(wanted + _TRIED_PORTS, 65536)):
            try:
                found = socket.create_server((HOST, port))
            except OSError:
                continue
            if port != wanted:
                self._console.print(
                    f"端口 {wanted} 已被占用，{what} 改用 {port} / "
                    f"port {wanted} is taken, {what} uses {port}",
                    soft_wrap=True,
                )
            return found
        raise SettingsError(what, f"no port from {wanted} to {wanted + _TRIED_PORTS} is free")

    def free(self, what: str, wanted: int) -> int:
        """A port that somebody else may listen on. Raises `SettingsError`."""
        with self.listen(what, wanted) as probe:
            port: int = probe.getsockname()[1]
        return port


def url_of(listening: socket.socket) -> str:
    """The address of what is served on a socket."""
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"
