"""An import, a sheet of labels and a device's page in a real browser; the page's CSP is strict."""

from __future__ import annotations

from playwright.async_api import expect

from tests.console.browsing import PHONE, Site, overflow
from tests.support.world import World

ROWS = """设备编号,类型,用途,老人,房间
b-1,直连,呼叫按钮,李演示,卧室
b 2,直连,呼叫按钮,李演示,
"""


async def test_a_list_of_buttons_becomes_devices_and_labels(world: World, site: Site) -> None:
    await world.elder()
    page = await site.page(world.admin)
    await page.goto("/devices")
    await page.get_by_role("link", name="批量导入").click()
    file = {"name": "设备.csv", "mimeType": "text/csv", "buffer": ROWS.encode("gbk")}
    await page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="检查").click()
    await expect(page.get_by_text("有不能用的字符")).to_be_visible()
    await page.get_by_role("button", name="登记这 1 台设备").click()
    await expect(page.get_by_text("只显示这一次")).to_be_visible()
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="下载结果").click()
    assert (await waiting.value).suggested_filename.endswith(".csv")

    await page.goto("/devices/labels?ids=b-1")
    drawn = page.get_by_role("img", name="b-1")
    await expect(drawn).to_be_visible()
    assert await drawn.evaluate("image => image.naturalWidth") > 0, "the code was drawn"


async def test_a_device_is_replaced_on_a_phone(world: World, site: Site) -> None:
    elder = await world.elder()
    await world.device("btn-1", "sos_button", elder_id=elder["id"], room="卧室")
    phone = await site.page(world.admin, size=PHONE)
    await phone.goto("/devices/btn-1")
    assert await overflow(phone) == 0
    await phone.locator("summary", has_text="更换设备").click()
    await phone.get_by_label("新设备编号").fill("btn-2")
    await phone.get_by_label("原因").first.fill("进水")
    box = await phone.get_by_role("button", name="更换设备").bounding_box()
    assert box is not None and box["height"] >= 48
    await phone.get_by_role("button", name="更换设备").click()
    await expect(phone.get_by_text("btn-2")).to_be_visible()
    await phone.goto("/devices/btn-2")
