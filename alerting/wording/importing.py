"""What an import says of a file, a column or a cell: why it cannot be, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerting.wording.words import ROLE, look_up, pick

FIELD: dict[str, tuple[str, str]] = {
    "id": ("设备编号", "device id"),
    "family": ("类型", "family"),
    "source": ("接入源", "source"),
    "child_id": ("设备地址", "child id"),
    "role": ("用途", "role"),
    "elder": ("老人", "elder"),
    "phone": ("老人电话", "phone"),
    "home": ("住户", "home"),
    "room": ("房间", "room"),
    "model": ("型号", "model"),
    "vendor": ("厂家", "vendor"),
    "active": ("在用", "in service"),
}
SHEET: dict[str, tuple[str, str]] = {
    "too_big": ("文件超过 {mib} MiB，请分成几份", "more than {mib} MiB: split the file"),
    "empty": (
        "文件里没有设备：第一行写标题，从第二行起每行一台设备",
        "there is no device in it: headings first, then one device a row",
    ),
    "old_excel": (
        "这是旧版 .xls 或加了密码的文件，请去掉密码，另存为 .xlsx 或 CSV",
        "an old .xls, or a file with a password: save it as .xlsx or CSV without one",
    ),
    "bomb": (
        "文件解压后过大，请只保留设备表再另存",
        "it unpacks to far too much: keep only the table of devices",
    ),
    "broken": (
        "文件已损坏，无法读取；请用 Excel 或 WPS 打开后另存为 .xlsx",
        "it is damaged: open it in a spreadsheet program and save it as .xlsx",
    ),
    "not_a_table": (
        "不是 XLSX，也不是文本（UTF-8 或 GBK）的 CSV",
        "neither XLSX nor a CSV in UTF-8 or GBK",
    ),
    "too_many_rows": ("超过 {most} 行，请分成几份", "more than {most} rows: split the file"),
    "heading_missing": (
        "第一行缺少标题：{missing}；读到的是：{found}",
        "the first row lacks these headings: {missing}; it has: {found}",
    ),
    "heading_twice": (
        "“{first}”和“{second}”是同一列，请删去一列",
        "“{first}” and “{second}” mean the same: leave one out",
    ),
}
CELL: dict[str, tuple[str, str, str, str]] = {  # why, what is right: in Chinese, in English
    "missing": ("没有填写", "请填写", "is empty", "please fill it in"),
    "missing_role": (
        "没有填写",
        "下列之一：{roles}",
        "is empty",
        "one of: {roles}",
    ),
    "missing_source": (
        "这类设备要经接入源",
        "填写接入源的名称或编号；直连设备类型填“直连”",
        "such a device speaks through a source",
        "the source's name or id; family “native” for a device that speaks for itself",
    ),
    "missing_child_id": (
        "没有设备地址就认不出它的消息",
        "填写它在接入源里的地址，如 0x00158d0000000001 或 IMEI",
        "without it none of its messages is recognised",
        "its id inside the source, such as 0x00158d0000000001 or an IMEI",
    ),
    "bad_id": (
        "有不能用的字符，或超过 64 个",
        "字母、数字和 . _ -，例如 smoke-0301",
        "has characters that cannot be used, or more than 64",
        "letters, digits and . _ - such as smoke-0301",
    ),
    "unknown_role": (
        "没有这种用途",
        "下列之一：{roles}",
        "is no role",
        "one of: {roles}",
    ),
    "unknown_family": (
        "没有这种类型",
        "下列之一：{families}",
        "is no family",
        "one of: {families}",
    ),
    "other_family": (
        "与接入源的类型不符",
        "这个接入源的类型是 {family}",
        "is not the family of the source",
        "the source's family is {family}",
    ),
    "native_source": (
        "直连设备没有接入源",
        "留空",
        "a native device has no source",
        "leave it empty",
    ),
    "native_child": (
        "直连设备的地址就是编号",
        "留空",
        "a native device is its own child",
        "leave it empty",
    ),
    "unknown_source": (
        "没有这个接入源，或不在您的辖区",
        "下列之一：{names}",
        "there is no such source, or it is outside your area",
        "one of: {names}",
    ),
    "many_sources": (
        "有几个同名的接入源",
        "改填编号：{ids}",
        "several sources have this name",
        "one of their ids: {ids}",
    ),
    "unknown_elder": (
        "没有这位老人，或不在您的辖区",
        "姓名须与档案一致，或填老人编号",
        "there is no such elder, or they live outside your area",
        "the name as in their file, or their id",
    ),
    "elder_differs": (
        "有这个姓名，但电话或住址对不上",
        "档案里的住址：{places}",
        "somebody has this name, with another telephone or address",
        "the address as in their file: {places}",
    ),
    "many_elders": (
        "有几位同名的老人",
        "加填老人电话或住户以区分：{places}",
        "several elders have this name",
        "add the phone or the home to tell them apart: {places}",
    ),
    "unknown_home": (
        "没有这个住户，或不在您的辖区",
        "住址须与档案完全一致，或填住户编号",
        "there is no such home, or it is outside your area",
        "the address exactly as in its file, or its id",
    ),
    "many_homes": (
        "有几个同样住址的住户",
        "改填编号：{ids}",
        "several homes have this address",
        "one of their ids: {ids}",
    ),
    "rounded": (
        "数字太长，表格软件已改掉末尾几位",
        "把这一列设为“文本”格式，再重新填写完整的号码",
        "the number is so long that the spreadsheet program changed its last digits",
        "format the column as text and type the whole number again",
    ),
    "not_text": (
        "是计算出来的数值，不是编号",
        "把这一列设为“文本”格式，再填写编号",
        "is a calculated value, not an id",
        "format the column as text and type the id",
    ),
    "a_date": (
        "被表格软件当成了日期",
        "把这一列设为“文本”格式，再重新填写",
        "was made a date by the spreadsheet program",
        "format the column as text and type it again",
    ),
    "excel_error": (
        "是出错的公式",
        "填写文字，不用公式",
        "is a formula that failed",
        "a text, not a formula",
    ),
    "unreadable": (
        "含有无法保存的字符",
        "重新输入，不要从网页粘贴",
        "has characters that cannot be stored",
        "type it instead of pasting it",
    ),
    "too_long": ("太长", "缩短", "is too long", "something shorter"),
    "twice": (
        "与第 {row} 行重复",
        "每台设备只写一行",
        "stands in row {row} already",
        "one row a device",
    ),
    "child_taken": (
        "这个地址已登记为设备 {device}",
        "更换设备请到该设备页面选“更换”",
        "is registered as device {device}",
        "to replace a device use “Replace” on its page",
    ),
    "id_taken": (
        "这个编号已被别处使用",
        "换一个编号",
        "this id is in use elsewhere",
        "another id",
    ),
    "registered_otherwise": (
        "已登记，但不一样：{differs}",
        "导入不改已有设备；请到设备页面修改",
        "is registered with another {differs}",
        "an import changes nothing that exists; use the device's page",
    ),
    "refused": (
        "未能登记：{why}",
        "更正后再导入一次",
        "refused: {why}",
        "correct it, import again",
    ),
}
VERDICT: dict[str, tuple[str, str]] = {
    "new": ("可导入", "will be imported"),
    "imported": ("已导入", "imported"),
    "there": ("已存在", "already there"),
    "wrong": ("有误", "cannot be imported"),
    "example": ("示例，跳过", "an example, skipped"),
}


def sheet_text(problem: str, values: Mapping[str, Any], lang: str) -> str:
    """Why a whole file cannot be used."""
    return pick(SHEET[problem], lang).format_map(_told(values, lang))


def cell_texts(code: str, values: Mapping[str, Any], lang: str) -> tuple[str, str]:
    """Why a cell cannot be used, and what would be right there."""
    texts = CELL[code][2:] if lang == "en" else CELL[code][:2]
    told = _told(values, lang)
    return texts[0].format_map(told), texts[1].format_map(told)


def field_text(name: str, lang: str) -> str:
    return look_up(FIELD, name, lang)


def verdict_text(verdict: str, lang: str) -> str:
    return look_up(VERDICT, verdict, lang)


def _told(values: Mapping[str, Any], lang: str) -> dict[str, str]:
    """Lists as words: roles by their names, fields by what they are called."""
    comma = ", " if lang == "en" else "、"
    told = {}
    for name, value in values.items():
        if name == "roles":
            words = [look_up(ROLE, role, lang) for role in value]
        elif name == "differs":
            words = [field_text(one, lang) for one in value]
        else:
            words = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        told[name] = comma.join(words) or "—"
    return told
