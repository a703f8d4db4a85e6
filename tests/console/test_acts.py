"""From a press to a closed case with plain forms: no script, no shortcut."""

from __future__ import annotations

from tests.console.support import Reader, reader, words_of
from tests.support.world import Caller, World, kinds


class Town:
    """A press that waits at the desk, an officer, and a visitor who may go."""

    def __init__(self, world: World, officer: Caller, visitor: Caller, incident: str) -> None:
        self.world, self.officer_id, self.visitor_id = world, officer.id, visitor.id
        self.desk, self.phone = reader(world, officer), reader(world, visitor)
        self.path, self.task = f"/incidents/{incident}", f"/my/{incident}"

    async def stage(self) -> str:
        stage: str = (await self.world.incident())["stage"]
        return stage


async def pressed(world: World) -> Town:
    elder = await world.elder("李桂英", contacts=1)
    await world.press(await world.button(elder))
    officer = await world.sign_in("wang", name="王值班")
    visitor = await world.sign_in("chen", role="visitor", name="陈探访")
    return Town(world, officer, visitor, (await world.incident())["id"])


async def test_a_press_goes_all_the_way_to_a_closed_case_with_forms_alone(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/acknowledge")
    page = await town.desk.submit(town.path, "/dispatch", visitor_id=town.visitor_id)
    assert "派给陈探访" in words_of(page)

    task = await town.phone.open("/my")
    assert "新任务" in task and "李桂英" in task
    await town.phone.submit(town.task, "/accept")
    await town.phone.submit(town.task, "/arrive")
    await town.phone.submit(town.task, "/outcome", outcome="assisted", reason="扶起来了")

    refused = words_of(await town.desk.submit(town.path, "/close", 422))
    assert "还不能结案，还差：探访记录" in refused

    done = await town.phone.submit(
        town.task, "/visits", record_gas_safety="unsafe", record_needs="浴室扶手", hazard="软管老化"
    )
    assert "记录已保存" in done
    assert "现在没有任务" in await town.phone.open("/my")

    page = await town.desk.submit(
        town.path, "/follow-ups", text="换燃气软管", due_at="2026-03-02T09:00"
    )
    assert "换燃气软管" in page
    refused = words_of(await town.desk.submit(town.path, "/close", 422))
    assert "未完成的回访事项" in refused
    await town.desk.submit(town.path, "/complete", result="已换")
    await town.desk.submit(town.path, "/remedy", remedy="换了新管")
    page = await town.desk.submit(town.path, "/close")
    assert "王值班 08:15:00 结案，结果：已协助。" in words_of(page)

    whole = await world.incident()
    assert whole["stage"] == "closed"
    assert "hazard_remedied" in kinds(whole)
    record = whole["visits"][0]["record"]
    assert record["gas_safety"] == "unsafe"
    assert record["mobility"] == "unchanged", "filled in beforehand"
    assert "electricity_safety" not in record, "nobody looked, so nobody said"


async def test_the_second_officer_is_told_who_was_first(world: World) -> None:
    town = await pressed(world)
    second = reader(world, await world.sign_in("li", name="李值守"))
    page = await second.open(town.path)
    assert "接单" in page
    await town.desk.submit(town.path, "/acknowledge")
    answer = await second.http.post(f"{town.path}/acknowledge", data=_hidden(page, "/acknowledge"))
    assert answer.status_code == 409
    assert "王值班 08:15:00 已接单" in words_of(answer.text)
    assert (await world.stored(await world.incident())).owner_name == "王值班"


def _hidden(page: str, action: str) -> dict[str, str]:
    from tests.console.support import forms_of

    return next(form.fields for form in forms_of(page) if form.action.endswith(action))


async def test_an_old_page_does_not_undo_what_happened_meanwhile(world: World) -> None:
    town = await pressed(world)
    page = await town.desk.open(town.path)
    await town.desk.submit(town.path, "/acknowledge")
    await town.desk.submit(town.path, "/release")
    answer = await town.desk.http.post(
        f"{town.path}/acknowledge", data=_hidden(page, "/acknowledge")
    )
    assert answer.status_code == 409
    assert await town.stage() == "open"


async def test_what_was_typed_is_still_there_after_a_refusal(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/acknowledge")
    page = await town.desk.open(town.path)
    data = _hidden(page, "/outcome") | {"reason": "老人说没事，误按"}
    answer = await town.desk.http.post(f"{town.path}/outcome", data=data)
    assert answer.status_code == 422
    assert "老人说没事，误按" in answer.text
    assert "“结果”：请填写" in words_of(answer.text)


async def test_a_case_that_needed_no_visit_closes_with_its_reason(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/acknowledge")
    await town.desk.submit(town.path, "/outcome", outcome="false_alarm", reason_code="accidental")
    page = await town.desk.submit(town.path, "/close", waiver="电话中确认平安")
    assert "结案" in words_of(page)
    assert await town.stage() == "closed"
    await town.desk.submit(town.path, "/reopen", reason="女儿又打来")
    assert await town.stage() == "open"


async def test_a_visitor_who_cannot_go_gives_the_task_back_with_the_reason(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/dispatch", visitor_id=town.visitor_id)
    page = await town.phone.submit(town.task, "/decline", reason="车坏了")
    assert "现在没有任务" in page
    whole = await world.incident()
    assert (whole["stage"], whole["owner"]) == ("open", None)
    assert "车坏了" in words_of(await town.desk.open(town.path))


async def test_several_tasks_are_a_list_that_names_everybody_concerned(world: World) -> None:
    town = await pressed(world)
    home = (await world.admin.get("elders"))["items"][0]["home_id"]
    await world.admin.post("elders", {"name": "张福生", "home_id": home})
    await world.device("smoke-1", "smoke_detector", home_id=home)
    await world.event("smoke-1", "smoke")
    for one in await world.incidents():
        await world.act("dispatch", one, {"visitor_id": town.visitor_id})
    said = words_of(await town.phone.open("/my"))
    assert "一键呼叫" in said and "烟感报警" in said
    assert said.count("李桂英") == 2 and said.count("张福生") == 1


async def test_a_task_that_went_to_somebody_else_says_so(world: World) -> None:
    town = await pressed(world)
    other = await world.sign_in("zhou", role="visitor")
    await town.desk.submit(town.path, "/dispatch", visitor_id=town.visitor_id)
    page = await town.phone.open(town.task)
    await town.desk.submit(town.path, "/dispatch", visitor_id=other.id)
    answer = await town.phone.http.post(f"{town.task}/accept", data=_hidden(page, "/accept"))
    assert answer.status_code == 404
    assert "已不在您名下" in answer.text
    assert "新任务" in await reader(world, other).open("/my")


async def test_a_visitor_cannot_use_the_desks_buttons(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/dispatch", visitor_id=town.visitor_id)
    token = _hidden(await town.phone.open(town.task), "/accept")["csrf"]
    for act in ("close", "notes", "cancel", "acknowledge"):
        data = {"csrf": token, "text": "x", "reason": "x"}
        answer = await town.phone.http.post(f"{town.path}/{act}", data=data)
        assert answer.status_code == 403, act
    answer = await town.phone.http.post(f"{town.task}/close", data={"csrf": token})
    assert answer.status_code == 404


async def test_a_further_press_asks_its_owner_to_say_that_they_heard(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/acknowledge")
    await world.advance(minutes=3)
    await world.press("btn-1")
    page = await town.desk.open(town.path)
    assert "又一次报警，等待王值班反应" in words_of(page)
    await town.desk.submit(town.path, "/heard")
    assert "又一次报警" not in words_of(await town.desk.open(town.path))


async def test_a_fact_that_comes_too_late_is_kept_and_the_reader_told(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/dispatch", visitor_id=town.visitor_id)
    page = await town.phone.open(town.task)
    await town.phone.submit(town.task, "/accept")
    await town.phone.submit(town.task, "/arrive")
    await town.phone.submit(town.task, "/outcome", outcome="assisted")
    token = _hidden(page, "/accept")["csrf"]
    answer = await town.phone.http.post(f"{town.task}/arrive", data={"csrf": token})
    assert answer.status_code == 409
    assert kinds(await world.incident()).count("attended") == 2


async def notes_of(desk: Reader, path: str) -> str:
    return words_of(await desk.open(path))


async def test_a_note_stands_in_the_timeline_and_is_not_markup(world: World) -> None:
    town = await pressed(world)
    await town.desk.submit(town.path, "/notes", text="<script>alert(1)</script> 邻居去看了")
    page = await town.desk.open(town.path)
    assert "<script>alert" not in page
    assert "邻居去看了" in await notes_of(town.desk, town.path)
