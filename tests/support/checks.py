"""A home under the adaptive rule whose findings a story decides, and the elder who is asked.

Stories share one town, which takes longer to build than any of them to tell; each has a home of
its own, and leaves nothing running behind.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import delete, select, update

from alerting.finding import Finding, Severity, Sign
from alerting.handling import lessons
from alerting.handling.opening import apply_finding
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from alerting.tables import (
    Channel,
    Check,
    DeskPresence,
    EscalationPolicyRow,
    Incident,
    Notice,
)
from alerting.telling.links import CHECK, make_link
from care.tables import ElderStatusEntry
from simulators.phone_messages import PhoneMessage
from tests.support.world import SECRET_KEY, World

ELDER_PHONE = "+8613900000000"
GAP_H = 9
_homes = count(1)


class QuietHome:
    """An elder with a water meter; a story says what the meter's detector finds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = next(_homes)
        self.meter = f"water-{self.number}"
        self.elder: dict[str, Any] = {}

    async def begin(self, *, phones: bool = True, contacts: int = 1, **elder: Any) -> QuietHome:
        if await self.world.count(Channel) < 2:
            await self.world.phone_channels()
        await self._provider(phones)
        self.elder = await self.world.elder(contacts=contacts, **elder)
        rules = {"no_water_use": {"preset": "adaptive"}}
        home = self.elder["home_id"]
        await self.world.device(self.meter, "water_meter", home_id=home, rules=rules)
        return self

    async def _provider(self, enabled: bool) -> None:
        async with self.world.services.db.transaction() as session:
            phones = update(Channel).where(Channel.kind.in_(("sms", "call")))
            await session.execute(phones.values(enabled=enabled))

    async def end(self) -> None:
        """Nothing of it goes on while other stories are told, and it is morning again."""
        now = self.world.clock.now()
        async with self.world.services.db.transaction() as session:
            over = {"stage": "closed", "due_at": None, "owner_id": "nobody", "closed_at": now}
            await session.execute(update(Incident).values(over))
            ended = {"state": "ended", "result": "withdrawn", "due_at": None}
            await session.execute(update(Check).where(Check.state != "ended").values(ended))
            await session.execute(update(Notice).values(state="superseded", next_attempt_at=None))
            await session.execute(delete(DeskPresence))
            ours = ~EscalationPolicyRow.id.startswith("guangdong")
            await session.execute(update(EscalationPolicyRow).where(ours).values(active=False))
        self.world.phone.reset()
        past_eight = now.replace(hour=0, minute=15, second=0, microsecond=0) + timedelta(days=1)
        self.world.clock.advance(seconds=(past_eight - now).total_seconds())

    async def incidents(self, **filters: Any) -> list[dict[str, Any]]:
        return await self.world.incidents(home_id=self.elder["home_id"], **filters)

    async def incident(self, **filters: Any) -> dict[str, Any]:
        """The only incident of this home, whole."""
        return await self.world.incident(home_id=self.elder["home_id"], **filters)

    async def finds(self, sign: str = "rose", opens: str | None = "check") -> Incident | None:
        """The detector finds stillness (or its end), as from a reading that just came."""
        now = self.world.clock.now()
        facts: dict[str, Any] = {"since": (now - timedelta(hours=GAP_H)).isoformat()}
        facts |= {"idle_s": GAP_H * 3600, "limit_s": 8 * 3600, "level": 1, "used_l": 0.0}
        facts |= {"since_known": True, "last_reading_at": now.isoformat()}
        if opens is not None:
            facts["opens"] = opens
        finding = Finding(
            kind="no_water_use",
            severity=Severity.WELFARE,
            sign=Sign(sign),
            at=now,
            reason="no use for longer than usual",
            facts=facts,
        )
        async with self.world.services.db.transaction() as session:
            device = (await load_devices(session, [self.meter], "Asia/Shanghai"))[self.meter]
            whose = await whose_is(session, (device.source_id, device.child_id), device, now)
            incident = await apply_finding(session, finding, whose, now)
            await lessons.learn(session)
        await self.world.settle()
        return incident

    # ── what is asked, and answered ───────────────────────────────────────────────────────────

    async def checks(self) -> list[Check]:
        async with self.world.services.db.reading() as session:
            mine = Check.home_id == self.elder["home_id"]
            return list(await session.scalars(select(Check).where(mine).order_by(Check.opened_at)))

    async def check(self) -> Check:
        [one] = await self.checks()
        return one

    async def questions(self) -> list[Notice]:
        async with self.world.services.db.reading() as session:
            mine = select(Check.id).where(Check.home_id == self.elder["home_id"])
            query = select(Notice).where(Notice.check_id.in_(mine))
            return list(await session.scalars(query.order_by(Notice.created_at, Notice.id)))

    def calls(self, phone: str = ELDER_PHONE) -> list[PhoneMessage]:
        return self.world.phone.messages(to=phone, kind="call")

    def messages(self, phone: str = ELDER_PHONE) -> list[PhoneMessage]:
        return self.world.phone.messages(to=phone, kind="sms")

    async def presses(self, key: str, phone: str = ELDER_PHONE) -> None:
        """The latest call is picked up, and a key pressed in it."""
        self.world.phone.answer(self.calls(phone)[-1].id, key)
        await self.world.phone.tick()
        await self.world.settle()

    async def link(self, channel: str = "sms") -> str:
        [*_, notice] = [one for one in await self.questions() if one.channel == channel]
        return f"/c/{make_link(SECRET_KEY, notice.id, CHECK)}"

    async def looks(self, link: str) -> str:
        answer = await self.world.admin.client.get(link)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def answers(self, link: str, **fields: str) -> str:
        """A button of the link's page; what the page shows then."""
        answer = await self.world.admin.client.post(link, data=fields, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        await self.world.settle()
        return answer.text

    async def statuses_said(self) -> list[ElderStatusEntry]:
        """What was said of where the elder is, first said first."""
        query = select(ElderStatusEntry).where(ElderStatusEntry.elder_id == self.elder["id"])
        async with self.world.services.db.reading() as session:
            return list(await session.scalars(query.order_by(ElderStatusEntry.id)))
