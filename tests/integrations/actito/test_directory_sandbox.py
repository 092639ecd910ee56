"""What a key can reach in the stand-in for Actito, under each path style, and what its rights let it do."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integrations.actito.sandbox import ActitoSandbox

ENTITIES = ["/entities/v5/entities", "/v5/entities", "/v4/entity", "/ActitoWebServices/ws/v4/entity"]
TABLES = [
    "/profile-table-structure/v5/entities/demo/profile-tables", "/v5/entities/demo/profile-tables",
    "/v4/entity/demo/table", "/ActitoWebServices/ws/v4/entity/demo/table",
]  # fmt: skip
ACTIONS = [f"{style}/entities/demo/custom-actions" for style in ("/scenarios/v5", "/v5", "/ActitoWebServices/ws/v5")]
PROFILE = "/v4/entity/demo/table/Profiles/profile/1"
HOOKS = "/v4/entity/demo/webhookSubscription"


def ask(actito: ActitoSandbox, key: str, method: str, path: str, body: Any = None) -> requests.Response:
    given = requests.get(f"{actito.url}/auth/token", headers={"Authorization": key}, timeout=5).json()
    headers = {"Authorization": f"Bearer {given['accessToken']}"}
    return requests.request(method, actito.url + path, json=body, headers=headers, timeout=5)


def test_entities_tables_and_custom_actions_are_listed_under_each_path_style(actito: ActitoSandbox) -> None:
    own = f"{actito.url}/_sandbox/entity/demo/custom-actions"
    made = requests.post(own, json={"name": "updatePass", "parameters": ["points"]}, timeout=5).json()
    for paths, member, name in ((ENTITIES, "entities", "demo"), (ACTIONS, "customActions", "updatePass")):
        for path in paths:
            assert [each["name"] for each in ask(actito, "sandbox-api-key", "GET", path).json()[member]] == [name], path
    for path in TABLES:
        (listed,) = next(iter(ask(actito, "sandbox-api-key", "GET", path).json().values()))
        assert (listed["name"], type(listed["id"])) == ("Profiles", str)
    assert ask(actito, "sandbox-api-key", "GET", f"{ACTIONS[0]}/{made['id']}").json() == made
    assert requests.delete(f"{own}/{made['id']}", timeout=5).status_code == 204
    assert ask(actito, "sandbox-api-key", "GET", f"{ACTIONS[0]}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("area", "path"),
    [("entities", ENTITIES[0]), ("tables", TABLES[0]), ("tables", TABLES[3]), ("profiles", PROFILE),
     ("webhooks", HOOKS), ("custom_actions", ACTIONS[0]), ("scenarios", "/v4/entity/demo/table/Profiles/scenario")],
)  # fmt: skip
def test_a_key_meets_403_where_it_has_no_right(actito: ActitoSandbox, area: str, path: str) -> None:
    granted = {"key": "narrow", "rights": {area: "none"}}
    assert requests.put(f"{actito.url}/_sandbox/keys", json=granted, timeout=5).status_code == 200
    assert ask(actito, "narrow", "GET", path).status_code == 403
    assert ask(actito, "sandbox-api-key", "GET", path).status_code == 200


def test_a_right_to_read_lets_nothing_be_written(actito: ActitoSandbox) -> None:
    actito.grant("reader", {"profiles": "read", "webhooks": "read"})
    assert ask(actito, "reader", "GET", PROFILE).status_code == 200
    assert ask(actito, "reader", "PUT", PROFILE, {"attributes": []}).status_code == 403
    assert ask(actito, "reader", "GET", HOOKS).status_code == 200
    assert ask(actito, "reader", "POST", HOOKS, {}).status_code == 403


@pytest.mark.parametrize("rights", [{"walls": "read"}, {"profiles": "all"}, ["profiles"]])
def test_rights_that_are_none_are_refused(actito: ActitoSandbox, rights: Any) -> None:
    answer = requests.put(f"{actito.url}/_sandbox/keys", json={"key": "k", "rights": rights}, timeout=5)
    assert answer.status_code == 400
    assert requests.get(f"{actito.url}/auth/token", headers={"Authorization": "k"}, timeout=5).status_code == 401
