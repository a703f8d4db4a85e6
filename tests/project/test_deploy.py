"""Containers and units: everything they name exists, and nothing runs as root."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import SettingsError
from core.settings import Settings, load_settings
from scripts import mqtt_accounts
from tests.project.tree import ROOT, name

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = sorted(name for name in SERVICES if name != "prepare")
VARIABLES = {f"ANJU_{field.upper()}" for field in Settings.model_fields}
UNITS = sorted((DEPLOY / "systemd").iterdir())


def environment(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#")
    return dict(line.split("=", 1) for line in lines)


# ── containers ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_container_has_no_more_rights_than_it_needs(service: str) -> None:
    config = SERVICES[service]
    user, group = config["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert config["read_only"] is True
    assert config["cap_drop"] == ["ALL"]
    assert config["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in config


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_container_is_bounded(service: str) -> None:
    limits = SERVICES[service]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert SERVICES[service]["logging"]["options"]["max-size"]


@pytest.mark.parametrize("service", LASTING)
def test_a_lasting_container_starts_again(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", ["anju", "mosquitto", "postgres"])
def test_what_others_wait_for_says_whether_it_is_well(service: str) -> None:
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_a_container_waits_until_what_it_needs_is_well() -> None:
    for service, config in SERVICES.items():
        for needed, how in config.get("depends_on", {}).items():
            lasting = "healthcheck" in SERVICES[needed] and needed in LASTING
            expected = "service_healthy" if lasting else "service_completed_successfully"
            assert how == {"condition": expected}, f"{service} → {needed}"
    assert set(SERVICES["anju"]["depends_on"]) == {"mosquitto", "postgres"}


def test_neither_the_database_nor_anjus_door_is_published() -> None:
    ports = {service: config.get("ports", []) for service, config in SERVICES.items()}
    assert ports == {
        "prepare": [],
        "accounts": [],
        "postgres": [],
        "mosquitto": ["1883:1883"],
        "anju": ["127.0.0.1:8000:8000"],
    }
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == ["back"]


def test_everything_mounted_from_the_checkout_exists() -> None:
    mounted = [
        volume.split(":")[0]
        for config in SERVICES.values()
        for volume in config.get("volumes", [])
        if volume.startswith(".")
    ]
    assert mounted
    assert [one for one in mounted if not (ROOT / one).is_file()] == []


def test_every_named_volume_and_network_is_declared() -> None:
    for config in SERVICES.values():
        names = {volume.split(":")[0] for volume in config.get("volumes", [])}
        assert {one for one in names if not one.startswith(".")} <= set(COMPOSE["volumes"])
        assert set(config.get("networks", [])) <= set(COMPOSE["networks"])


def test_secrets_come_from_files_that_have_an_example() -> None:
    for config in SERVICES.values():
        assert "environment" not in config
        if "env_file" in config:
            assert (ROOT / f"{config['env_file']}.example").is_file()


@pytest.mark.parametrize(
    "path",
    ["docker-compose.yml", "Dockerfile", *sorted(name(one) for one in DEPLOY.rglob("*.*"))],
)
def test_every_variable_named_is_a_setting(path: str) -> None:
    named = set(re.findall(r"\bANJU_[A-Z_]+\b", (ROOT / path).read_text("utf-8")))
    assert named <= VARIABLES


def test_the_example_files_fit_together_once_filled() -> None:
    anju, postgres = (environment(DEPLOY / f"{one}.env.example") for one in ("anju", "postgres"))
    filled = {
        key.removeprefix("ANJU_").lower(): re.sub("@[A-Z_]+@", "a-secret-of-some-length", value)
        for key, value in anju.items()
    }
    settings = load_settings(**filled)
    assert f"{postgres['POSTGRES_USER']}:" in settings.database_url
    assert settings.database_url.endswith(f"@postgres:5432/{postgres['POSTGRES_DB']}")
    assert "@POSTGRES_PASSWORD@" in anju["ANJU_DATABASE_URL"]
    assert postgres["POSTGRES_PASSWORD"] == "@POSTGRES_PASSWORD@"
    assert settings.mqtt_url.startswith(f"mqtt://{mqtt_accounts.OWN_USER}:")


def test_make_secrets_fills_every_gap_and_overwrites_nothing(tmp_path: Path) -> None:
    for folder in ("scripts", "deploy"):
        (tmp_path / folder).mkdir()
    script = tmp_path / "scripts" / "secrets.sh"
    script.write_text((ROOT / "scripts" / "secrets.sh").read_text("utf-8"))
    for one in ("anju", "postgres"):
        example = f"{one}.env.example"
        (tmp_path / "deploy" / example).write_text((DEPLOY / example).read_text("utf-8"))

    subprocess.run(["sh", script], check=True, capture_output=True)
    anju, postgres = (
        environment(tmp_path / "deploy" / f"{one}.env") for one in ("anju", "postgres")
    )
    assert postgres["POSTGRES_PASSWORD"] in anju["ANJU_DATABASE_URL"]
    assert len(anju["ANJU_SECRET_KEY"]) == 32
    assert not any(re.search("@[A-Z_]+@", value) for value in (*anju.values(), *postgres.values()))
    assert (tmp_path / "deploy" / "anju.env").stat().st_mode & 0o077 == 0

    again = subprocess.run(["sh", script], capture_output=True, text=True)
    assert again.returncode == 1
    assert environment(tmp_path / "deploy" / "anju.env") == anju


def test_the_image_is_built_of_locked_packages_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    build, final = text.split("\nFROM ${PYTHON}\n")
    installs = re.findall(r"pip install (.+)", build)
    assert all("--require-hashes" in one or "--no-deps --no-index" in one for one in installs)
    assert "pip install" not in final
    assert "USER 10001:10001" in final
    assert SERVICES["anju"]["user"] == "10001:10001"
    assert "HEALTHCHECK" in final
    assert "/health/ready" in final
    assert 'ENTRYPOINT ["anju"]' in final
    assert 'CMD ["serve"]' in final


def test_everything_the_image_is_built_of_reaches_the_builder() -> None:
    """.dockerignore lets in what it names and nothing else."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert [one for one in let_in if not (ROOT / one).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    copied = set(re.findall(r"^COPY (?!--from|\. )(.+) \S+$", _dockerfile(), re.M))
    needed = packages | {part for line in copied for part in line.split()}
    assert needed | {"pyproject.toml", project["project"]["readme"]} <= let_in


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text("utf-8")


