"""Small mappings for tests, and what a message means by them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices.event import Decoded, Message
from devices.family import DeviceFamily, SourceView
from devices.mapping.loading import load

NOW = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)
TOP = """\
name = "test"
title_zh = "测试"
title_en = "Test"
prefix = "t"
topics = ["{prefix}/{device}/state"]
"""


def text_of(fields: str, *, top: str = TOP, sample: str = '{"seen": 1}') -> str:
    """A mapping of those fields that also takes `seen` for a sign of life."""
    return (
        f"{top}\n{fields}\n[[fields]]\npath = 'seen'\nvalues = {{ '*' = 'nothing' }}\n"
        f"[[samples]]\ntopic = 't/d1/state'\npayload = '{sample}'\nmeans = ['heard']\n"
    )


def family_of(text: str) -> DeviceFamily:
    loaded = load(text, "test.toml")
    assert loaded.family is not None, [str(problem) for problem in loaded.problems]
    return loaded.family


def made(fields: str, *, top: str = TOP) -> DeviceFamily:
    return family_of(text_of(fields, top=top))


def message(payload: Any, *, topic: str = "t/d1/state", retained: bool = False) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic=topic, payload=raw, received_at=NOW, retained=retained)


def view(role: str | None = None, zone: str = "Asia/Shanghai") -> SourceView:
    roles = {"d1": role} if role else {}
    return SourceView(prefix="t", zone=ZoneInfo(zone), roles=roles)


def says(
    family: DeviceFamily,
    payload: Any,
    *,
    topic: str = "t/d1/state",
    role: str | None = None,
    retained: bool = False,
) -> Decoded:
    return family.decode(message(payload, topic=topic, retained=retained), view(role))
