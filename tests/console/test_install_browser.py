"""An installer on a ladder: a phone 390 px wide, an unknown detector, under ten taps to a pass."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.console.browsing import PHONE, Site, overflow
from tests.console.test_phone_browser import small_targets
from tests.support.world import Caller, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
DETECTOR = "0x00158d0001a2b3c4"
BRIDGE = [
    {
        "ieee_address": DETECTOR,
        "friendly_name": "新烟感",
        "type": "EndDevice",
        "supported": True,
        "definition": {
            "model": "JY-GZ-01AQ",
            "vendor": "Aqara",
            "exposes": [{"type": "binary", "name": "smoke", "property": "smoke"}],
        },
    }
]


async def street(world: World) -> Caller:
    """An installer who looks after two elders of a village with a bridge, and has a phone."""
    await world.phone_channels()
    fitter = await world.sign_in("chen", role="visitor", name="陈师傅", phone="+8613811112222")
    for name, address in (("李桂英", "桥头 3 号"), ("张福生", "村口 1 号")):
        await world.elder(name, address=address, responsible_visitor_id=fitter.id)
    await world.admin.post(
        "sources", {"name": "村网关", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    await world.hears("zigbee2mqtt/bridge/devices", BRIDGE)
    return fitter


async def says(world: World, **state: Any) -> None:
    await world.hears("zigbee2mqtt/新烟感", {"battery": 97, "linkquality": 90, **state})


def choice(page: Page, text: str) -> Locator:
    return page.locator("label.grade", has_text=text)


class Thumb:
    """Counts its taps: nothing else on the page is touched."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    async def tap(self, target: Locator) -> None:
        self.taps += 1
        await target.tap()

    async def look(self, name: str) -> None:
        """Fits the screen, and every target a thumb. With ANJU_SCREENS set, a picture is kept."""
        assert await overflow(self.page) == 0
        assert await small_targets(self.page) == []
        folder = os.environ.get("ANJU_SCREENS")
        if folder:
            await self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


async def test_an_unknown_detector_is_adopted_and_tested_in_under_ten_taps(site: Site) -> None:
    world = site.world
    fitter = await street(world)
    page = await site.page(fitter, size=PHONE, has_touch=True)
    thumb, main = Thumb(page), page.locator("main")
    await page.goto("/install")
    await expect(main).to_contain_text("最近半小时没有新设备")
    await says(world, smoke=False)  # "press the button now" names the one in the hand
    fresh = page.locator("a.is-fresh", has_text="新烟感")
    await expect(fresh).to_contain_text("刚刚收到")
    await thumb.look("1-start")
    await thumb.tap(fresh)
    await expect(page.get_by_label("用途")).to_have_value("smoke_detector")
    await thumb.tap(choice(page, "李桂英"))
    await thumb.tap(choice(page, "厨房"))
    await thumb.look("2-whose")
    await thumb.tap(page.get_by_role("button", name="登记，去测试"))
    await expect(page.locator("h1")).to_contain_text("厨房")
    await expect(main).to_contain_text("李桂英")
    await thumb.look("3-ready")
    await thumb.tap(page.get_by_role("button", name="开始测试"))
    await expect(main).to_contain_text("现在请按测试键")
    await thumb.look("4-waiting")

    world.clock.advance(seconds=65)
    await expect(main).to_contain_text("还没收到，请检查")
    await says(world, gas=True)
    await expect(main).to_contain_text("收到了别的消息")
    await thumb.look("5-slow")
    await says(world, smoke=True)
    await world.settle()
    await expect(page.locator(".bench-good")).to_contain_text("收到")
    await expect(main).to_contain_text("设备还在报警")
    await says(world, smoke=False)
    await expect(main).not_to_contain_text("设备还在报警")
    await expect(page.locator(".bench-drill")).to_contain_text("电话")
    await thumb.look("6-passed")
    assert thumb.taps == 5 < 10

    [device] = (await fitter.get("devices"))["items"]
    assert device["in_service_at"] == device["tested_at"] is not None
    assert (device["role"], device["room"], device["vendor"]) == (
        "smoke_detector",
        "厨房",
        "Aqara",
    )
    heard = world.phone.messages(to="+8613811112222")  # of the gas, too: they are hers to visit
    assert [one.kind for one in heard if "演练" in one.text] == ["call"]
    assert {one["kind"] for one in await world.incidents()} == {"gas"}, "what else it said was real"
    await thumb.tap(page.get_by_role("link", name="再装一台"))
    await expect(main).to_contain_text("最近半小时没有新设备")


async def test_a_typed_code_leads_to_a_native_device_and_its_password_once(site: Site) -> None:
    world = site.world
    fitter = await street(world)
    page = await site.page(fitter, size=PHONE, has_touch=True)
    thumb, main = Thumb(page), page.locator("main")
    await page.goto("/install?code=https://anju.test/install?code=btn-0001")
    await expect(page.get_by_label("设备编号")).to_have_value("btn-0001")
    await thumb.tap(choice(page, "张福生"))
    await page.get_by_label("用途").select_option("sos_button")
    await thumb.tap(page.get_by_role("button", name="登记，去测试"))
    await expect(page.locator("svg.qr")).to_be_visible()
    await expect(main).to_contain_text("btn-0001")
    await thumb.look("7-credentials")
    await thumb.tap(page.get_by_role("link", name="写好了，去测试"))
    await thumb.tap(page.get_by_role("button", name="开始测试"))
    await expect(main).to_contain_text("现在请按求助键")
    await thumb.tap(page.get_by_role("button", name="取消测试"))
    await expect(page.get_by_role("button", name="开始测试")).to_be_visible()
    assert await world.incidents() == []
    await page.goto("/install?code=btn-0001")
    await expect(main).to_contain_text("开始测试")
    await page.goto("/install?code=0x00158d0009999999")
    await expect(main).to_contain_text("还没有收到过它的消息")
    await thumb.look("8-not-found")


LABEL = "Z:00158D0001A2B3C4$I:83FED3407A939723A5C6"
READER = f"""
window.BarcodeDetector = class {{
  static getSupportedFormats() {{ return Promise.resolve(["qr_code"]); }}
  detect() {{ return Promise.resolve([{{ rawValue: "{LABEL}" }}]); }}
}};
"""
"""Chromium reads no codes on Linux."""

CAMERA = """
navigator.mediaDevices.getUserMedia = () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 10, 10);
  return Promise.resolve(canvas.captureStream(10));
};
"""
"""Nor has a test machine a camera."""


async def test_the_camera_reads_the_code_and_looks_for_it(site: Site) -> None:
    await street(site.world)
    fitter = site.world.admin
    await says(site.world, smoke=False)
    page = await site.page(fitter, size=PHONE, has_touch=True, permissions=["camera"])
    await page.goto("/install")
    await expect(page.get_by_role("button", name="扫描设备上的码")).to_be_hidden()
    await page.add_init_script(READER)
    await page.reload()
    await page.get_by_role("button", name="扫描设备上的码").tap()
    await expect(page.locator("main")).to_contain_text("相机打不开")
    await page.add_init_script(CAMERA)
    await page.reload()
    await page.get_by_role("button", name="扫描设备上的码").tap()
    await expect(page.locator("main")).to_contain_text("装在谁家？")
    await expect(page.locator("main")).to_contain_text("新烟感")
