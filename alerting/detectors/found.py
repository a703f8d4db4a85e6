"""How a meter's detectors put what they found."""

from __future__ import annotations

from typing import Any

from alerting.detectors.view import late_s, moment
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign


def finding(
    kind: str, sign: Sign, reason: str, facts: dict[str, Any], at: int, now: int
) -> Finding:
    """A finding of `kind` about the reading at `at`; both times in seconds since 1970."""
    return Finding(
        kind=kind,
        severity=SEVERITY_OF_KIND[kind],
        sign=sign,
        at=moment(at),
        reason=reason,
        facts=facts,
        late_s=late_s(at, now),
    )
