"""Who may do what: one line an action, as the contract and common sense have it."""

from __future__ import annotations

import pytest

from care.model import SYSTEM, Actor, UserRole
from care.permissions import PERMISSIONS, may, require
from core.errors import NotAllowed

TABLE = """
me.read                vosa    areas.read             vosa    homes.read             vosa
elders.read            vosa    contacts.read          vosa    devices.read           vosa
incidents.read         vosa    visits.read            vosa    follow_ups.read        vosa
hazards.read           vosa    stream.read            vosa    users.read             .osa
sources.read           .osa    policies.read          .osa    shifts.read            .osa
silences.read          .osa    inbox.read             .osa    readings.read          .osa
channels.read          ..sa    areas.write            ..sa    users.create           ...a
users.write            ..sa    homes.write            .osa    elders.write           .osa
contacts.write         .osa    devices.write          .osa    sources.write          ...a
incidents.acknowledge  .osa    incidents.release      .osa    incidents.dispatch     .osa
incidents.notes        .osa    incidents.heard        .osa    incidents.close        .osa
incidents.reopen       .osa    incidents.cancel       .osa    incidents.accept       vosa
incidents.arrive       vosa    incidents.outcome      vosa    incidents.decline      vosa
visits.write           vosa    follow_ups.write       vosa    hazards.write          vosa
shifts.write           ..sa    silences.write         .osa    policies.write         ...a
channels.write         ...a    devices.enrol          vosa    checks.read            vosa
checks.answer          .osa    interruptions.read     .osa    interruptions.write    .osa
watch_rules.read       .osa    watch_rules.write      ..sa    devices.rebuild        ..sa
"""
"""Action, and the roles that may: visitor, (duty) officer, supervisor, administrator."""

ROLES = {
    "v": UserRole.VISITOR,
    "o": UserRole.DUTY_OFFICER,
    "s": UserRole.SUPERVISOR,
    "a": UserRole.ADMIN,
}
WORDS = TABLE.split()
EXPECTED = dict(zip(WORDS[::2], WORDS[1::2], strict=True))


def test_the_table_names_every_action() -> None:
    assert EXPECTED.keys() == PERMISSIONS.keys()


@pytest.mark.parametrize("letter", ROLES)
def test_a_role_may_what_the_table_says(letter: str) -> None:
    actor = Actor(id="usr-1", name="王", role=ROLES[letter])
    for action, letters in EXPECTED.items():
        assert may(actor, action) == (letter in letters), action
        if letter in letters:
            require(actor, action)
        else:
            with pytest.raises(NotAllowed) as refusal:
                require(actor, action)
            said = str(refusal.value)
            assert action in said and str(actor.role) in said
            assert all(str(role) in said for role in PERMISSIONS[action])


def test_anju_itself_may_everything_and_a_contact_nothing() -> None:
    contact = Actor(id="contact-1", name="李梅", role="contact")
    for action in PERMISSIONS:
        assert may(SYSTEM, action)
        assert not may(contact, action)


def test_an_action_that_nobody_defined_is_a_mistake_and_not_a_permission() -> None:
    with pytest.raises(KeyError):
        may(Actor(id="usr-1", name="王", role=UserRole.ADMIN), "incidents.delete")
