"""The installation's own device mappings: read from their folder at start, and when looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.logging import get_logger
from core.services import Services
from devices import registry
from devices.family import DeviceFamily
from devices.mapping.loading import MAX_FILE, Loaded, load
from devices.mapping.problem import Problem

log = get_logger("mappings")

BANNER = "mapping_broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What lies in the folder: file → what was made of it, in the order of their names."""

    files: dict[str, Loaded]

    @property
    def families(self) -> tuple[DeviceFamily, ...]:
        return tuple(one.family for one in self.files.values() if one.family is not None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for one in self.files.values() for problem in one.problems)


def read_own(folder: str) -> Own:
    """Every `*.toml` of the folder; "" means that there is none. Never raises.

    Of two files that claim the same name or topics the first one, by its name, has them.
    """
    if not folder:
        return Own(files={})
    try:
        paths = sorted(one for one in Path(folder).iterdir() if one.suffix == ".toml")
    except OSError as error:
        return Own(files={folder: unreadable(folder, error)})
    files: dict[str, Loaded] = {}
    known = list(registry.built_in().values())
    for path in paths:
        file = str(path)
        files[file] = read_file(path, known)
        known += [one] if (one := files[file].family) else []
    return Own(files=files)


def read_file(path: Path, others: list[DeviceFamily]) -> Loaded:
    """One mapping. Never raises."""
    try:
        with path.open("rb") as file:
            text = file.read(4 * MAX_FILE).decode()
    except OSError as error:
        return unreadable(str(path), error)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _wrong(str(path), line, "is not UTF-8 text")
    return load(text, str(path), others)


def unreadable(path: str, error: OSError) -> Loaded:
    return _wrong(path, 0, f"cannot be read: {error.strerror}")


def _wrong(file: str, line: int, text: str) -> Loaded:
    return Loaded(problems=(Problem(file=file, line=line, where="", text=text),))


def install_mappings(services: Services) -> None:
    """Know the installation's own families. A broken file costs its own devices, and no others.

    What those devices say is still received, and set aside where people see it
    (`registry.NOT_UNDERSTOOD`).
    """
    own = read_own(services.settings.mappings)
    registry.use_own(own.families)
    services.health.banners.pop(BANNER, None)
    for problem in own.problems:
        log.error("mapping left out", place=problem.place, problem=problem.what)
    if own.problems:
        places = dict.fromkeys(problem.place for problem in own.problems)
        services.health.banners[BANNER] = ", ".join(list(places)[:5])
