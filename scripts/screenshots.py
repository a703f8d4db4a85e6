"""Pictures for the documents, taken from a running demo: `make screenshots`.

Starts `anju demo` in a temporary folder on free ports, makes three alarms happen, handles one of
them halfway, and photographs what a duty officer, a visitor and a daughter see meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from gateway.demo import DemoOptions, run
from simulators.homes import BRIDGE_PREFIX, demo_town

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
DESK: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
START_S, STOP_S, PATIENCE_S = 90, 15, 20.0
LARGEST = 300_000
"""Bytes of one picture: the repository keeps every version of it."""

T = TypeVar("T")


class ShotError(Exception):
    """A picture could not be taken; `str(error)` says why in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Town:
    """The running demo: where it is, and how to sign in."""

    base: str
    phone: str
    mqtt: str
    passwords: dict[str, str]


# ── the demo ──────────────────────────────────────────────────────────────────────────────────


def _demo(options: DemoOptions, log: Path) -> None:
    """In a process of its own; a file instead of the terminal makes it print plain lines."""
    with log.open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        run(options)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in sockets]


@contextlib.contextmanager
def running_demo() -> Iterator[Town]:
    """The demo's town, alive until the block ends. Raises `ShotError` when it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="anju-screenshots-"))
    log = folder / "terminal.log"
    http_port, mqtt_port, phone_port = _free_ports(3)
    options = DemoOptions(
        folder=folder, http_port=http_port, mqtt_port=mqtt_port, phone_port=phone_port
    )
    process = multiprocessing.get_context("spawn").Process(
        target=_demo, args=(options, log), name="demo"
    )
    process.start()
    try:
        until(lambda: not process.is_alive() or _is_up(log), START_S, "the demo is up")
        if not process.is_alive():
            raise ShotError(f"the demo ended at once, status {process.exitcode}")
        state = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
        yield Town(
            base=f"http://127.0.0.1:{http_port}",
            phone=f"http://127.0.0.1:{phone_port}",
            mqtt=f"mqtt://127.0.0.1:{mqtt_port}",
            passwords=state["passwords"],
        )
    finally:
        process.terminate()  # the demo stops in order on SIGTERM
        process.join(STOP_S)
        if process.is_alive():
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _is_up(log: Path) -> bool:
    """It names its addresses once the town is in the database and everybody can sign in."""
    return log.exists() and "/docs" in log.read_text(encoding="utf-8")


def until(look: Callable[[], T], within_s: float, what: str) -> T:
    """The first true value of `look`. Raises `ShotError` when none comes within `within_s`."""
    for _ in range(int(within_s / 0.2)):
        if found := look():
            return found
        time.sleep(0.2)
    raise ShotError(f"not within {within_s:g} s: {what}")


# ── people ────────────────────────────────────────────────────────────────────────────────────


class Api:
    """What people do between two pictures, over REST."""

    def __init__(self, town: Town, username: str) -> None:
        self._client = httpx.Client(base_url=f"{town.base}/api/v1", trust_env=False, timeout=20)
        form = {"username": username, "password": town.passwords[username]}
        token = self._client.post("/token", data=form).raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._client.post(path, json=body).raise_for_status().json()

    def incident(self, device_id: str) -> str:
        """The id of the device's incident, once there is one."""

        def look() -> str:
            found = self.get("/incidents?limit=100")["items"]
            return next((one["id"] for one in found if one["device_id"] == device_id), "")

        return until(look, PATIENCE_S, f"an incident of {device_id}")

    def user(self, username: str) -> str:
        people = self.get("/users?limit=100")["items"]
        return str(next(one["id"] for one in people if one["username"] == username))


def sign_in(browser: Browser, town: Town, username: str, *, size: Any, language: str) -> Page:
    """A browser of one's own with somebody signed in."""
    context = browser.new_context(base_url=town.base, viewport=size, locale="zh-CN")
    cookie: Any = {"name": "anju_language", "value": language, "url": town.base}
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto("/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", town.passwords[username])
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"/(desk|my)"))
    return page


