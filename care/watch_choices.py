"""What a watch rule may say: its parameters, their values, and which of two is the tighter. Pure.

The detectors of `alerting` know what the values mean; a test holds the two lists together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput

PRESETS: dict[str, tuple[str, ...]] = {
    "no_water_use": (
        "adaptive-tight",  # an incident at the home's own limit
        "adaptive",  # a question at that limit, an incident at the wider one
        "adaptive-quiet",
        "fixed-12h-24h-10l",
        "fixed-12h-10l",
        "fixed-24h-10l",
        "off",
    ),
    "tap_left_on": ("on", "off"),
    "leak": ("on", "off"),
    "no_power_use": ("fixed-24h", "fixed-36h", "off"),
}
"""Rule → what its `preset` may be, the tightest first."""

NUMBERS: dict[tuple[str, str], tuple[float, float]] = {("leak", "day_m3"): (0.5, 20.0)}
"""(Rule, parameter) → least and most; the smaller is the tighter."""

DEFAULTS: dict[tuple[str, str], Any] = {
    ("no_water_use", "preset"): "fixed-12h-24h-10l",
    ("tap_left_on", "preset"): "on",
    ("leak", "preset"): "on",
    ("leak", "day_m3"): 2.0,
    ("no_power_use", "preset"): "off",
}
"""(Rule, parameter) → what holds where nobody says anything."""

RULES_OF_ROLE: dict[str, tuple[str, ...]] = {
    "water_meter": ("no_water_use", "tap_left_on", "leak"),
    "electricity_meter": ("no_power_use",),
    "plug": ("no_power_use",),
    "leak_sensor": ("leak",),
}
"""Which of them a device is told: welfare only, nothing that life safety listens to."""

_STILLNESS = {"water_meter": "no_water_use", "electricity_meter": "no_power_use"}
"""Role → the rule by which it notices that nothing is used. A plug sees one appliance only."""


def checked_rules(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What somebody wrote, if every word of it is known.

    Raises `InvalidInput` that names the field (`rules.no_water_use.preset`) and the choices.
    """
    if not raw:
        raise InvalidInput("rules", f"names none of {', '.join(PRESETS)}")
    return {name: _checked(name, parameters) for name, parameters in raw.items()}


def tighter_of(name: str, parameter: str, one: Any, other: Any) -> Any:
    """Whichever of two values of a parameter notices sooner; `one` when they are alike."""
    presets = PRESETS.get(name, ())
    if parameter == "preset" and one in presets and other in presets:
        return min(one, other, key=presets.index)
    return min(one, other) if (name, parameter) in NUMBERS else one


def for_role(rules: Mapping[str, Mapping[str, Any]], role: str | None) -> dict[str, Any]:
    """Those of a home's rules that a device of this role follows."""
    wanted = RULES_OF_ROLE.get(role or "", ())
    return {name: dict(rules[name]) for name in wanted if name in rules}


def notices_stillness(role: str | None, rules: Mapping[str, Any]) -> bool:
    """Whether a device of this role, under the rules in force, finds that a home has gone quiet."""
    name = _STILLNESS.get(role or "")
    if name is None:
        return False
    rule = rules.get(name)
    given = rule.get("preset") if isinstance(rule, Mapping) else None
    return bool((DEFAULTS[name, "preset"] if given is None else given) != "off")


def _checked(name: str, parameters: Any) -> dict[str, Any]:
    field = f"rules.{name}"
    if name not in PRESETS:
        raise InvalidInput(field, f"there is no such rule; there are {', '.join(PRESETS)}")
    if not isinstance(parameters, Mapping) or not parameters:
        raise InvalidInput(field, f"names at least one of {', '.join(_known(name))}")
    return {key: _value(name, key, value) for key, value in parameters.items()}


def _value(name: str, key: str, value: Any) -> Any:
    field = f"rules.{name}.{key}"
    if key == "preset":
        if value not in PRESETS[name]:
            raise InvalidInput(field, f"{value!r} is none of {', '.join(PRESETS[name])}")
        return value
    if (name, key) not in NUMBERS:
        raise InvalidInput(
            field, f"there is no such parameter; there are {', '.join(_known(name))}"
        )
    least, most = NUMBERS[name, key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and least <= value <= most):  # NaN neither
        raise InvalidInput(field, f"must be a number from {least:g} to {most:g}")
    return value


def _known(name: str) -> list[str]:
    return ["preset", *(key for rule, key in NUMBERS if rule == name)]
