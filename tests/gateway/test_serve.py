"""`anju serve` and its neighbours as real processes: start, sign in, stream, stop."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli import main
from tests.gateway import cli
from tests.gateway.running import device
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.waiting import until

pytestmark = pytest.mark.broker
PASSWORD = "correct horse battery"


@pytest.fixture
def settings(broker: Mosquitto, tmp_path: Path) -> dict[str, object]:
    return {
        "secret_key": cli.SECRET,
        "mqtt_url": broker.url,
        "database_url": f"sqlite+aiosqlite:///{tmp_path}/anju.db",
        "http_port": free_port(),
    }


def add_user(cwd: Path, settings: dict[str, object], *more: str, said: str = PASSWORD) -> cli.Ran:
    arguments = ["user", "add", "--username", "wang", "--role", "duty_officer", *more]
    return cli.run(*arguments, "--password-stdin", cwd=cwd, said=f"{said}\n", settings=settings)


@contextlib.asynccontextmanager
async def serving(
    cwd: Path, settings: dict[str, object], *arguments: str
) -> AsyncIterator[tuple[cli.Serving, httpx.AsyncClient]]:
    """`anju serve`, once it is ready."""
    address = f"http://127.0.0.1:{settings['http_port']}"
    with cli.Serving(*arguments, cwd=cwd, settings=settings) as process:
        async with httpx.AsyncClient(base_url=address) as client:

            async def ready() -> bool:
                assert process.process.poll() is None, process.process.communicate()
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get("/health/ready")).status_code == 200
                return False

            await until(ready, within_s=30)
            yield process, client


async def test_from_an_empty_folder_to_a_live_alarm_and_a_quick_stop(
    broker: Mosquitto, settings: dict[str, object], tmp_path: Path
) -> None:
    made = add_user(tmp_path, settings, "--name", "王值班")
    assert (made.code, made.err) == (0, "") and made.out.startswith("usr-"), made
    add_user(tmp_path, settings).is_one_line(1, "wang", "taken")
    async with serving(tmp_path, settings) as (process, client), device(broker.port) as button:
        form = {"username": "wang", "password": PASSWORD}
        token = (await client.post("/api/v1/token", data=form)).json()["access_token"]
        signed_in: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
        async with client.stream("GET", "/api/v1/stream", timeout=None, **signed_in) as stream:
            lines = stream.aiter_lines()
            await button.press()
            await button.answered()
            async for line in lines:
                if line == "event: incident":
                    break
            incidents = (await client.get("/api/v1/incidents", **signed_in)).json()["items"]
            assert [incident["kind"] for incident in incidents] == ["sos"]
            # An open stream must not keep the process from stopping.
            ended = process.end(signal.SIGTERM, within_s=5)
            assert not [line async for line in lines if line.startswith("event: failed")]
    assert ended.code == 0
    assert ended.out.splitlines() == [f"anju: http://127.0.0.1:{settings['http_port']}"]
    assert "Traceback" not in ended.err and "exception" not in ended.err, ended.err


async def test_two_processes_do_not_share_a_port(
    settings: dict[str, object], tmp_path: Path
) -> None:
    async with serving(tmp_path, settings) as (process, _):
        second = cli.run("serve", cwd=tmp_path, settings=settings)
        second.is_one_line(2, "ANJU_HTTP_PORT", str(settings["http_port"]))
        assert process.process.poll() is None, "and the first one goes on"
        assert process.end(signal.SIGINT, within_s=5).code == 0


async def test_a_process_with_the_ingest_role_alone_takes_messages_and_serves_nobody(
    broker: Mosquitto, settings: dict[str, object], tmp_path: Path
) -> None:
    with cli.Serving("--roles", "ingest", cwd=tmp_path, settings=settings) as process:
        async with device(broker.port) as button:
            # Until it has subscribed, nobody keeps the press: a device repeats what matters.
            async def heard() -> bool:
                await button.press()
                return bool(button.heard)

            await until(heard, within_s=30)
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{settings['http_port']}/health/live")
        ended = process.end(within_s=5)
    assert (ended.code, ended.out) == (0, "")


@pytest.mark.parametrize(
    ("more", "said", "words"),
    [
        (["--role", "cook"], PASSWORD, ["--role", "cook"]),
        ([], "short", ["password"]),
        ([], "", ["password"]),
        (["--area", "area-nowhere"], PASSWORD, ["area-nowhere"]),
        (["--username", ""], PASSWORD, ["username"]),
        (["--username", "x" * 101], PASSWORD, ["username"]),
        (["--name", "x" * 101], PASSWORD, ["name"]),
    ],
)
def test_a_user_that_cannot_be_added_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    more: list[str],
    said: str,
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(said + "\n"))
    arguments = ["user", "add", "--username", "wang", "--role", "visitor", "--password-stdin"]
    settings = {"secret_key": cli.SECRET}
    ran = cli.run_here(monkeypatch, capsys, *arguments, *more, settings=settings)
    ran.is_one_line(1, *words)


@pytest.mark.parametrize(
    "arguments",
    [[], ["serve"], ["migrate"], ["check"], ["user"], ["user", "add"], ["devices", "try"], ["demo"],
     ["simulate"], ["simulate", "press"], ["devices", "mapping"], ["devices", "mapping", "new"],
     ["devices", "mapping", "check"], ["devices", "mapping", "from-discovery"]],
)  # fmt: skip
def test_every_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    ran = cli.run_here(monkeypatch, capsys, *arguments, "--help", settings={})
    assert ran.code == 0 and "Usage: " in ran.out and "--help" in ran.out


def test_migrate_brings_an_empty_database_up_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = {
        "secret_key": cli.SECRET,
        "database_url": f"sqlite+aiosqlite:///{tmp_path}/new.db",
    }
    for name, value in cli.environment(**settings).items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["anju", "migrate"])
        with contextlib.suppress(SystemExit):
            main()
        assert capsys.readouterr().out == "the database is up to date\n"
