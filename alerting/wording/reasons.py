"""Why something was decided, in words that a duty officer understands."""

from __future__ import annotations

from alerting.wording.words import look_up

REASON: dict[str, tuple[str, str]] = {
    "opened": ("新的报警", "new alarm"),
    "opened_found": ("首次连接时设备已在报警状态", "the alarm was already on when we first looked"),
    "opened_late": ("报警迟到，仍需处理", "the alarm arrived late and still needs people"),
    "joined": ("并入处理中的事件单", "joined the running incident"),
    "still_active": ("设备重复上报，状态未变", "reported again, nothing changed"),
    "again_unowned": (
        "再次报警，尚无人接单，重新通知所有人",
        "again, and nobody owns it: everybody is told again",
    ),
    "again_owned": ("再次报警，通知接单人", "again: its owner is told"),
    "again_owner_just_rung": (
        "再次报警，接单人两分钟内已被通知",
        "again, and its owner was told less than two minutes ago",
    ),
    "latched": (
        "处置后 12 小时仍未恢复，按设备故障处理",
        "still on 12 h after the outcome: treated as a fault",
    ),
    "held_after_outcome": ("处置后状态未恢复", "still on after the outcome"),
    "nothing_to_clear": ("设备报告恢复，没有对应的报警", "it ended, says the device: nothing ran"),
    "cleared_by_device": (
        "设备报告恢复；不会自动结案",
        "the device says it ended; that never closes a case",
    ),
    "another_still_on": ("另一台设备仍在报警", "another device still alarms"),
    "told_together": (
        "同步通知值班台与紧急联系人",
        "duty desk and emergency contacts are told together",
    ),
    "nobody_took_it": ("无人接单，进入下一级", "nobody took it: next step"),
    "nobody_took_it_repeat": ("仍无人接单，重复通知", "still nobody: told again"),
    "nobody_reached": (
        "这一级没有可通知的人，立即进入下一级",
        "this step reaches nobody: next step at once",
    ),
    "owner_silent": (
        "接单人两分钟内无反应，重新开始升级",
        "its owner did not react in two minutes: the ladder starts again",
    ),
    "overdue_dispatch": ("已接单但未派单", "taken, nobody sent"),
    "overdue_accept": ("已派单但未接受", "sent, not accepted"),
    "overdue_arrive": ("已接受但未到达", "accepted, not arrived"),
    "overdue_outcome": ("已到达但无结果", "arrived, no outcome"),
    "overdue_close": ("有结果但未结案", "outcome recorded, not closed"),
    "released": ("退回，重新通知", "released: told again"),
    "reopened": ("重新打开", "reopened"),
    "duty_desk": ("值班台", "duty desk"),
    "desk_unwatched": (
        "值班台无人值守，转值班电话",
        "nobody watches the desk: on-call phone instead",
    ),
    "first_contact": ("第一联系人", "first contact"),
    "emergency_contact": ("紧急联系人", "emergency contact"),
    "responsible_visitor": ("责任探访人员", "responsible visitor"),
    "assigned_visitor": ("被派人员", "assigned visitor"),
    "owner": ("接单人", "owner"),
    "on_call": ("值班电话", "on call"),
    "supervisor": ("负责人", "supervisor"),
    "operator": ("最后保障：运维人员", "last resort: operator"),
    "city_platform": ("上级平台", "city platform"),
    "channel_failed": ("上一渠道失败，改用下一渠道", "the channel before failed: next one"),
    "sender_crashed": ("发送三次中断，改用下一渠道", "sending broke off three times: next channel"),
    "stage_changed": ("处置阶段变化", "stage changed"),
    "installation_test": ("安装测试演练", "drill of an installation test"),
    "id_reused": ("同一编号、不同内容", "same id, different content"),
    "too_talkative": ("设备发送过于频繁", "the device sends far too often"),
    "silenced": ("静默期内，结束后再通知", "silenced: told when the silence ends"),
    "folded": (
        "同一接入源有多个未登记设备报警，合并显示",
        "several unknown devices of one source: shown as one",
    ),
    "unbound": ("设备尚未绑定老人或住户", "the device is bound to nobody yet"),
    "unknown_device": ("未登记的设备", "unknown device"),
    "clock_stepped": (
        "服务器时钟跳变，期限已校正",
        "this server's clock jumped; deadlines were corrected",
    ),
    "canary_late": (
        "自检消息没有按时返回，报警可能收不到",
        "the self-test message did not come back: alarms may not arrive",
    ),
    "deadlines_overdue": (
        "有事件单到期无人处理，系统可能有故障",
        "deadlines passed and Anju did not act: it may be broken",
    ),
    "urgent_stuck": (
        "紧急报警无法写入数据库",
        "urgent alarms cannot be stored in the database",
    ),
    "no_operator": (
        "未设置最后保障联系人（ANJU_OPERATOR_URL）",
        "no last resort is set (ANJU_OPERATOR_URL)",
    ),
    "mapping_broken": (
        "设备映射文件有错，相关设备的消息无法读取（运行 anju check 查看）",
        "a device mapping is broken: its devices are not understood (see anju check)",
    ),
    "device_leave": ("设备已退出网络", "the device has left its network"),
    "device_interview": (
        "配对未完成，按下不会报警",
        "pairing failed: a press would not be heard",
    ),
    "clock_fault": (
        "设备时钟错误，按收到时间处理",
        "the device's clock is wrong: time of receipt is used",
    ),
}
DOUBT: dict[str, tuple[str, str]] = {
    "register_went_back": ("表计读数倒退", "the meter's register went back"),
    "register_jumped": ("表计读数跳变", "the meter's register jumped"),
    "register_silent": (
        "表计还在通信，但读数不再上报",
        "the meter still speaks, but its register no longer comes",
    ),
    "register_stuck": (
        "老人平安，但表计读数不动，表计可能已卡住",
        "the elder was seen, yet the meter's register does not move: it may be stuck",
    ),
    "machine_like": (
        "用水等量、等间隔、昼夜不停，像是设备在用水，看不出老人起居",
        "equal uses at equal intervals, day and night: a machine's, which says nothing of people",
    ),
    "not_the_mains": ("电压、功率读数不合常理", "voltage and power that no home has"),
    "not_a_register_value": ("表计读数无效", "the meter sent what no register can show"),
}


def reason_text(reason: str | None, lang: str) -> str:
    """The words of a stored reason; an unknown one is shown as it is, never hidden."""
    return "" if not reason else look_up(REASON, reason, lang)
