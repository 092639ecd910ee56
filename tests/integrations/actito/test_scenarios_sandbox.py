"""Scenarios in the stand-in for Actito: the list with its filters, and the sandbox's own calls to change it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.actito.sandbox import ActitoSandbox

PLACE = "/entity/demo/table/Profiles/scenario"
OWN = f"/_sandbox{PLACE}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ActitoSandbox]:
    running = ActitoSandbox()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def call(sandbox: ActitoSandbox) -> Any:
    sandbox._store.entities.clear()
    seeded = [{"name": "Welcome"}, {"name": "Autumn welcome", "isActive": False}]
    for _ in range(2):  # what is there stays as it is
        sandbox.seed(scenarios=[*seeded, {"name": "Win back", "isStartEventTriggered": False}])
    token = requests.get(sandbox.url + "/auth/token", headers={"Authorization": "sandbox-api-key"}, timeout=5).json()
    headers = {"Authorization": f"Bearer {token['accessToken']}"}

    def ask(method: str, path: str, body: Any = None, **query: str) -> requests.Response:
        return requests.request(method, sandbox.url + path, json=body, params=query, headers=headers, timeout=5)

    return ask


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["name"][:-36] for each in answer.json()["workflows"]]


@pytest.mark.parametrize("style", ["/v4", "/scenarios/v4", "/ActitoWebServices/ws/v4"])
def test_scenarios_are_listed_as_documented(call: Any, style: str) -> None:
    first = call("GET", style + PLACE).json()["workflows"][0]
    assert set(first) == {"name", "id", "isStartEventTriggered", "isActive"}
    assert (first["isActive"], first["isStartEventTriggered"]) == (True, True)
    assert isinstance(first["id"], int)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Welcome", "Autumn welcome", "Win back"]),
        ({"name": "Welcome"}, ["Welcome"]),
        ({"name": "W*"}, ["Welcome", "Win back"]),
        ({"name": "*elcome"}, ["Welcome", "Autumn welcome"]),
        ({"name": "*n*"}, ["Autumn welcome", "Win back"]),
        ({"name": "*"}, ["Welcome", "Autumn welcome", "Win back"]),
        ({"name": "Nothing"}, []),
        ({"isActive": "false"}, ["Autumn welcome"]),
        ({"isStartEventTriggered": "true", "isActive": "TRUE"}, ["Welcome"]),
    ],
)
def test_filters_are_combined(call: Any, query: dict[str, str], found: list[str]) -> None:
    assert names(call("GET", f"/v4{PLACE}", **query)) == found


def test_what_is_no_flag_and_who_has_no_right_is_refused(call: Any, sandbox: ActitoSandbox) -> None:
    assert call("GET", f"/v4{PLACE}", isActive="maybe").status_code == 400
    assert call("GET", "/v4/entity/demo/table/Nothing/scenario").status_code == 404
    sandbox.switches.scenario_right = False
    assert call("GET", f"/v4{PLACE}").status_code == 403
    sandbox.switches.scenario_right = True
    assert requests.get(f"{sandbox.url}/v4{PLACE}", timeout=5).status_code == 401


def test_scenarios_are_added_stopped_and_removed(call: Any) -> None:
    made = call("POST", OWN, {"name": "Spring", "isStartEventTriggered": False})
    assert made.status_code == 201
    assert names(call("GET", f"/v4{PLACE}", isStartEventTriggered="false")) == ["Win back", "Spring"]
    assert call("PUT", f"{OWN}/{made.json()['id']}", {"isActive": False}).json()["isActive"] is False
    assert call("PUT", f"{OWN}/{made.json()['name']}", {"isActive": True}).json()["isActive"] is True
    assert call("DELETE", f"{OWN}/{made.json()['id']}").status_code == 204
    assert call("DELETE", f"{OWN}/{made.json()['id']}").status_code == 404
    assert "Spring" not in names(call("GET", f"/v4{PLACE}"))


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": 7}, {"name": "A", "isActive": "yes"}, [1]])
def test_what_is_no_scenario_is_refused(call: Any, body: Any) -> None:
    assert call("POST", OWN, body).status_code == 400


def test_scenarios_outlive_a_restart_and_old_state_has_none(tmp_path: Path) -> None:
    path = tmp_path / "actito.json"
    ActitoSandbox(path).seed(scenarios=[{"name": "Welcome"}])
    again = ActitoSandbox(path)
    table = again._store.entity("demo").table("Profiles")
    assert [each.display_name() for each in table.scenarios.values()] == ["Welcome"]
    kept = json.loads(path.read_text())
    del kept["entities"][0]["tables"][0]["scenarios"]
    path.write_text(json.dumps(kept))
    assert ActitoSandbox(path)._store.entity("demo").table("Profiles").scenarios == {}
