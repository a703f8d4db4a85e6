"""What may be set for one elder: limits of vital signs, the night, how far is too far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from core.errors import InvalidInput

MEASURABLE: dict[str, tuple[float, float]] = {
    "heart_rate": (20, 250),
    "spo2": (50, 100),
    "systolic": (50, 280),
    "diastolic": (20, 180),
    "temperature": (30, 45),
}
"""Vital sign → what a sensor for people can show, in the register's unit. Anything else is no
measurement, and no limit either."""

FENCE_M = (50, 100_000)


def a_number(value: Any) -> Any:
    """A JSON number; text and booleans are not taken for one."""
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    low, high = pair
    if not low < high:
        raise ValueError("the lower limit must be below the upper one")
    return pair


def _within(register: str) -> AfterValidator:
    least, most = MEASURABLE[register]

    def check(pair: tuple[float, float]) -> tuple[float, float]:
        if not all(math.isfinite(limit) and least <= limit <= most for limit in pair):
            raise ValueError(f"must lie between {least:g} and {most:g}")
        return pair

    return AfterValidator(check)


_Number = Annotated[float, BeforeValidator(a_number)]
_Pair = tuple[_Number, _Number]
_Minutes = Annotated[int, BeforeValidator(a_number), Field(ge=1, le=24 * 60)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""`HH:MM` in the home's zone."""


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class VitalsLimits(_Rule):
    """`[low, high]` in the register's unit; a measurement outside them is a finding."""

    heart_rate: Annotated[_Pair, _within("heart_rate"), AfterValidator(_rising)] | None = None
    spo2: Annotated[_Pair, _within("spo2"), AfterValidator(_rising)] | None = None
    systolic: Annotated[_Pair, _within("systolic"), AfterValidator(_rising)] | None = None
    diastolic: Annotated[_Pair, _within("diastolic"), AfterValidator(_rising)] | None = None
    temperature: Annotated[_Pair, _within("temperature"), AfterValidator(_rising)] | None = None
    confirm_within_min: _Minutes | None = None  # the second measurement that confirms the first


class Night(_Rule):
    """Hours in the home's zone; over midnight when `until` is the earlier. Both or neither."""

    from_: Annotated[TimeOfDay | None, Field(alias="from")] = None
    until: TimeOfDay | None = None
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class OutOfBedRule(Night):
    enabled: bool | None = None
    minutes: _Minutes | None = None  # out for longer than this at night


class LeftHomeRule(Night):
    """When leaving home is watched: always, at night only, or never."""

    when: Literal["always", "night", "off"] | None = None


class ElderRules(_Rule):
    """`elders.rules`: whatever is missing has its default, see `docs/devices.md`."""

    vitals: VitalsLimits | None = None
    out_of_bed: OutOfBedRule | None = None
    left_home: LeftHomeRule | None = None

    def stored(self) -> dict[str, Any]:
        """As JSON, without what was left to the default."""
        rules = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: rule for name, rule in rules.items() if rule}


def elder_rules(raw: Mapping[str, Any]) -> ElderRules:
    """Check what somebody typed; raises `InvalidInput` naming the field, as `vitals.spo2`."""
    try:
        return ElderRules.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        problem = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(field or "rules", problem) from error
