"""An invented county with 40 homes; nobody in it exists.

Every person carries 演示 (demo) in the name. Every telephone is a Beijing landline whose local
number begins with 0, which no Chinese exchange assigns: `+86 10 0000 …`. Names of places are
made up. The same town is built every time, so scenarios may name its devices.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from simulators.messages import ZigbeeChild
from simulators.town import (
    DemoArea,
    DemoContact,
    DemoDevice,
    DemoElder,
    DemoHome,
    DemoMeter,
    DemoUser,
    Town,
)
from simulators.water import Household, Style

BRIDGE_PREFIX = "zigbee2mqtt"
BRIDGE_NAME = "水街社区网关（演示）"
_SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_STYLES: tuple[Style, ...] = ("early_riser", "frugal", "late_riser", "garden")
_COUPLES = frozenset({9, 18, 27})
_SPARING = frozenset({14, 20, 22, 28, 34, 36, 38})
_WITH_FALL_DETECTOR = frozenset({3, 7, 11, 19, 23, 35})
_BEHIND_BRIDGE = range(25, 33)
_NAMED_BY_HAND = frozenset({26, 30})  # installers rename devices: spaces and Unicode in topics
_KIN = (("女儿", "女士"), ("儿子", "先生"), ("儿媳", "女士"), ("外孙", "先生"))
_GROUPS = (
    ("living_alone",), ("living_alone", "disabled_adl"), ("empty_nest",), ("left_behind",),
    ("living_alone", "family_planning_special"), ("empty_nest", "dementia"), ("no_family",),
    ("living_alone", "severe_disability"),
)  # fmt: skip
_HEALTH = (
    "高血压，按时服药", "听力弱，说话要大声", "糖尿病，打胰岛素", "膝关节不好，走路慢",
    "白内障，看不清小字", "慢性支气管炎", "身体尚可", "轻度失智，容易忘事",
)  # fmt: skip
_ACCESS = (
    "钥匙在隔壁邻居家", "院门不锁，直接进", "钥匙在村委会", "门口脚垫下没有钥匙，敲窗",
    "电子门锁，村干部有密码",
)  # fmt: skip
_METERS = {
    **dict.fromkeys((14, 20, 22, 28, 34, 36, 38), DemoMeter(rule="adaptive")),
    24: DemoMeter(rule="adaptive", known_days=9),  # new: its home is still being learnt
    16: DemoMeter(rule="adaptive", every_h=12),  # reports twice a day: no rule of its own
}

_COUNTY, _NORTH, _SOUTH = "安和县（演示）", "望禾镇（演示）", "栖溪镇（演示）"
_VILLAGES = (
    ("上禾村", _NORTH, "visitor1"), ("石榴村", _NORTH, "visitor1"), ("竹园村", _NORTH, "visitor2"),
    ("水街社区", _SOUTH, "visitor3"), ("柳湾村", _SOUTH, "visitor3"),
)  # fmt: skip
_HOMES_A_VILLAGE = 8


def demo_town() -> Town:
    """The invented county: 2 towns, 5 villages, 40 homes, 43 elders."""
    villages = [DemoArea(name=name, level="village", parent=up) for name, up, _ in _VILLAGES]
    return Town(
        areas=(
            DemoArea(name=_COUNTY, level="county", parent=None),
            DemoArea(name=_NORTH, level="town", parent=_COUNTY),
            DemoArea(name=_SOUTH, level="town", parent=_COUNTY),
            *villages,
        ),
        users=(
            _user("duty", "duty_officer", "值班员小安（演示）", 1, _COUNTY),
            _user("supervisor", "supervisor", "站长老梅（演示）", 2, _COUNTY),
            _user("visitor1", "visitor", "探访员小禾（演示）", 3, _NORTH),
            _user("visitor2", "visitor", "探访员小竹（演示）", 4, _NORTH),
            _user("visitor3", "visitor", "探访员小溪（演示）", 5, _SOUTH),
        ),
        homes=tuple(_home(number) for number in range(1, len(_SURNAMES) + 1)),
        bridge_area="水街社区",
        spare=_spare_detector(),
    )


def _user(
    username: str,
    role: Literal["duty_officer", "visitor", "supervisor"],
    name: str,
    number: int,
    area: str,
) -> DemoUser:
    return DemoUser(username=username, role=role, name=name, phone=_phone(3000 + number), area=area)


def _home(number: int) -> DemoHome:
    village, _, visitor = _VILLAGES[(number - 1) // _HOMES_A_VILLAGE]
    couple = number in _COUPLES
    style: Style = "couple" if couple else _STYLES[number % len(_STYLES)]
    if number in _SPARING:
        style = "sparing"
    return DemoHome(
        number=number,
        area=village,
        address=f"{village}{number}号（演示）",
        visitor=visitor,
        elders=tuple(_elder(number, second) for second in ((False, True) if couple else (False,))),
        devices=tuple(_devices(number)),
        household=Household(seed=number, style=style),
        register_l=20_000 + number * 7_919 % 300_000,
        meter=_METERS.get(number, DemoMeter()),
    )


def _elder(number: int, second: bool) -> DemoElder:
    surname = _SURNAMES[number - 1]
    woman = (number % 3 != 0) != second
    return DemoElder(
        name=f"{surname}{'奶奶' if woman else '爷爷'}（演示）",
        birth_date=date(1932 + number * 5 % 17, number % 12 + 1, number % 28 + 1),
        phone=_phone(1000 + number + (500 if second else 0)),
        categories=("empty_nest",) if number in _COUPLES else _GROUPS[number % len(_GROUPS)],
        health=_HEALTH[(number + second) % len(_HEALTH)],
        access=_ACCESS[number % len(_ACCESS)],
        contacts=() if second else _contacts(number, surname),
    )


def _contacts(number: int, surname: str) -> tuple[DemoContact, ...]:
    """One relative and one neighbour; who has no family is watched by the village's staff."""
    neighbour_name = _SURNAMES[number % len(_SURNAMES)]
    relation, title = _KIN[number % len(_KIN)]
    if "no_family" in _GROUPS[number % len(_GROUPS)] and number not in _COUPLES:
        relation, title = "村委会联系人", "主任"
    return (
        DemoContact(
            name=f"{surname}{title}（演示）", relation=relation, phone=_phone(2000 + number), rank=1
        ),
        DemoContact(
            name=f"{neighbour_name}师傅（演示）",
            relation="邻居",
            phone=_phone(2500 + number),
            rank=2,
        ),
    )


