"""Every key that the code writes down for people to read has its words in both languages."""

from __future__ import annotations

import re
from importlib import resources
from string import Formatter

import pytest

from alerting import wording
from alerting.detectors.unreadable import severity_of_role
from alerting.escalation import DueKind, Policy, next_step
from alerting.finding import SEVERITY_OF_KIND, Severity
from alerting.handling import answers
from alerting.incident import FINAL, Outcome, Stage
from alerting.routing import RouteReason
from care.policy import known_regions, load_policy
from care.reach import CHANNEL_KINDS
from devices.event import DEVICE_ROLES
from devices.parts import REASONS
from tests.alerting.keys_in_source import assigned, handed_over
from tests.alerting.test_escalation import LADDER, NOW

TABLES = {
    name: table
    for name, table in vars(wording).items()
    if name.isupper() and isinstance(table, dict)
}


@pytest.mark.parametrize("name", TABLES)
def test_every_text_exists_in_both_languages(name: str) -> None:
    for key, pair in TABLES[name].items():
        assert len(pair) == len(wording.LANGUAGES) and all(pair), f"{name}[{key!r}]"
        chinese, english = pair
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in english), f"{name}[{key!r}]"
        if "{" not in chinese:
            assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese), f"{name}[{key!r}]"


def test_both_languages_of_a_template_ask_for_the_same_values() -> None:
    for table in (wording.TIMELINE, wording.SMS, wording.SPOKEN):
        for key, pair in table.items():
            asked = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in pair]
            assert asked[0] == asked[1], key


def test_every_kind_of_timeline_entry_has_its_sentence() -> None:
    kinds = handed_over("kind", not_to=("Finding", "info"), skip="routing")
    assert {"opened", "told", "acknowledged", "notice_failed", "visit_recorded"} <= kinds
    assert kinds <= set(wording.TIMELINE), kinds - set(wording.TIMELINE)


def test_every_reason_has_its_words() -> None:
    reasons = handed_over("reason", not_to=("Finding", "set_status"))  # whose words are the pages'
    assert {"opened", "told_together", "released", "channel_failed", "latched"} <= reasons
    assert reasons <= set(wording.REASON), reasons - set(wording.REASON)


@pytest.mark.parametrize("stage", sorted(set(Stage) - FINAL))
@pytest.mark.parametrize("kind", DueKind)
def test_every_reason_of_a_step_has_its_words(stage: Stage, kind: DueKind) -> None:
    reasons = {next_step(stage, kind, 1, round_, LADDER, NOW).reason for round_ in range(3)}
    assert reasons <= set(wording.REASON)


def test_every_reason_to_tell_somebody_has_its_words() -> None:
    assert {reason.value for reason in RouteReason} <= set(wording.REASON)


def test_every_kind_severity_stage_outcome_role_and_answer_has_its_words() -> None:
    assert set(wording.KIND) == set(SEVERITY_OF_KIND) | {"unreadable"}
    assert set(wording.SEVERITY) == set(Severity)
    assert set(wording.STAGE) == set(Stage)
    assert set(wording.OUTCOME) == set(Outcome)
    assert set(wording.ROLE) == DEVICE_ROLES
    assert set(wording.ANSWER) == answers.ANSWERS == set(answers.KEYS.values())


def test_every_state_of_a_notice_has_its_words() -> None:
    of_commands = "fleet/commands"  # whose states are not a notice's
    states = assigned("state", skip=of_commands) | handed_over("state", skip=of_commands)
    assert {"waiting", "sending", "accepted", "delivered", "parked", "unseen"} <= states
    assert states <= set(wording.NOTICE_STATE), states - set(wording.NOTICE_STATE)


def test_every_channel_has_its_name() -> None:
    assert {*CHANNEL_KINDS, "console", "operator", "device"} == set(wording.CHANNEL)


def test_every_message_that_a_phone_may_get_has_its_text() -> None:
    """A type without a text of its own would be read out as if it were news of a relative."""
    types = {
        one for one in handed_over("type_") | handed_over("type") if one.startswith("incident.")
    }
    assert types == {
        "incident.opened",
        "incident.repeated",
        "incident.escalated",
        "incident.overdue",
        "incident.assigned",
    }
    assert types == set(wording.SMS) == set(wording.SPOKEN)


def test_every_reason_for_an_unreadable_message_reads_as_words() -> None:
    for reason in REASONS:
        facts = {"role": "sos_button", "reason": f"{reason}:field"}
        assert REASONS[reason][0] in wording.incident_title("unreadable", facts, "zh")
        assert REASONS[reason][1] in wording.incident_title("unreadable", facts, "en")


@pytest.mark.parametrize("region", known_regions())
def test_every_shipped_policy_ends_in_the_operator_and_cites_its_clauses(region: str) -> None:
    policy = load_policy(region)
    assert set(policy.ladders) == set(Severity)
    for body in policy.ladders.values():
        assert Policy.model_validate(body).ends_in_operator()
    assert policy.document and policy.first_contact.clause
    assert policy.tiers and all(tier.clause for tier in policy.tiers)


@pytest.mark.parametrize("region", known_regions())
def test_every_rule_of_a_shipped_policy_cites_its_clause(region: str) -> None:
    """In the file itself, behind the rule; what the scheme leaves open says so."""
    text = (resources.files("care") / "policies" / f"{region}.toml").read_text("utf-8")
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    rules = [
        line
        for table in tables
        if table.startswith(("[visits]", "[close]"))
        for line in table.splitlines()[1:]
        if line and not line.startswith("#")
    ]
    assert rules and [line for line in rules if "# " not in line] == []
    ladders = text[: text.index("[ladders")].splitlines()
    assert re.match(r"# .*（.）", ladders[-1]), "the ladders say what asks for them"


def test_the_severity_of_what_cannot_be_read_follows_the_role() -> None:
    alarming = {"sos_button", "fall_detector", "smoke_detector", "gas_detector", "watch"}
    alarming |= {"call_terminal"}
    assert {role: severity_of_role(role) for role in DEVICE_ROLES} == {
        role: Severity.LIFE_SAFETY if role in alarming else Severity.TECHNICAL
        for role in DEVICE_ROLES
    }