# ── units ────────────────────────────────────────────────────────────────────────────────────────


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(path.read_text("utf-8"))
    return parser


@pytest.mark.parametrize("path", UNITS, ids=name)
def test_a_unit_names_units_and_programs_that_exist(path: Path) -> None:
    parser = unit(path)
    ours = {one.name for one in UNITS}
    for section in parser.sections():
        for value in parser[section].values():
            named = set(re.findall(r"\banju[a-z-]*\.(?:service|path|timer)\b", value))
            assert named <= ours
            for script in re.findall(r"/opt/anju/share/(\S+\.py)", value):
                assert (ROOT / "scripts" / script).is_file()


@pytest.mark.parametrize("path", [one for one in UNITS if one.suffix == ".service"], ids=name)
def test_a_service_runs_as_anju_without_rights(path: Path) -> None:
    service = unit(path)["Service"]
    if path.name == "anju-accounts-reload.service":
        assert service["ExecStart"] == "/usr/bin/systemctl reload mosquitto.service"
        return
    assert service["User"] == "anju"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_anju_is_started_again_for_ever() -> None:
    parser = unit(DEPLOY / "systemd" / "anju.service")
    assert parser["Service"]["Restart"] == "always"
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"


# ── files for the installer ──────────────────────────────────────────────────────────────────────


def test_the_example_settings_are_all_the_settings() -> None:
    example = tomllib.loads((DEPLOY / "anju.toml.example").read_text("utf-8"))
    assert set(example) == set(Settings.model_fields)
    with pytest.raises(SettingsError, match="ANJU_SECRET_KEY"):
        load_settings(**example)  # an unchanged copy must not start with a key that all know
    example["secret_key"] = "a key of one's own, long enough"
    assert load_settings(**example).model_dump() == example
