"""The mappings that come with Anju: `devices/mappings/*.toml`."""

from __future__ import annotations

from functools import cache
from importlib import resources

from devices.family import DeviceFamily
from devices.mapping.loading import Loaded, load


@cache
def shipped() -> dict[str, Loaded]:
    """File → what was made of it; a broken one is the tests' to find."""
    folder = resources.files("devices") / "mappings"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    return {
        f"devices/mappings/{name}": load(
            (folder / name).read_text("utf-8"), f"devices/mappings/{name}"
        )
        for name in files
    }


def shipped_families() -> tuple[DeviceFamily, ...]:
    return tuple(one.family for one in shipped().values() if one.family is not None)
