"""Products that IoT platforms hand on as they came: one small decoder each, whatever the platform.

A platform tells neither maker nor model; a product is known by the fields that it alone sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.event import DeviceEvent, Reading
from devices.family import SourceView
from devices.products import lian, nbwatch, thing_model, wanlin
from devices.vocabulary import Speaker

_BY_FIELD = {"Alarm_Status": lian.read, "devState": wanlin.read, "MessageType": nbwatch.read}


def read(
    fields: Mapping[str, Any],
    who: Speaker,
    source: SourceView,
    faults: list[str],
    *,
    own_words: bool = True,
) -> tuple[list[DeviceEvent], list[Reading]]:
    """Events and readings of one report; reasons for what could not be read in `faults`.

    `own_words`: numbers under names that nobody knows are kept as registers of that name.
    """
    for field, product in _BY_FIELD.items():
        if field in fields:
            return product(fields, who, source, faults)
    return thing_model.read(fields, who, faults, own_words=own_words)
