"""The event loop reads and writes a client's socket, in place of paho's own thread.

A network thread would fight with the event loop for the interpreter at every message: that cost
half of the throughput when it was measured (docs/adr).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

from gateway.client import Arrival, Client
from gateway.endpoint import KEEPALIVE_S

READ_AT_ONCE = 256
"""Messages read before others have their turn on the event loop: about a millisecond."""
_TEND_EVERY_S = 1.0
_PEEK_EVERY_S = KEEPALIVE_S / 2
"""How often a lane that wants no more still looks: the broker's answer to a ping may be there."""


class Pump:
    """Keeps one connected client going until `detach`; one pump for each connection.

    `wants_more` says whether there is room for further messages, `arrived` takes them.
    """

    def __init__(
        self,
        client: Client,
        *,
        wants_more: Callable[[], bool],
        arrived: Callable[[list[Arrival]], None],
    ) -> None:
        self._client, self._wants_more, self._arrived = client, wants_more, arrived
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._is_reading = False
        self._idle_s = 0.0  # since we last looked, while we want no more

    def attach(self) -> None:
        """Begin to read."""
        raw = self._client.socket()
        if raw is None:  # closed again before we looked; `on_disconnect` has said so
            return
        assert isinstance(raw, socket.socket)
        # Without it a receipt waits 40 ms behind an acknowledgement for a delayed TCP ACK.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = raw
        self._client.on_socket_close = self._on_socket_close
        self.read_on()
        self._loop.call_later(_TEND_EVERY_S, self._tend)

    def detach(self) -> None:
        """Let go of the socket and close it."""
        raw = self._socket
        self._forget()
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.close()

    def read_on(self) -> None:
        """Begin or stop to read, as there is room for more or not."""
        if self._socket is None or self._wants_more() == self._is_reading:
            return
        self._is_reading = not self._is_reading
        if self._is_reading:
            self._loop.add_reader(self._socket, self._readable)
            self._read_what_is_held()
        else:
            self._idle_s = 0.0
            self._loop.remove_reader(self._socket)

    def write_on(self) -> None:
        """paho writes at once; what the socket did not take goes when it is ready again."""
        if self._socket is not None and self._client.want_write():
            self._loop.add_writer(self._socket, self._writable)

    def _readable(self) -> None:
        arrivals = self._client.read(READ_AT_ONCE)
        if arrivals:
            self._arrived(arrivals)
        self.read_on()
        self._read_what_is_held()

    def _read_what_is_held(self) -> None:
        """What was read ahead, or unpacked by TLS, does not make the socket readable."""
        if not self._is_reading:
            return
        if self._client.has_more or (
            isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        ):
            self._loop.call_soon(self._read_again)

    def _read_again(self) -> None:
        if self._is_reading:
            self._readable()

    def _writable(self) -> None:
        self._client.loop_write()
        if self._socket is not None and not self._client.want_write():
            self._loop.remove_writer(self._socket)

    def _tend(self) -> None:
        """Pings, and noticing that none came back."""
        if self._socket is None:
            return
        if not self._is_reading:
            self._idle_s += _TEND_EVERY_S
            if self._idle_s >= _PEEK_EVERY_S:
                self._idle_s = 0.0
                self._readable()
        self._client.loop_misc()
        self.write_on()
        self._loop.call_later(_TEND_EVERY_S, self._tend)

    def _on_socket_close(self, _client: paho.Client, _data: Any, _raw: Any) -> None:
        self._forget()

    def _forget(self) -> None:
        raw, self._socket, self._is_reading = self._socket, None, False
        if raw is not None and raw.fileno() >= 0:
            self._loop.remove_reader(raw)
            self._loop.remove_writer(raw)
