"""A wrong setting is one line that names it, and exit status 2; never a traceback."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from core.settings import load_settings
from devices.registry import FAMILIES
from tests.gateway import cli
from tests.support.database import PostgresServer

GOOD: dict[str, object] = {"secret_key": cli.SECRET, "mqtt_url": "mqtt://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


WRONG: list[tuple[dict[str, object], str]] = [
    ({"secret_key": "short"}, "ANJU_SECRET_KEY"),
    ({"http_port": "eight thousand"}, "ANJU_HTTP_PORT"),
    ({"http_port": 0}, "ANJU_HTTP_PORT"),
    ({"http_port": 65536}, "ANJU_HTTP_PORT"),
    ({"http_host": "no-such-host.invalid"}, "ANJU_HTTP_HOST"),
    ({"http_host": "192.0.2.1"}, "ANJU_HTTP_HOST"),
    ({"database_url": "mysql://127.0.0.1/anju"}, "ANJU_DATABASE_URL"),
    ({"database_url": "sqlite+aiosqlite:////no/such/folder/anju.db"}, "ANJU_DATABASE_URL"),
    ({"database_url": "postgresql+psycopg://anju@127.0.0.1:1/anju"}, "ANJU_DATABASE_URL"),
    ({"database_url": "postgresql+psycopg://127.0.0.1:port/anju"}, "ANJU_DATABASE_URL"),
    ({"mqtt_url": "http://127.0.0.1"}, "ANJU_MQTT_URL"),
    ({"mqtt_url": "mqtt://127.0.0.1:99999"}, "ANJU_MQTT_URL"),
    ({"mqtt_url": "mqtt://"}, "ANJU_MQTT_URL"),
    ({"mqtt_url": "embedded://127.0.0.1"}, "ANJU_MQTT_URL"),
    ({"mqtt_url": "embedded://0.0.0.0:1883"}, "ANJU_MQTT_URL"),
    ({"timezone": "Mars/Olympus"}, "ANJU_TIMEZONE"),
    ({"region": "atlantis"}, "ANJU_REGION"),
    ({"log_level": "loud"}, "ANJU_LOG_LEVEL"),
    ({"operator_url": "ring the neighbour"}, "ANJU_OPERATOR_URL"),
    ({"deadman_url": "ping.example"}, "ANJU_DEADMAN_URL"),
    ({"public_url": "anju.example"}, "ANJU_PUBLIC_URL"),
]


@pytest.mark.parametrize(("wrong", "name"), WRONG)
def test_serve_names_the_setting_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, object],
    name: str,
    unused_port: int,
) -> None:
    settings = GOOD | {"http_port": unused_port} | wrong
    ran = cli.run_here(monkeypatch, capsys, "serve", settings=settings)
    ran.is_one_line(2, f"{name}: ")
    assert "secret" not in ran.err or "SECRET_KEY" in ran.err


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = cli.run_here(monkeypatch, capsys, "serve", settings={})
    ran.is_one_line(2, "ANJU_SECRET_KEY: is required")


@pytest.mark.parametrize("roles", ["cook", "", "ingest,cook", ","])
def test_an_unknown_role_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], roles: str
) -> None:
    ran = cli.run_here(monkeypatch, capsys, "serve", "--roles", roles, settings=GOOD)
    ran.is_one_line(2, "--roles", "ingest, alert, web")


def test_a_port_in_use_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = cli.run_here(monkeypatch, capsys, "serve", settings=GOOD | {"http_port": port})
    ran.is_one_line(2, "ANJU_HTTP_PORT: ", str(port), "in use")
    assert not list(tmp_path.iterdir()), "said before anything else was begun"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('secret_key = "', "anju.toml"),
        ("http_port = [1]\n", "ANJU_HTTP_PORT"),
        ('timezone = "Mars"\n', "ANJU_TIMEZONE"),
        ("\0", "anju.toml"),
    ],
)
def test_a_wrong_settings_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    name: str,
) -> None:
    (tmp_path / "anju.toml").write_text(text)
    cli.run_here(monkeypatch, capsys, "serve", settings=GOOD).is_one_line(2, name)


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "anju.toml").write_text('worker_id = "file"\nregion = "guangdong"\n')
    for name, value in cli.environment(**GOOD, worker_id="environment").items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.worker_id, settings.region) == ("environment", "guangdong")


def test_an_older_postgresql_is_not_brought_up_unasked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    postgres: PostgresServer,
    unused_port: int,
) -> None:
    """Several processes may share it. Tables without a revision count as older."""
    name = postgres.create()
    settings = GOOD | {"database_url": postgres.url(name), "http_port": unused_port}
    ran = cli.run_here(monkeypatch, capsys, "serve", settings=settings)
    ran.is_one_line(2, "ANJU_DATABASE_URL", "anju migrate")
    postgres.drop(name)


def check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **settings: object
) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit status, and what → (level, text)."""
    ran = cli.run_here(monkeypatch, capsys, "check", "--json", settings=settings)
    report: list[dict[str, Any]] = json.loads(ran.out)
    assert ran.err == ""
    return ran.code, {line["what"]: (line["level"], line["text"]) for line in report}


def test_check_needs_no_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = check(monkeypatch, capsys)
    assert code == 0
    assert report["device families"] == ("ok", ", ".join(sorted(FAMILIES)))
    assert report["region guangdong"][0] == "ok"
    assert report["ANJU_SECRET_KEY"] == ("warning", "is required")


def test_check_says_what_is_wrong_and_in_which_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, report = check(
        monkeypatch,
        capsys,
        **GOOD,
        database_url="sqlite+aiosqlite:////no/such/folder/anju.db",
        webhook_hosts="https://hooks.example,http://plain.example,[2001:db8::1]:8443",
    )
    assert code == 1
    levels = {what: level for what, (level, _) in report.items()}
    assert levels["ANJU_OPERATOR_URL"] == "error", "nobody stands behind the ladder"
    assert levels["ANJU_DATABASE_URL"] == levels["ANJU_MQTT_URL"] == "error"
    assert levels["ANJU_REGION"] == "ok"
    assert not list(tmp_path.iterdir()), "looks, and leaves nothing behind"


def test_check_is_content_where_everything_answers(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sqlite_file: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        code, report = check(
            monkeypatch,
            capsys,
            secret_key=cli.SECRET,
            mqtt_url=f"mqtt://127.0.0.1:{broker.getsockname()[1]}",
            database_url=f"sqlite+aiosqlite:///{sqlite_file}",
            operator_url="json://127.0.0.1:1/",
            webhook_hosts="hooks.example",
        )
    assert {level for level, _ in report.values()} == {"ok"} and code == 0


def test_check_reads_as_text_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = cli.run_here(monkeypatch, capsys, "check", settings={})
    assert ran.out.splitlines()[-1] == "warning  ANJU_SECRET_KEY: is required"
