"""Every route at once: who is let in, and what the OpenAPI document says of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.schemas import Body
from care.model import UserRole
from tests.support.api import World

OPEN = {
    ("post", "/api/v1/token"),
    ("post", "/api/v1/receipts/{notice_id}"),  # signed instead
    ("get", "/api/v1/push/{adapter}"),  # a source's token or signature instead
    ("post", "/api/v1/push/{adapter}"),
    ("post", "/api/v1/broker/emqx/authenticate"),  # the broker's own secret instead
    ("post", "/api/v1/broker/emqx/authorize"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/metrics"),
}

VISITORS_MAY_NOT = {
    ("post", "/api/v1/areas"),
    ("post", "/api/v1/users"),
    ("get", "/api/v1/users"),
    ("post", "/api/v1/homes"),
    ("post", "/api/v1/elders"),
    ("patch", "/api/v1/elders/{elder_id}"),
    ("post", "/api/v1/elders/{elder_id}/contacts"),
    ("post", "/api/v1/sources"),
    ("post", "/api/v1/sources/{source_id}/push-token"),
    ("post", "/api/v1/devices"),
    ("post", "/api/v1/devices/{device_id}/credentials"),
    ("post", "/api/v1/devices/{device_id}/commands"),
    ("post", "/api/v1/devices/import"),
    ("post", "/api/v1/devices/{device_id}/replace"),
    ("post", "/api/v1/devices/{device_id}/retire"),
    ("post", "/api/v1/devices/{device_id}/move"),
    ("post", "/api/v1/devices/{device_id}/swap-meter"),
    ("get", "/api/v1/devices/{device_id}/label.svg"),
    ("post", "/api/v1/incidents/{incident_id}/acknowledge"),
    ("post", "/api/v1/incidents/{incident_id}/release"),
    ("post", "/api/v1/incidents/{incident_id}/dispatch"),
    ("post", "/api/v1/incidents/{incident_id}/notes"),
    ("post", "/api/v1/incidents/{incident_id}/close"),
    ("post", "/api/v1/incidents/{incident_id}/reopen"),
    ("post", "/api/v1/incidents/{incident_id}/cancel"),
    ("post", "/api/v1/incidents/{incident_id}/heard"),
    ("post", "/api/v1/checks/{check_id}/answer"),
    ("post", "/api/v1/escalation-policies"),
    ("post", "/api/v1/shifts"),
    ("post", "/api/v1/silences"),
    ("post", "/api/v1/interruptions"),
    ("get", "/api/v1/interruptions"),
    ("post", "/api/v1/channels"),
    ("get", "/api/v1/channels"),
    ("get", "/api/v1/quarantine"),
}
OFFICERS_MAY_NOT = {
    ("post", "/api/v1/areas"),
    ("post", "/api/v1/users"),
    ("patch", "/api/v1/users/{user_id}"),
    ("post", "/api/v1/sources"),
    ("post", "/api/v1/sources/{source_id}/push-token"),
    ("post", "/api/v1/sources/{source_id}/credentials"),
    ("post", "/api/v1/escalation-policies"),
    ("post", "/api/v1/shifts"),
    ("post", "/api/v1/channels"),
}
CONTRACT = """
/api/v1/token /api/v1/areas /api/v1/users /api/v1/homes /api/v1/elders
/api/v1/elders/{elder_id}/contacts /api/v1/sources /api/v1/devices /api/v1/incidents
/api/v1/incidents/{incident_id}/acknowledge /api/v1/incidents/{incident_id}/release
/api/v1/incidents/{incident_id}/dispatch /api/v1/incidents/{incident_id}/accept
/api/v1/incidents/{incident_id}/arrive /api/v1/incidents/{incident_id}/outcome
/api/v1/incidents/{incident_id}/notes /api/v1/incidents/{incident_id}/close
/api/v1/incidents/{incident_id}/reopen /api/v1/incidents/{incident_id}/cancel
/api/v1/visits /api/v1/follow-ups /api/v1/follow-ups/{follow_up_id}/complete
/api/v1/hazards /api/v1/hazards/{hazard_id}/remedy /api/v1/escalation-policies
/api/v1/shifts /api/v1/silences /api/v1/channels /api/v1/stream /api/v1/push/{adapter}
/health/live /health/ready /metrics
"""


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def address(path: str) -> str:
    """A path with something in its places; nothing has such an id."""
    return path.replace("{", "").replace("}", "")


async def test_the_contracts_resources_are_all_there(document: dict[str, Any]) -> None:
    assert document["paths"].keys() >= set(CONTRACT.split())


async def test_no_route_lets_a_stranger_in(world: World, document: dict[str, Any]) -> None:
    for method, path, _ in operations(document):
        answer = await world.client.request(method, address(path))
        if (method, path) in OPEN:
            assert answer.status_code != 401 or "receipts" in path, (method, path)
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("role", "refused"),
    [(UserRole.VISITOR, VISITORS_MAY_NOT), (UserRole.DUTY_OFFICER, OFFICERS_MAY_NOT)],
)
async def test_a_role_is_kept_to_its_table(
    world: World, document: dict[str, Any], role: UserRole, refused: set[tuple[str, str]]
) -> None:
    caller = await world.sign_in(role)
    known = {(method, path) for method, path, _ in operations(document)}
    assert refused <= known
    for method, path in refused:
        relative = address(path).removeprefix("/api/v1/")
        answer = await caller.request(method, relative, json={})
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["type"] == "urn:anju:problem:not_allowed"


async def test_every_list_takes_a_limit_and_a_cursor(document: dict[str, Any]) -> None:
    single = {"/api/v1/me", "/api/v1/stream", "/api/v1/fleet", "/api/v1/devices/export"}
    single |= {"/api/v1/elders/{elder_id}/watch-rules", "/api/v1/watch-rules/{rule_id}/withdrawal"}
    for method, path, operation in operations(document):
        if method != "get" or path.endswith(("}", ".svg")) or path in single:
            continue
        if "/api/" not in path:
            continue
        names = {one["name"] for one in operation["parameters"]}
        assert {"limit", "cursor"} <= names, path


async def test_every_body_and_answer_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    described = [
        name
        for name, schema in schemas.items()
        if name.endswith(("In", "Out", "Patch", "Created", "Full")) and "properties" in schema
    ]
    assert len(described) > 40
    small = {"MqttOut", "PushOut", "ReceiptOut", "MeOut"}
    missing = [name for name in described if not schemas[name].get("examples")]
    assert set(missing) <= small, missing


async def test_every_body_that_may_be_sent_has_an_example_that_would_be_taken(
    document: dict[str, Any],
) -> None:
    """Programs are written from the examples: one that is refused is worse than none."""
    asked = 0
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        asked += 1
        named = content["application/json"]["schema"]
        while "$ref" not in named:  # a body that may be left out: anyOf, or allOf with a default
            named = next(iter(named.get("anyOf") or named["allOf"]))
        name = named["$ref"].rpartition("/")[2]
        examples = document["components"]["schemas"][name].get("examples")
        assert examples, f"{method} {path}: {name}"
        (model,) = [one for one in subclasses(Body) if one.__name__ == name]
        for example in examples:
            assert model.model_validate(example).model_fields_set == example.keys(), name
    assert asked > 35


def subclasses(of: type[Body]) -> list[type[Body]]:
    return [one for direct in of.__subclasses__() for one in (direct, *subclasses(direct))]


async def test_every_operation_is_named_tagged_and_summed_up(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(document):
        assert set(operation["tags"]) <= tags, (method, path)
        assert len(operation["tags"]) == 1, (method, path)
        assert operation["summary"], (method, path)


async def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found.append(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert "#/components/schemas/Problem" in found
    for reference in set(found):
        name = reference.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"], reference


async def test_refusals_are_described_as_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert list(response["content"]) == ["application/problem+json"], (method, path)


async def test_the_documentation_is_there_without_a_token(world: World) -> None:
    assert (await world.client.get("/docs")).status_code == 200
    document = (await world.client.get("/openapi.json")).json()
    assert document["info"]["title"] == "Anju"