def shoot(page: Page, name: str, *, full: bool = False) -> None:
    """Write docs/images/`name`, after fonts and live updates have settled."""
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1500)  # the two pulses of a new row end
    path = IMAGES / name
    page.screenshot(path=path, full_page=full, animations="disabled")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}  {size // 1000} kB")
    if size > LARGEST:
        raise ShotError(f"{name} has {size} bytes, more than {LARGEST}")


# ── the pictures ──────────────────────────────────────────────────────────────────────────────


def alarm(town: Town, act: str, device: str, *more: str) -> None:
    """What a device would say. A process of its own: Playwright keeps this one's event loop."""
    anju = Path(sys.executable).with_name("anju")
    command = [str(anju), "simulate", act, "--device", device, "--mqtt-url", town.mqtt, *more]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        raise ShotError(f"{device} had no answer from Anju")


def take_all(town: Town, browser: Browser) -> None:
    """From three fresh alarms to a visitor on the way."""
    officer = Api(town, "duty")
    pages = {language: open_desk(browser, town, language=language) for language in ("zh", "en")}
    for act, device in (("smoke", "demo-smoke-03"), ("fall", "demo-fall-07")):
        alarm(town, act, device)
    sos, fall = officer.incident("demo-sos-01"), officer.incident("demo-fall-07")
    officer.post(f"/incidents/{fall}/acknowledge", {})
    for name, desk in (("desk.png", pages["zh"]), ("desk.en.png", pages["en"])):
        open_case(desk, sos)
        shoot(desk, name)

    take_link(town, browser)
    officer.post(f"/incidents/{sos}/dispatch", {"visitor_id": officer.user("visitor1")})
    phone = sign_in(browser, town, "visitor1", size=PHONE, language="zh")
    phone.goto(f"/my/{sos}")
    shoot(phone, "phone.png")
    Api(town, "visitor1").post(f"/incidents/{sos}/accept", {})

    open_case(pages["zh"], sos)
    shoot(pages["zh"], "incident.png")
    open_case(pages["zh"], officer.incident("demo-water-20"))
    shoot(pages["zh"], "quiet.png")
    pages["zh"].goto("/watch")
    shoot(pages["zh"], "watch.png")
    pages["zh"].goto("/devices")
    shoot(pages["zh"], "devices.png")
    take_installation(town, browser, officer)


def take_installation(town: Town, browser: Browser, officer: Api) -> None:
    """A new detector that its bridge found is registered, tested, and seen to work."""
    spare = demo_town().spare
    source = officer.get("/sources")["items"]
    elder = officer.get("/elders?limit=1")["items"][0]
    officer.post(
        "/devices",
        {
            "id": "demo-new-smoke",
            "family": "zigbee2mqtt",
            "source_id": next(one["id"] for one in source if one["family"] == "zigbee2mqtt"),
            "child_id": spare.ieee,
            "role": "smoke_detector",
            "home_id": elder["home_id"],
            "room": "厨房",
        },
    )
    people = officer.get("/users?limit=100")["items"]
    fitter = next(one for one in people if one["id"] == elder["responsible_visitor_id"])
    phone = sign_in(browser, town, fitter["username"], size=PHONE, language="zh")
    phone.goto("/install/devices/demo-new-smoke")
    phone.get_by_role("button", name="开始测试").click()
    phone.wait_for_selector("text=现在请按测试键")
    alarm(town, "smoke", spare.name, "--bridge", BRIDGE_PREFIX)
    phone.wait_for_selector(".bench-good")
    shoot(phone, "install.png")


def open_desk(browser: Browser, town: Town, *, language: str) -> Page:
    """A desk whose sound is on; it stays so as long as the page is not left."""
    desk = sign_in(browser, town, "duty", size=DESK, language=language)
    desk.click("[data-arm]")
    return desk


def open_case(desk: Page, incident_id: str) -> None:
    desk.click(f"#row-{incident_id} a")
    desk.wait_for_selector(f"[data-case={incident_id}]")
    desk.wait_for_selector("#banners .band", state="hidden", timeout=45_000)


def take_link(town: Town, browser: Browser) -> None:
    """What a contact sees who taps the link in the message."""

    def look() -> str:
        messages = httpx.get(f"{town.phone}/messages", trust_env=False).json()
        links = (re.search(r"http\S+/a/[\w.-]+", one["text"]) for one in messages)
        return next((link.group() for link in links if link), "")

    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    page = context.new_page()
    page.goto(until(look, PATIENCE_S, "a message with a link"))
    shoot(page, "link.png")


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with one line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser to use")
    options = parser.parse_args(arguments)
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        with running_demo() as town, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            take_all(town, browser)
            browser.close()
    except (ShotError, httpx.HTTPError) as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
