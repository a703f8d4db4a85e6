"""Scripts and style: whole, small, from here, and asked for once."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

import console
from console.assets import assets
from tests.console.support import reader
from tests.support.world import World

STATIC = Path(console.__file__).parent / "static"
DESK_BUDGET = 100_000
"""Bytes that the desk loads, as they travel (compressed), without fonts."""

ROW = re.compile(r"^\| `(?P<file>[^`]+)` \|.*`(?P<sha>[0-9a-f]{64})`", re.M)


def test_vendored_files_are_the_ones_in_the_table_and_there_are_no_others() -> None:
    table = (STATIC / "vendor" / "LICENSES.md").read_text("utf-8")
    listed = {match["file"]: match["sha"] for match in ROW.finditer(table)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor").iterdir()
        if path.name != "LICENSES.md"
    }
    assert listed == found


def test_our_own_scripts_stay_short_enough_to_read() -> None:
    for path in STATIC.glob("*.js"):
        assert len(path.read_text("utf-8").splitlines()) < 250, path.name


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in [*STATIC.glob("*.js"), *STATIC.glob("*.css")]:
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", path.read_text("utf-8")), path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_page_of_the_rest_interface_brings_its_own_files(world: World) -> None:
    nobody = reader(world)
    page = (await nobody.http.get("/docs")).text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) == 3
    for file in files:
        assert (await nobody.http.get(file)).status_code == 200, file


def test_every_sign_that_pages_use_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    templates = (STATIC.parent / "templates").glob("*.html")
    text = "\n".join(path.read_text("utf-8") for path in templates)
    used = set(re.findall(r"""\bicon\(["']([a-z-]+)["']\)""", text))
    used |= set(re.findall(r"icons\.svg#([a-z-]+)", text))
    from console.icons import _OF_KIND

    assert used | set(_OF_KIND.values()) | {"wrench", "question"} <= drawn


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_is_sent_once_and_then_only_confirmed(world: World) -> None:
    nobody = reader(world)
    first = await nobody.http.get("/static/console.css")
    assert first.headers["content-type"].startswith("text/css")
    again = await nobody.http.get(
        "/static/console.css", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["nothing.js", "../app.py", "%2e%2e/app.py", "vendor", ""])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_files_of_the_folder_are_served(world: World, path: str) -> None:
    assert (await reader(world).http.get(f"/static/{path}")).status_code == 404


def test_compressed_files_are_the_same_files() -> None:
    for name, asset in assets().items():
        assert gzip.decompress(asset.zipped) == asset.body, name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_desk_with_forty_incidents_weighs_less_than_100_kb(world: World) -> None:
    for number in range(40):
        elder = await world.elder(f"老人{number}", contacts=0)
        await world.event(await world.button(elder, f"btn-{number}"), "sos")
    desk = reader(world, await world.sign_in("wang"))
    html = await desk.open("/desk")
    assert html.count('class="row ') == 40
    scripts = {"clock.js", "ticker.js", "live.js", "queue.js", "sound.js", "link.js", "keys.js"}
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', html))
    paths = {"/desk"} | named | {f"/static/{name}" for name in scripts}
    total = 0
    for path in paths:
        total += int((await desk.http.get(path)).headers["content-length"])
    assert total < DESK_BUDGET, total
