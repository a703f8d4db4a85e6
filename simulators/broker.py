"""Where the simulators find the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from core.errors import SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Host, port and credentials of an MQTT broker."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False

    @classmethod
    def from_url(cls, url: str, setting: str = "ANJU_MQTT_URL") -> BrokerAddress:
        """`mqtt://user:pass@host:1883`, `mqtts://…` or `embedded://…`, as in the settings.

        Raises `SettingsError` naming `setting` when the URL cannot be used.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise SettingsError(setting, "the port is not a number from 1 to 65535") from error
        if parts.scheme not in ("mqtt", "mqtts", "embedded") or not parts.hostname:
            raise SettingsError(setting, f"{url!r} is not like mqtt://127.0.0.1:1883")
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=port or (8883 if tls else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
        )

    def client(self, **options: Any) -> aiomqtt.Client:
        """An unconnected MQTT 3.1.1 client, which every broker and the embedded one understand."""
        return aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            protocol=aiomqtt.ProtocolVersion.V311,
            tls_params=aiomqtt.TLSParameters() if self.tls else None,
            **options,
        )

    def __str__(self) -> str:
        """The address without its password, fit to be printed."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"
