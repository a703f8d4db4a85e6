"""A real Mosquitto of this run alone, with the shipped configuration's persistence and queues."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.clock import SystemClock

_SHIPPED = Path(__file__).parent.parent / "deploy" / "mosquitto" / "mosquitto.conf"
_DOORS = (
    "per_listener_settings",
    "listener",
    "allow_anonymous",
    "password_file",
    "acl_file",
    "use_username_as_clientid",
    "persistence_location",
    "log_dest",
)
"""What differs here: one open door on this machine, and files in a temporary folder."""

_STARTS_WITHIN_S = 10.0


def find_mosquitto() -> str | None:
    """The broker's program; Debian keeps it outside the PATH of ordinary users."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Mosquitto:
    """One broker process; `kill()` is `kill -9`, after which `start()` begins with its store."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """`folder` must exist; raises `RuntimeError` where Mosquitto is not installed."""
        program = find_mosquitto()
        if program is None:
            raise RuntimeError("mosquitto is not installed")
        self._program, self._folder = program, folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As `ANJU_MQTT_URL` wants it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once connections are accepted."""
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text(_configuration(self.port, self._folder))
        self._process = subprocess.Popen(
            [self._program, "-c", str(configuration)], stderr=subprocess.DEVNULL
        )
        clock = SystemClock()
        give_up = clock.monotonic() + _STARTS_WITHIN_S
        while not _accepts(self.port):
            if self._process.poll() is not None or clock.monotonic() > give_up:
                log = self._folder / "mosquitto.log"
                raise RuntimeError(f"mosquitto does not start: {log.read_text()[-500:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`: what it held only in memory is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A running broker whose files are in a folder of its own below `folder`."""
    own = folder / f"mosquitto-{free_port()}"
    own.mkdir(parents=True)
    broker = Mosquitto(own)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _configuration(port: int, folder: Path) -> str:
    shipped = _SHIPPED.read_text(encoding="utf-8").splitlines()
    lines = [line for line in shipped if line.strip() and line[0] != "#"]
    lines = [line for line in lines if line.split()[0] not in _DOORS]
    lines += [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        f"persistence_location {folder}/",
        f"log_dest file {folder}/mosquitto.log",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        lines.append("user root")  # otherwise it would become a user that may not write here
    return "\n".join(lines) + "\n"


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5):
            return True
    except OSError:
        return False
