"""Limits of one elder: vital signs, nights out of bed, the fence around home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerting.detectors import bed, fence, vitals
from alerting.detectors.hours import NIGHT
from care.limits import FENCE_M, MEASURABLE, ElderRules, elder_rules
from console.texts import Words
from core.errors import InvalidInput

WHEN = ("always", "night", "off")
DEFAULTS: dict[str, Any] = {
    "vitals": vitals.DEFAULT_LIMITS,
    "confirm_within_min": vitals.CONFIRM_WITHIN_MIN,
    "minutes": bed.DEFAULT_MINUTES,
    "from": f"{NIGHT.start // 60:02}:{NIGHT.start % 60:02}",
    "until": f"{NIGHT.until // 60:02}:{NIGHT.until % 60:02}",
    "fence_m": fence.DEFAULT_FENCE_M,
}
"""What holds for an elder of whom nothing is set: shown in the empty fields."""


def form_values() -> dict[str, Any]:
    """What the form on an elder's page needs beside the elder and their home."""
    return {"defaults": DEFAULTS, "measurable": MEASURABLE, "whens": WHEN, "fence_range": FENCE_M}


def rules_of(fields: Mapping[str, str]) -> ElderRules:
    """The rules that a filled-in form means; raises `InvalidInput` naming the field."""
    measured = {register: _pair(fields, register) for register in MEASURABLE}
    rules: dict[str, Any] = {
        "vitals": {
            **{name: pair for name, pair in measured.items() if pair is not None},
            "confirm_within_min": _whole(fields, "confirm_within_min"),
        },
        "out_of_bed": {
            "enabled": False if fields.get("bed") == "off" else None,
            "minutes": _whole(fields, "minutes"),
            "from": fields.get("bed_from") or None,
            "until": fields.get("bed_until") or None,
        },
        "left_home": {
            "when": fields.get("when") or None,
            "from": fields.get("away_from") or None,
            "until": fields.get("away_until") or None,
        },
    }
    return elder_rules(rules)


def _pair(fields: Mapping[str, str], register: str) -> tuple[float, float] | None:
    """Both limits of a vital sign; one left empty is the default's."""
    low, high = (_number(fields, f"{register}_{side}") for side in ("low", "high"))
    if low is None and high is None:
        return None
    usual_low, usual_high = vitals.DEFAULT_LIMITS[register]
    return usual_low if low is None else low, usual_high if high is None else high


def place_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Where the home is and how wide its fence; raises `InvalidInput` naming the field."""
    latitude, longitude = _number(fields, "latitude"), _number(fields, "longitude")
    fence_m = _whole(fields, "fence_m")
    if latitude is not None and not -90 <= latitude <= 90:
        raise InvalidInput("latitude", "range")
    if longitude is not None and not -180 <= longitude <= 180:
        raise InvalidInput("longitude", "range")
    if fence_m is not None and not FENCE_M[0] <= fence_m <= FENCE_M[1]:
        raise InvalidInput("fence_m", "range")
    return {"latitude": latitude, "longitude": longitude, "fence_m": fence_m}


def _number(fields: Mapping[str, str], name: str) -> float | None:
    text = fields.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise InvalidInput(name, "number") from error
    if not abs(number) < 1e6:  # NaN too
        raise InvalidInput(name, "number")
    return number


def _whole(fields: Mapping[str, str], name: str) -> int | None:
    number = _number(fields, name)
    if number is not None and number != int(number):
        raise InvalidInput(name, "number")
    return None if number is None else int(number)


_FORM_FIELDS = {
    "out_of_bed.from": "bed_from",
    "out_of_bed.until": "bed_until",
    "left_home.from": "away_from",
    "left_home.until": "away_until",
}
"""Field of an elder's rules → its name in the form, where that is another one."""


def refusal(error: InvalidInput, t: Words) -> tuple[str, str]:
    """(field of the form, what is wrong with it in words that name it)."""
    name = error.field.rpartition(".")[2]
    field = _FORM_FIELDS.get(error.field, name)
    field = f"{field}_low" if field in MEASURABLE else field
    key = f"limits.{name.removesuffix('_low').removesuffix('_high')}"
    label = t(key) if t.has(key) else error.field
    known = f"problem.{error.problem}"
    return field, label + t("list.colon") + t(known if t.has(known) else "limits.refused")
