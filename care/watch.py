"""How a home is watched: rules by area, tier and elder, handed down to its devices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(inherited: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """The narrower rules over the wider ones, parameter by parameter."""
    result = dict(inherited or {})
    for name, given in (own or {}).items():
        rule = given
        wider = result.get(name)
        if isinstance(wider, dict) and isinstance(rule, dict):
            rule = {**wider, **rule}
        result[name] = rule
    return result
