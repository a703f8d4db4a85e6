"""`anju devices try`: one message, with the mappings of this installation or one not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from core.clock import SystemClock
from core.errors import AnjuError
from core.settings import mappings_folder
from devices import registry
from devices.family import DeviceFamily
from devices.preview import Trial, topic_of_push, try_message
from gateway.mappings import read_file, read_own


def try_out(topic: str, payload: bytes, role: str | None, mapping: str, push: str = "") -> Trial:
    """What Anju would make of the message; `mapping` is a file or a family's name, or "", `push`
    the adapter that it came through, or "".

    Raises `AnjuError` for a mapping that is not there or wrong, and for a topic that is missing.
    """
    own = read_own(mappings_folder())
    for problem in own.problems:
        print(f"anju: left out: {problem}", file=sys.stderr)
    registry.use_own(own.families)
    topic = topic_of_push(push) if push else topic
    family = _wanted(mapping) if mapping else None
    if not topic and (family is None or not family.is_push):
        raise AnjuError("name a --topic, or with --push the adapter of an HTTP push")
    return try_message(topic, payload, role, SystemClock().now(), family)


def _wanted(mapping: str) -> DeviceFamily:
    path = Path(mapping)
    if not path.exists() and mapping in registry.FAMILIES:
        return registry.FAMILIES[mapping]
    is_installed = [one for one in registry.FAMILIES.values() if one.mapping_file == str(path)]
    if is_installed:
        return is_installed[0]
    loaded = read_file(path, list(registry.FAMILIES.values()))
    if loaded.family is None:
        raise AnjuError(f"--mapping: {loaded.problems[0]}{_more(len(loaded.problems) - 1)}")
    return loaded.family


def _more(count: int) -> str:
    return f" (and {count} more: anju devices mapping check FILE)" if count else ""


def show(trial: Trial) -> Iterator[str]:
    """The trial as lines for a person."""
    for event in trial.as_dict()["events"]:
        what = event.get("kind") or event.get("register")
        value = "" if event.get("value") is None else f" {event['value']} {event.get('unit') or ''}"
        yield f"{event['device']}: {what}{value}  ({event['confidence']}, {event['at']})"
    if trial.decoded.quarantined:
        yield f"quarantined: {trial.decoded.quarantined}"
    elif not trial.as_dict()["events"]:
        yield "understood; says nothing new"
    family = trial.family
    if family is None:
        yield "no family or mapping speaks on this topic (anju devices mapping new begins one)"
    elif family.mapping_file:
        role = f", as a {trial.role}" if trial.role else ""
        yield f"by mapping {family.name} ({family.mapping_file}), prefix {trial.prefix}{role}"
        yield from (f"  {note}" for note in trial.notes)
