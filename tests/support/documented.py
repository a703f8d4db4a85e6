"""Whatever a story is answered over REST, the OpenAPI document has it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import httpx

ALWAYS = frozenset({400, 405, 413, 415, 429, 500, 503})
"""What any request may come to, whatever it is about: no JSON, too much of it, a database away."""


class Operation(NamedTuple):
    """What the document says of one path and method."""

    name: str
    pattern: re.Pattern[str]
    answers: frozenset[int]


_known: dict[str, list[Operation]] = {}


def check_documented(client: httpx.AsyncClient, method: str, answer: httpx.Response) -> None:
    """Fail for an answer that the operation does not document."""
    if not _known:
        _learn(client)
    path = answer.request.url.path
    found = next((one for one in _known.get(method, ()) if one.pattern.fullmatch(path)), None)
    if found is None or answer.status_code in ALWAYS:
        return
    assert answer.status_code in found.answers, (
        f"{found.name} answered {answer.status_code}, and documents {sorted(found.answers)}"
    )


def _learn(client: httpx.AsyncClient) -> None:
    """From the first app that is asked: every app has the same. Plain paths stand before others."""
    app: Any = getattr(client._transport, "app", None)
    paths: dict[str, Any] = app.openapi()["paths"]
    for path in sorted(paths, key=lambda one: one.count("{")):
        pattern = re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)))
        for method, operation in paths[path].items():
            answers = frozenset(int(code) for code in operation["responses"])
            found = Operation(f"{method.upper()} {path}", pattern, answers)
            _known.setdefault(method.upper(), []).append(found)
