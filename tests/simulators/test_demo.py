"""`anju demo` as a newcomer runs it: a process, its pages, Ctrl-C, and once more."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from core.clock import SystemClock
from simulators.anju_client import AnjuClient
from tests.simulators.support import free_port

_RUN = """
import sys
from pathlib import Path
from gateway.demo import DemoOptions, run
folder, http, mqtt, phone = sys.argv[1:]
sys.exit(run(DemoOptions(folder=Path(folder), http_port=int(http), mqtt_port=int(mqtt),
                         phone_port=int(phone))))
"""


class Demo:
    """A demo in a process of its own, seen through its output and its pages."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, pattern: str, within_s: float) -> re.Match[str]:
        """The first line of output, from the start, that matches."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            read = 0
            while True:
                while read < len(self.lines):
                    if found := re.search(pattern, self.lines[read]):
                        return found
                    read += 1
                raw = await self.process.stdout.readline()
                assert raw, "\n".join(self.lines)
                self.lines.append(raw.decode().rstrip())

    async def stop(self) -> float:
        """Ctrl-C; seconds until the process is gone."""
        clock = SystemClock()
        began = clock.monotonic()
        self.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(self.process.communicate(), 15)
        return clock.monotonic() - began


@asynccontextmanager
async def running(folder: Path, http_port: int) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUN, str(folder), str(http_port), str(free_port()), str(free_port()),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_newcomer_sees_a_live_sos_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # somebody else has the first port
        port: int = taken.getsockname()[1]
        async with running(tmp_path / "demo-data", port) as demo:
            other = await demo.line(rf"port {port} is taken, console uses (\d+)", 30)
            desk = await demo.line(r"Duty desk: (http://\S+?)/desk  duty / (\S+)", 60)
            assert desk[1] == f"http://127.0.0.1:{other[1]}"
            for path, who in (("rules", "supervisor"), ("my", "visitor1"), ("docs", "admin")):
                await demo.line(rf"{desk[1]}/{path}  {who} / {who}-", 5)
            phones = await demo.line(r"telephones: (http://\S+)", 5)
            await demo.line(r"demo-sos-01 .* stored by Anju", 20)
            async with AnjuClient(desk[1]) as anju, httpx.AsyncClient() as web:
                await anju.sign_in("duty", desk[2])
                incidents = await anju.all("incidents", kind="sos")
                page = await web.get(phones[1])
                ready = await web.get(f"{desk[1]}/health/ready")
            assert [incident["severity"] for incident in incidents] == ["life_safety"]
            assert "李奶奶" in page.text
            assert ready.status_code == 200
            assert await demo.stop() < 5
            assert demo.process.returncode == 0


async def test_it_runs_again_in_the_same_folder(tmp_path: Path) -> None:
    sign_ins = []
    for _ in range(2):
        async with running(tmp_path / "demo-data", free_port()) as demo:
            sign_ins.append((await demo.line(r"Duty desk: \S+  (duty / \S+)", 60))[1])
            assert await demo.stop() < 5
            assert demo.process.returncode == 0
    assert len(set(sign_ins)) == 1
