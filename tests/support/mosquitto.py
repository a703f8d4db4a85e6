"""A real Mosquitto of a test alone, with the delivery settings that Anju ships."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto" / "mosquitto.conf"
INSTALL = "apt-get install -y mosquitto mosquitto-clients"
_START_WITHIN_S = 10.0


def program(name: str = "mosquitto") -> str:
    """Where a program of Mosquitto is; fails, and never skips, when it is not installed."""
    # Debian installs the broker where only root's PATH leads.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError(f"this test needs {name}: {INSTALL}")
    return found


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def delivery_settings(shipped: str) -> list[str]:
    """The shipped lines about keeping and delivering; who may come in is left out."""
    before_doors = shipped.split("per_listener_settings")[0].splitlines()
    ours = ("persistence_location", "log_")
    return [
        line
        for line in before_doors
        if line and not line.startswith("#") and not line.startswith(ours)
    ]


class Mosquitto:
    """A broker on the loopback interface; its sessions and queues live in `folder`.

    Anybody may connect unless `config` says otherwise. `restart()` keeps port and folder, so
    persistent sessions are still there; what it forgets after `kill()` is what a real broker
    would forget.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        config: str | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        """Start one. `config` replaces the whole configuration (its first listener must be at
        `port`), `extra` adds lines to the usual one.

        Raises `RuntimeError` when Mosquitto is missing or refuses its configuration.
        """
        self.host, self.port = "127.0.0.1", port or free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(config if config is not None else self._usual(extra), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """As `ANJU_MQTT_URL` wants it."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """What the broker has said so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this Mosquitto does not run")
        return self._process.pid

    def start(self) -> None:
        """Returns once the port answers."""
        if self._process is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "-c", str(self._config)], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ask it to end; it saves what it holds. Harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`: what was not saved is forgotten."""
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        """Have it read its password and access lists again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """Stop politely if it still runs, and start again with the same port and folder."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _usual(self, extra: Sequence[str]) -> str:
        lines = [
            *delivery_settings(SHIPPED.read_text("utf-8")),
            f"persistence_location {self.folder.resolve()}/",
            *(["user root"] if os.geteuid() == 0 else []),  # else it becomes `mosquitto`
            "log_dest stderr",
            *extra,
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
        ]
        return "\n".join(lines) + "\n"

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_WITHIN_S  # noqa: TID251  # a real program's start
        while self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return
            if time.monotonic() > deadline:  # noqa: TID251
                self.kill()
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.02)
        self._process = None
        said = re.sub(r"\s+", " ", self.log).strip()[-500:]
        raise RuntimeError(f"Mosquitto did not start: {said}")


@contextlib.contextmanager
def mosquitto(folder: Path, **options: object) -> Iterator[Mosquitto]:
    """`with mosquitto(tmp_path) as broker:`, stopped whatever happens inside."""
    broker = Mosquitto(folder, **options)  # type: ignore[arg-type]
    try:
        yield broker
    finally:
        broker.stop()
