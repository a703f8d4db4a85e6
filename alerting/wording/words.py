"""What things are called, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("zh", "en")

KIND: dict[str, tuple[str, str]] = {
    "sos": ("一键呼叫", "SOS call"),
    "fall": ("跌倒", "Fall"),
    "smoke": ("烟感报警", "Smoke alarm"),
    "heat": ("高温报警", "Heat alarm"),
    "gas": ("燃气报警", "Gas alarm"),
    "no_water_use": ("长时间未用水", "No water used"),
    "no_power_use": ("长时间未用电", "No electricity used"),
    "tap_left_on": ("水龙头未关", "Tap left on"),
    "leak": ("漏水", "Water leak"),
    "power_outage": ("停电", "Power outage"),
    "vitals": ("体征异常", "Vital signs"),
    "out_of_bed": ("夜间离床", "Out of bed"),
    "left_home": ("离家", "Left home"),
    "unsupervised": ("失去看护", "Nothing watches over them"),
    "device_offline": ("设备离线", "Device offline"),
    "never_online": ("设备从未上线", "Device never spoke"),
    "battery_low": ("电量低", "Battery low"),
    "tamper": ("设备被拆动", "Device tampered with"),
    "fault": ("设备故障", "Device fault"),
    "cannot_assess": ("无法判断", "Cannot assess"),
    "moved": ("设备可能已移动", "Has this device moved?"),
    "unreadable": ("收到无法识别的消息", "Unreadable message"),
}
SEVERITY: dict[str, tuple[str, str]] = {
    "life_safety": ("生命安全", "Life safety"),
    "welfare": ("关爱", "Welfare"),
    "technical": ("设备", "Technical"),
}
STAGE: dict[str, tuple[str, str]] = {
    "open": ("待接单", "Open"),
    "acknowledged": ("已接单", "Acknowledged"),
    "dispatched": ("已派单", "Dispatched"),
    "accepted": ("已接受", "Accepted"),
    "attended": ("已到达", "Attended"),
    "following_up": ("待回访", "Following up"),
    "closed": ("已结案", "Closed"),
    "cancelled": ("已取消", "Cancelled"),
}
CONDITION: dict[str, tuple[str, str]] = {
    "active": ("报警中", "active"),
    "cleared": ("设备已恢复", "cleared"),
}
OUTCOME: dict[str, tuple[str, str]] = {
    "assisted": ("已协助", "Assisted"),
    "hospital": ("送医", "Taken to hospital"),
    "false_alarm": ("误报", "False alarm"),
    "nobody_home": ("家中无人", "Nobody home"),
    "deceased": ("去世", "Deceased"),
    "other": ("其他", "Other"),
}
ROLE: dict[str, tuple[str, str]] = {
    "sos_button": ("呼叫按钮", "SOS button"),
    "fall_detector": ("跌倒探测器", "fall detector"),
    "smoke_detector": ("烟感", "smoke detector"),
    "gas_detector": ("燃气探测器", "gas detector"),
    "water_meter": ("水表", "water meter"),
    "electricity_meter": ("电表", "electricity meter"),
    "leak_sensor": ("水浸传感器", "leak sensor"),
    "door_contact": ("门磁", "door contact"),
    "motion_sensor": ("人体感应器", "motion sensor"),
    "bed_sensor": ("床垫传感器", "bed sensor"),
    "watch": ("手表", "watch"),
    "health_monitor": ("健康监测仪", "health monitor"),
    "locator": ("定位器", "locator"),
    "call_terminal": ("呼叫终端", "call terminal"),
    "plug": ("插座", "plug"),
    "gateway": ("网关", "gateway"),
}
VITAL: dict[str, tuple[str, str]] = {
    "heart_rate": ("心率", "heart rate"),
    "spo2": ("血氧", "oxygen"),
    "systolic": ("收缩压", "systolic"),
    "diastolic": ("舒张压", "diastolic"),
    "temperature": ("体温", "temperature"),
}
UNIT: dict[str, tuple[str, str]] = {"1/min": ("次/分", "a minute"), "°C": ("℃", "°C")}
STANDING: dict[str, tuple[str, str]] = {
    "silent": ("失联", "silent"),
    "bridge_lost": ("网关断开", "its bridge is gone"),
    "cannot_assess": ("读数不可用", "no usable readings"),
    "out_of_service": ("已停用", "out of service"),
    "never_spoke": ("从未上线", "never spoke"),
    "unsupervisable": ("无法监测在线", "cannot be supervised"),
    "rule_off": ("看护规则已关闭", "its rule is switched off"),
    "coarse_steps": ("计数太粗，看不出有没有人", "its counter is too coarse to tell"),
    "too_rare": ("上报太稀，看不出有没有人", "it reports too rarely to tell"),
    "learning": ("还在了解本户", "still learning the home"),
    "no_base_load": ("看不出底量，停用和停电分不清", "no base load: a rest looks like a cut"),
    "works": ("正常", "works"),
}
"""What is the matter with a device, as far as it watches over somebody."""
EXTREME: dict[str, tuple[str, str]] = {
    "extreme_weather": ("极端天气", "extreme weather"),
    "mass_outage": ("大面积失联", "many homes at once"),
}
CHANNEL: dict[str, tuple[str, str]] = {
    "webhook": ("平台推送", "webhook"),
    "sms": ("短信", "text message"),
    "call": ("电话", "phone call"),
    "email": ("邮件", "email"),
    "apprise": ("消息", "message"),
    "console": ("值班台", "duty desk"),
    "operator": ("运维人员", "operator"),
    "device": ("设备", "device"),
}
NOTICE_STATE: dict[str, tuple[str, str]] = {
    "waiting": ("待发送", "waiting"),
    "sending": ("发送中", "being sent"),
    "accepted": ("已提交", "accepted by provider"),
    "delivered": ("已送达", "delivered"),
    "answered": ("已应答", "answered"),
    "failed": ("失败", "failed"),
    "parked": ("已搁置", "parked"),
    "unseen": ("无人值守", "nobody at the desk"),
    "superseded": ("已失效", "no longer news"),
}
CALL_STATE: dict[str, tuple[str, str]] = {
    "waiting": ("待拨打", "not dialled yet"),
    "sending": ("正在拨打", "being dialled"),
    "accepted": ("已拨出，还没有结果", "dialled, no result yet"),
    "delivered": ("响过铃，没有按键应答", "it rang, no key pressed"),
    "answered": ("已按键应答", "answered by key"),
    "failed": ("没有打通", "did not get through"),
    "superseded": ("不再拨打", "not dialled any more"),
}
"""What has come of a call: a telephone that rang, or was picked up, is no answer."""
FAILURE: dict[str, tuple[str, str]] = {
    "no_answer": ("无人接听", "no answer"),
    "busy": ("忙线", "busy"),
    "failed": ("未送达", "not delivered"),
}
REGISTER: dict[str, tuple[str, str]] = {
    "water_total": ("水表读数", "water meter"),
    "water_flow": ("水流量", "water flow"),
    "energy_total": ("电表读数", "electricity meter"),
    "power": ("功率", "power"),
    "voltage": ("电压", "voltage"),
    "current": ("电流", "current"),
    "smoke_density": ("烟雾浓度", "smoke density"),
    "battery_pct": ("电量", "battery"),
    "rssi_dbm": ("信号强度", "signal strength"),
    "link_quality": ("链路质量", "link quality"),
    **VITAL,
    "temperature": ("温度", "temperature"),  # a room's as well as a body's
}
ANSWER: dict[str, tuple[str, str]] = {
    "will_go": ("我知道了，我来联系", "I know, I will get in touch"),
    "cannot": ("我联系不上", "I cannot reach them"),
}


def pick(pair: tuple[str, str] | None, lang: str, fallback: str = "") -> str:
    """The text of a pair in a language; `fallback` for words nobody translated."""
    if pair is None:
        return fallback
    return pair[1] if lang == "en" else pair[0]


def look_up(table: Mapping[str, tuple[str, str]], key: str, lang: str) -> str:
    return pick(table.get(key), lang, key)


def kind_text(kind: str, lang: str) -> str:
    return look_up(KIND, kind, lang)


def stage_text(stage: str, lang: str) -> str:
    return look_up(STAGE, stage, lang)


def severity_text(severity: str, lang: str) -> str:
    return look_up(SEVERITY, severity, lang)


def outcome_text(outcome: str, lang: str) -> str:
    return look_up(OUTCOME, outcome, lang)


def channel_text(channel: str, lang: str) -> str:
    return look_up(CHANNEL, channel, lang)


def notice_state_text(state: str, lang: str, channel: str = "") -> str:
    """How far a message got; a call is told in words of its own."""
    table = NOTICE_STATE | CALL_STATE if channel == "call" else NOTICE_STATE
    return look_up(table, state, lang)


def register_text(register: str, lang: str) -> str:
    return look_up(REGISTER, register, lang)
