"""The code on a device: a bare id, or a QR text that has one inside. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

MAX_CODE = 1000
"""Characters; a QR code holds at most 4,296, and no device's is a tenth of that."""

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEX16 = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{16})(?![0-9A-Za-z])")
_SPACED = re.compile(r"(?<![0-9A-Za-z])((?:[0-9A-Fa-f]{2}[:\s-]){7}[0-9A-Fa-f]{2})(?![0-9A-Za-z])")
_MAC = re.compile(r"(?<![0-9A-Za-z])((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2})(?![0-9A-Za-z:-])")
_DIGITS15 = re.compile(r"(?<!\d)(\d{15})(?!\d)")
_LORA = re.compile(r"LW:D\d:([0-9A-Fa-f]{16}):([0-9A-Fa-f]{16})(?::|$)", re.IGNORECASE)
"""LoRa Alliance TR005: `LW:D0:<JoinEUI>:<DevEUI>:<ProfileID>[:<extensions>]`."""
_TAGGED = re.compile(
    r"(?:^|[\s$%;,&?|+/])(?:IEEE|EUI64|EUI|DEV_?EUI|MAC|A)\s*[:=]\s*(?:0x)?([0-9A-Fa-f]{16})"
    r"(?![0-9A-Fa-f])",
    re.IGNORECASE,
)
"""A Zigbee label beside its install code: `Z:…$I:…`, `G$M:…$A:…$I:…`, `IEEE:…;IC:…`."""
_Z_I = re.compile(r"(?:^|[\s$%])Z:([0-9A-Fa-f]{16})\$I:[0-9A-Fa-f]{16,36}", re.IGNORECASE)
_OWN_KEYS = ("code", "id", "imei", "eui", "deveui", "ieee", "mac", "sn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What a code may name, likeliest first: each to be looked for among devices and children.

    `own` is true for a label that Anju printed: then the first candidate is the device's id.
    """

    candidates: tuple[str, ...]
    own: bool = False


def parse_code(text: str) -> Code:
    """Candidates in `text`, as typed or scanned; none when nothing in it could be an id.

    `<any address>/install?code=<device id>` is Anju's own label: labels outlive a server's name.
    Keys and install codes, which stand beside the id, are never taken for one.
    """
    text = "".join(sign for sign in text[:MAX_CODE].strip() if sign.isprintable())
    address = _address(text)
    if address is not None:
        return address
    lora = _LORA.search(text)
    if lora is not None:
        return Code(candidates=_spellings(lora.group(2)))
    tagged = _Z_I.search(text) or _TAGGED.search(text)
    if tagged is not None:
        return Code(candidates=_spellings(tagged.group(1)))
    if _PLAIN.fullmatch(text):
        return Code(candidates=_bare(text))
    return Code(candidates=tuple(dict.fromkeys(_inside(text))))


def _address(text: str) -> Code | None:
    """A URL: our own label, or a maker's that carries an id in its query, path or fragment."""
    if not re.match(r"https?://", text, re.IGNORECASE):
        return None
    try:
        parts = urlsplit(text)
        query = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
    except ValueError:
        return Code(candidates=())
    code = query.get("code", "")
    if parts.path.rstrip("/").endswith("/install") and _PLAIN.fullmatch(code):
        return Code(candidates=_bare(code), own=True)
    named = [query[key].strip() for key in _OWN_KEYS if key in query]
    found = [one for value in named if _PLAIN.fullmatch(value) for one in _bare(value)]
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    rest = list(_inside(" ".join((unquote(parts.query), last, unquote(parts.fragment)))))
    return Code(candidates=tuple(dict.fromkeys([*found, *rest])))


def _bare(text: str) -> tuple[str, ...]:
    """An id by itself: as it stands, and in the spelling that its bridge uses."""
    long = _HEX16.fullmatch(text)
    spellings = _spellings(long.group(1)) if long else ()
    return tuple(dict.fromkeys((text, *spellings, *(_inside(text) if not long else ()))))


def _inside(text: str) -> list[str]:
    """Ids within a longer text: 64-bit addresses, MAC addresses, and IMEIs whose sum is right."""
    found: list[str] = []
    for pattern in (_HEX16, _SPACED):
        for hit in pattern.finditer(text):
            found += _spellings(re.sub(r"[:\s-]", "", hit.group(1)))
    found += [hit.group(1) for hit in _DIGITS15.finditer(text) if is_imei(hit.group(1))]
    for hit in _MAC.finditer(text):
        mac = re.sub("[:-]", "", hit.group(1))
        found += [mac.upper(), mac.lower()]
    return found


def _spellings(digits: str) -> tuple[str, ...]:
    """A 64-bit address as Zigbee2MQTT writes it (`0x00…`), and as LoRaWAN servers do."""
    lower = digits.lower()
    return (f"0x{lower}", lower, digits.upper())


def is_imei(digits: str) -> bool:
    """Fifteen digits whose last is the Luhn check of the others (3GPP TS 23.003, annex B)."""
    if len(digits) != 15 or not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, sign in enumerate(digits):
        value = int(sign) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
