"""Settings from the environment or `anju.toml`; the environment wins, errors name the setting."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.errors import SettingsError

Role = Literal["ingest", "alert", "web"]
ALL_ROLES: tuple[Role, ...] = ("ingest", "alert", "web")


class MappingSettings(BaseSettings):
    """What trying out a device's message wants to know; needs nothing to be set."""

    model_config = SettingsConfigDict(env_prefix="ANJU_", toml_file="anju.toml", extra="ignore")

    mappings: str = ""  # folder of the installation's own device mappings, docs/mappings.md

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class StoreSettings(MappingSettings):
    """What looking at the database wants to know: nothing that is secret beside its address."""

    database_url: str = "sqlite+aiosqlite:///anju.db"
    timezone: str = "Asia/Shanghai"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
            raise ValueError("use sqlite+aiosqlite:///FILE or postgresql+psycopg://…")
        from sqlalchemy import make_url  # half a second that commands without settings spare
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(value)
        except (ArgumentError, ValueError) as error:
            raise ValueError("is not an address such as postgresql+psycopg://host/name") from error
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is called {value!r}") from error
        return value

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


class Settings(StoreSettings):
    """Everything an installer may set. Field `x` is read from `ANJU_X`."""

    mqtt_url: str = "mqtt://127.0.0.1:1883"
    mqtt_ca: str = ""  # certificate authority of the broker, a PEM file; "": the system's
    broker_secret: str = ""  # what EMQX shows when it asks who may come in; "": nobody is answered
    worker_id: str = "anju-1"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = ""  # how people reach the console; links in notices start with it
    secret_key: str = Field(..., min_length=16)
    region: str = "guangdong"
    webhook_hosts: str = ""
    operator_url: str = ""
    deadman_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("mqtt_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            port = parts.port
        except ValueError as error:
            raise ValueError("the port is not a number between 1 and 65535") from error
        if parts.scheme not in ("mqtt", "mqtts", "embedded") or not parts.hostname:
            raise ValueError("use mqtt://host:1883, mqtts://host:8883 or embedded://127.0.0.1:1883")
        if parts.scheme == "embedded" and port is None:
            raise ValueError("embedded:// needs a port, for example embedded://127.0.0.1:1883")
        return value

    @field_validator("mqtt_ca")
    @classmethod
    def _there(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("broker_secret")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if 0 < len(value) < 16:
            raise ValueError("should have at least 16 characters")
        return value

    @field_validator("public_url", "deadman_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("use a web address such as https://anju.example")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone that people of this installation live in."""
        return ZoneInfo(self.timezone)

    @property
    def link_base(self) -> str:
        """Start of every link sent to a phone, without a trailing slash."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def allowed_webhook_hosts(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.webhook_hosts.split(",") if part.strip())


def load_settings(**overrides: object) -> Settings:
    """Settings of this process.

    Raises `SettingsError` naming the first wrong one as the user would type it.
    """
    return _loaded(Settings, overrides)


def load_store_settings() -> StoreSettings:
    """Where the database is, for a command that only looks into it; raises `SettingsError`."""
    return _loaded(StoreSettings, {})


S = TypeVar("S", bound=StoreSettings)


def _loaded(kind: type[S], overrides: Mapping[str, object]) -> S:
    try:
        return kind(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "ANJU_" + str(first["loc"][0]).upper() if first["loc"] else "settings"
        problem = "is required" if first["type"] == "missing" else first["msg"]
        raise SettingsError(name, problem.removeprefix("Value error, ")) from error
    except (OSError, ValueError) as error:  # an anju.toml that is not TOML
        raise SettingsError(str(Path("anju.toml")), str(error)) from error


def mappings_folder() -> str:
    """`ANJU_MAPPINGS`, whatever else is set or not; "" when there is no such folder."""
    try:
        return MappingSettings().mappings
    except (OSError, ValueError) as error:
        raise SettingsError(str(Path("anju.toml")), str(error)) from error


def parse_roles(text: str) -> tuple[Role, ...]:
    """`"ingest,web"` → the roles; raises `SettingsError` for a word that is none."""
    roles: list[Role] = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        if word not in ALL_ROLES:
            raise SettingsError("--roles", f"{word!r} is none of {', '.join(ALL_ROLES)}")
        roles.append(word)
    if not roles:
        raise SettingsError("--roles", f"name at least one of {', '.join(ALL_ROLES)}")
    return tuple(roles)
