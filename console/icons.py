"""The signs of the pages: one drawn file, each used by name."""

from __future__ import annotations

from markupsafe import Markup

from alerting.finding import SEVERITY_OF_KIND

_OF_KIND = {
    "sos": "sos",
    "fall": "fall",
    "smoke": "smoke",
    "heat": "heat",
    "gas": "gas",
    "no_water_use": "water",
    "tap_left_on": "water",
    "leak": "water",
    "no_power_use": "power",
    "power_outage": "power",
    "vitals": "heart",
    "out_of_bed": "bed",
    "left_home": "door",
    "unsupervised": "question",
    "battery_low": "battery",
}


def icon(name: str) -> Markup:
    """A sign beside words that say the same; screen readers pass over it."""
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false">'
        '<use href="/static/icons.svg#{}"></use></svg>'
    ).format(name)


def icon_of_kind(kind: str) -> str:
    """The sign of an incident's kind; technical ones without a picture share the wrench."""
    return _OF_KIND.get(kind, "wrench" if kind in SEVERITY_OF_KIND else "question")
