"""How people are reached: phone numbers and channel addresses, checked and written one way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import phonenumbers

from core.errors import InvalidInput

CHANNEL_KINDS = ("webhook", "sms", "call", "email", "apprise")
MAX_CHANNELS = 10
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://\S+", re.IGNORECASE)

_NOT_BY_APPRISE = frozenset(
    {"apprise", "apprises", "form", "forms", "json", "jsons", "xml", "xmls", "mqtt", "mqtts"}
    | {"dbus", "glib", "gnome", "kde", "macosx", "qt", "rsyslog", "syslog", "windows"}
)
"""Apprise schemes that would call any host, or this machine, past `ANJU_WEBHOOK_HOSTS`."""


def normal_phone(given: str | None, region: str = "CN") -> str | None:
    """A number in E.164 (`+8613800138000`) where it parses, otherwise as it was given.

    Short numbers (120, a village switchboard's extension) are no valid subscriber numbers and
    stay untouched: what somebody wrote down is never thrown away.
    """
    if given is None or not given.strip():
        return None
    try:
        number = phonenumbers.parse(given, region)
    except phonenumbers.NumberParseException:
        return given.strip()
    if not phonenumbers.is_valid_number(number) or number.extension:
        return given.strip()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_channels(
    channels: Sequence[Mapping[str, Any]], phone: str | None
) -> list[dict[str, str]]:
    """A contact's channels as they are stored: `[{"kind", "address"}, …]`.

    An sms or call without an address goes to the contact's phone. Raises `InvalidInput` naming
    the place, such as `channels.0.address`.
    """
    if len(channels) > MAX_CHANNELS:
        raise InvalidInput("channels", f"at most {MAX_CHANNELS}")
    return [
        {"kind": str(one["kind"]), "address": _address(one, phone, f"channels.{number}")}
        for number, one in enumerate(channels)
    ]


def _address(channel: Mapping[str, Any], phone: str | None, where: str) -> str:
    kind = channel["kind"]
    if kind not in CHANNEL_KINDS:
        raise InvalidInput(f"{where}.kind", f"is none of {', '.join(CHANNEL_KINDS)}")
    given = str(channel.get("address") or "").strip()
    if kind in ("sms", "call"):
        number = normal_phone(given) or phone
        if number is None:
            raise InvalidInput(f"{where}.address", "name a number here or give the contact a phone")
        return number
    problem = _ADDRESS_CHECKS[kind](given)
    if problem is not None:
        raise InvalidInput(f"{where}.address", problem)
    return given


def web_address(address: str) -> SplitResult | None:
    """The parts of an http(s) URL with a host, otherwise None."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts if usable and not re.search(r"\s", address) else None


def _check_webhook(address: str) -> str | None:
    return None if web_address(address) else "must be a web address such as https://host/path"


def _check_email(address: str) -> str | None:
    return None if _EMAIL.fullmatch(address) else "must be an e-mail address"


def _check_apprise(address: str) -> str | None:
    if not _SCHEME.fullmatch(address):
        return "must be an Apprise address such as bark://host/key"
    scheme = address.split("://", 1)[0].lower()
    return (
        f"{scheme}:// is not for contacts; use kind webhook" if scheme in _NOT_BY_APPRISE else None
    )


_ADDRESS_CHECKS = {
    "webhook": _check_webhook,
    "email": _check_email,
    "apprise": _check_apprise,
}
