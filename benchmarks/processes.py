"""Child processes of a measurement: the server, publishers, subscribers, and the CPU they take."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.broker import free_port
from core.clock import SystemClock
from core.settings import Settings, load_settings

READY_WITHIN_S = 60.0
_SECRET = "benchmark-benchmark-benchmark"
_STORED = re.compile(r'anju_messages_total\{lane="bulk",result="stored"\} (\S+)')


def settings_for(database_url: str, mqtt_url: str, *, webhook_host: str = "") -> Settings:
    """The settings of one server on free ports, independent of this user's environment."""
    return load_settings(
        database_url=database_url,
        mqtt_url=mqtt_url,
        http_port=free_port(),
        secret_key=_SECRET,
        webhook_hosts=webhook_host,
        operator_url="",
        deadman_url="",
        worker_id="benchmark",
        log_level="warning",
    )


def environment(settings: Settings) -> dict[str, str]:
    """The child's environment: ours without any ANJU_*, and `settings`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    given = {f"ANJU_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    return own | given


class AnjuServer:
    """`anju serve` in a process of its own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """`folder`: its working folder, where its log goes."""
        self.settings, self._folder = settings, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.AsyncClient(
            base_url=f"http://{settings.http_host}:{settings.http_port}", timeout=10.0
        )

    @property
    def log(self) -> Path:
        return self._folder / "anju.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns at once; see `ready()`."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from gateway.cli import main; main()", "serve"],
                cwd=self._folder,
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Waits until `/health/ready` says 200. Raises `RuntimeError` with the log's end."""
        clock = SystemClock()
        give_up, why = clock.monotonic() + within_s, "no answer"
        while clock.monotonic() < give_up:
            if self._process is not None and self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                answer = await self._client.get("/health/ready")
                if answer.status_code == 200:
                    return
                why = answer.text[:500]
            await asyncio.sleep(0.05)
        raise RuntimeError(f"anju serve is not ready: {why}\n{self.log.read_text()[-2000:]}")

    async def stored(self) -> int:
        """Bulk messages that were committed since this process began."""
        found = _STORED.search((await self._client.get("/metrics")).text)
        return int(float(found.group(1))) if found else 0

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> None:
        await self._client.aclose()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, 15)
        except subprocess.TimeoutExpired:
            self.kill()


@asynccontextmanager
async def serving(settings: Settings, folder: Path) -> AsyncIterator[AnjuServer]:
    """A server that is ready; stopped at the end, whatever happens."""
    server = AnjuServer(settings, folder)
    server.start()
    try:
        await server.ready()
        yield server
    finally:
        await server.stop()


class Helper:
    """A module of this package in a process of its own: lines in, numbers out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.numbers: tuple[int, ...] = ()
        self._spoke = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.numbers = tuple(int(word) for word in line.split())
            self._spoke.set()

    async def ready(self) -> None:
        """Waits for its first line: it is connected."""
        await asyncio.wait_for(self._spoke.wait(), READY_WITHIN_S)

    def say(self, line: str) -> None:
        if self._reader.done():
            raise RuntimeError("a helper process ended early")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
        await self._reader


@asynccontextmanager
async def helper(module: str, **options: int) -> AsyncIterator[Helper]:
    """`python -m benchmarks.MODULE --name value …`, connected, and ended with the block."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Helper(process)
    try:
        await running.ready()
        yield running
    finally:
        await running.end()


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuWatch:
    """CPU seconds of some groups of processes, by name; for shares between two looks."""

    groups: dict[str, Callable[[], list[int]]]

    def seconds(self) -> dict[str, float]:
        return {name: sum(map(_cpu_seconds, pids())) for name, pids in self.groups.items()}


def _cpu_seconds(pid: int) -> float:
    """User and system time of one process; 0.0 where the system does not tell (not Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def postgres_pids(folder: Path) -> list[int]:
    """The PostgreSQL processes whose data is below `folder`: the postmaster and its children."""
    try:
        first = (folder / "postgresql" / "postmaster.pid").read_text().splitlines()[0]
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    except OSError:
        return []
    return [int(first), *map(int, children)]