def _devices(number: int) -> list[DemoDevice]:
    nn = f"{number:02}"
    devices = [
        DemoDevice(id=f"demo-sos-{nn}", role="sos_button", room="卧室", worn=True),
        DemoDevice(id=f"demo-water-{nn}", role="water_meter", room="院子"),
    ]
    if number in _WITH_FALL_DETECTOR:
        devices.append(
            DemoDevice(id=f"demo-fall-{nn}", role="fall_detector", room="卫生间", worn=True)
        )
    if number in _BEHIND_BRIDGE:
        devices.append(_zigbee_smoke(number))
        if number % 2 == 0:
            devices.append(_zigbee_button(number))
    elif number % 2 == 1:
        devices.append(DemoDevice(id=f"demo-smoke-{nn}", role="smoke_detector", room="厨房"))
    return devices


def _zigbee_smoke(number: int) -> DemoDevice:
    ieee = f"0x00158d00de{number:06x}"
    child = ZigbeeChild(
        ieee=ieee,
        name=f"厨房 烟感 {number}" if number in _NAMED_BY_HAND else ieee,
        vendor="Demo",
        model="DEMO-SMOKE",
        properties=("smoke", "battery_low", "battery", "linkquality"),
    )
    return DemoDevice(id=f"demo-zsmoke-{number}", role="smoke_detector", room="厨房", child=child)


def _spare_detector() -> ZigbeeChild:
    """To be registered and tested by whoever looks at the demo."""
    return ZigbeeChild(
        ieee="0x00158d00defff001",
        name="新烟感 未登记",
        vendor="Demo",
        model="DEMO-SMOKE",
        properties=("smoke", "battery_low", "battery", "linkquality"),
    )


def _zigbee_button(number: int) -> DemoDevice:
    ieee = f"0x00158d00b0{number:06x}"
    child = ZigbeeChild(
        ieee=ieee,
        name=ieee,
        vendor="Demo",
        model="DEMO-SOS",
        properties=("action", "battery", "linkquality"),
    )
    return DemoDevice(
        id=f"demo-zsos-{number}", role="sos_button", room="床头", worn=True, child=child
    )


def _phone(number: int) -> str:
    return f"+86100000{number:04}"
