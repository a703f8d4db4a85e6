"""Are the lock files complete, hashed and in step with pyproject.toml? Asks no network.

`python scripts/locks.py` says what is wrong, one line each; `--write-build` cuts
requirements-build.lock, the tools that install Anju itself, out of requirements-dev.lock.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNTIME, DEV, BUILD = "requirements.lock", "requirements-dev.lock", "requirements-build.lock"
BUILD_TOOLS = (
    "editables",
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "tomlkit",
    "trove-classifiers",
)
"""hatchling with everything it needs, and what an editable installation needs besides."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_ALLOWED = re.compile(r"^(#|\s+#|\s+--hash=sha256:[0-9a-f]{64}( \\)?$|[A-Za-z0-9])|^$")
_BUILD_HEADER = """\
# Tools that install Anju itself: cut out of requirements-dev.lock by
#    python scripts/locks.py --write-build
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One locked package: its version, and the lines of the file that lock it."""

    version: str
    text: str

    @property
    def hashes(self) -> frozenset[str]:
        return frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", self.text))


def read_pins(text: str) -> dict[str, Pin]:
    """Canonical name → pin, of a lock file as uv and pip-tools write it."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if _PIN.match(line):
            blocks.append([line])
        elif blocks and line.lstrip().startswith("--hash"):
            blocks[-1].append(line)
    pins: dict[str, Pin] = {}
    for block in blocks:
        found = _PIN.match(block[0])
        assert found is not None
        name = canonicalize_name(found["name"])
        pins[name] = Pin(version=found["version"], text="\n".join(block))
    return pins


def build_lock(dev: Mapping[str, Pin]) -> str:
    """The text of requirements-build.lock."""
    # The last hash of a block may end with a backslash in front of a comment line we left out.
    blocks = [dev[name].text.rstrip(" \\") + "\n" for name in BUILD_TOOLS]
    return _BUILD_HEADER + "".join(blocks)


def problems(project: str, runtime: str, dev: str, build: str) -> Iterator[str]:
    """Everything that is wrong with the texts of pyproject.toml and the three lock files."""
    declared = tomllib.loads(project)["project"]
    pins = {RUNTIME: read_pins(runtime), DEV: read_pins(dev), BUILD: read_pins(build)}
    for name, text in ((RUNTIME, runtime), (DEV, dev), (BUILD, build)):
        yield from _unsound(name, text, pins[name])
    yield from _unmet(declared["dependencies"], RUNTIME, pins[RUNTIME])
    wanted = [*declared["dependencies"], *declared["optional-dependencies"]["dev"]]
    yield from _unmet(wanted, DEV, pins[DEV])
    for package, pin in pins[RUNTIME].items():
        other = pins[DEV].get(package)
        if other is None or (other.version, other.hashes) != (pin.version, pin.hashes):
            yield f"{DEV}: {package} is not locked as in {RUNTIME}"
    missing = [name for name in BUILD_TOOLS if name not in pins[DEV]]
    if missing:
        yield f"{DEV}: lacks {', '.join(missing)}"
    elif build != build_lock(pins[DEV]):
        yield f"{BUILD}: is not cut out of {DEV}; run python scripts/locks.py --write-build"


def _unsound(name: str, text: str, pins: Mapping[str, Pin]) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if not _ALLOWED.match(line) or "://" in line:
            yield f"{name}:{number}: neither a pin, a hash nor a comment"
    for package, pin in pins.items():
        if not pin.hashes:
            yield f"{name}: {package} has no hash"


def _unmet(declared: list[str], name: str, pins: Mapping[str, Pin]) -> Iterator[str]:
    for line in declared:
        wanted = Requirement(line)
        pin = pins.get(canonicalize_name(wanted.name))
        if pin is None:
            yield f"{name}: lacks {wanted.name}, which pyproject.toml wants"
        elif not wanted.specifier.contains(pin.version, prereleases=True):
            yield f"{name}: {wanted.name} {pin.version} is not {wanted.specifier}"


def check(root: Path = ROOT) -> list[str]:
    """The problems of the project as it lies there."""
    names = ("pyproject.toml", RUNTIME, DEV, BUILD)
    return list(problems(*((root / name).read_text("utf-8") for name in names)))


def main() -> int:
    """Exit status 0, or 1 with one line for each problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write-build", action="store_true", help=f"write {BUILD} anew")
    if parser.parse_args().write_build:
        dev = read_pins((ROOT / DEV).read_text("utf-8"))
        (ROOT / BUILD).write_text(build_lock(dev), "utf-8")
    found = check()
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
