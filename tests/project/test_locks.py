"""Lock files: complete, hashed, in step with pyproject.toml, and tied to no host."""

from __future__ import annotations

import pytest

from scripts import locks

PROJECT = """
[project]
dependencies = ["paho-mqtt>=2.2,<3", "rich>=15; python_version > '3'"]
[project.optional-dependencies]
dev = ["pytest>=9"]
"""
HASH = "    --hash=sha256:" + "ab" * 32


def lock(**versions: str) -> str:
    return "# made by hand\n" + "".join(
        f"{package.replace('_', '-')}=={version} \\\n{HASH}\n    # via anju\n"
        for package, version in versions.items()
    )


RUNTIME = {"paho_mqtt": "2.2.1", "rich": "15.0"}
TOOLS = {tool.replace("-", "_"): "1.0" for tool in locks.BUILD_TOOLS}
DEV = {**RUNTIME, "pytest": "9.2.0", **TOOLS}


def found(
    runtime: str | None = None, dev: str | None = None, build: str | None = None
) -> list[str]:
    dev = lock(**DEV) if dev is None else dev
    tools = locks.build_lock(locks.read_pins(lock(**DEV)))
    return list(
        locks.problems(
            PROJECT,
            lock(**RUNTIME) if runtime is None else runtime,
            dev,
            tools if build is None else build,
        )
    )


def test_the_projects_own_locks_are_sound() -> None:
    assert locks.check() == []


def test_sound_locks_have_no_problems() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"runtime": lock(rich="15.0")}, "requirements.lock: lacks paho-mqtt"),
        ({"runtime": lock(paho_mqtt="3.0", rich="15.0")}, "paho-mqtt 3.0 is not <3,>=2.2"),
        ({"runtime": lock(**RUNTIME).replace(HASH, "")}, "requirements.lock: rich has no hash"),
        ({"runtime": lock(**RUNTIME) + "-i https://mirror.test\n"}, "neither a pin, a hash nor"),
        ({"runtime": lock(**RUNTIME) + "x @ https://mirror.test/x\n"}, "neither a pin, a hash"),
        ({"dev": lock(**{**DEV, "rich": "15.1"})}, "rich is not locked as in requirements.lock"),
        ({"dev": lock(**{**DEV, "pytest": "8.0"})}, "pytest 8.0 is not >=9"),
        ({"dev": lock(**{**RUNTIME, "pytest": "9.2.0"})}, "requirements-dev.lock: lacks editables"),
        ({"build": "hatchling==1.0\n"}, "is not cut out of requirements-dev.lock"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], says: str) -> None:
    problems = found(**change)
    assert any(says in line for line in problems), problems
