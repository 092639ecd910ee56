"""The sandbox's page: a newcomer edits a profile, fires a custom action, and sees what the portal answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from integrations.actito.sandbox import ActitoSandbox, Attribute
from portal.sandbox import Request, Response, Sandbox, route

ANN = {"emailAddress": "ann@example.com", "firstName": "<b>Ann</b>", "points": 100, "Newsletter": True}


class Portal(Sandbox):
    """Where the webhooks lead."""

    @route("POST", "/hook")
    def take(self, request: Request) -> Response:
        with self.lock:
            self.__dict__.setdefault("bodies", []).append(request.json())
        return Response(208)


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def sandbox(portal: Portal) -> Iterator[ActitoSandbox]:
    made = ActitoSandbox()
    attributes = [Attribute("emailAddress", unique=True, mandatory=True), Attribute("firstName"),
                  Attribute("points", "INTEGER"), Attribute("vip", "BOOLEAN")]  # fmt: skip
    seeded = made.seed(profiles=[ANN], attributes=attributes, custom_actions=["updatePass"])
    made.start()
    token = requests.get(f"{made.url}/auth/token", headers={"Authorization": "sandbox-api-key"}, timeout=5).json()
    for kind, on, element in (("UPDATE", "PROFILE_TABLE", seeded.table_id),
                              ("UPDATED_SUBSCRIPTION", "PROFILE_TABLE", seeded.table_id),
                              ("TRIGGER", "CUSTOM_ACTION", "updatePass")):  # fmt: skip
        hook = {"on": on, "onElementId": element, "eventType": kind, "targetUrl": f"{portal.url}/hook"}
        headers = {"Authorization": f"Bearer {token['accessToken']}"}
        path = "/v4/entity/demo/webhookSubscription"
        assert requests.post(made.url + path, json=hook, headers=headers, timeout=5).status_code == 201
    yield made
    made.stop()


def post(sandbox: ActitoSandbox, what: str, **form: Any) -> requests.Response:
    chosen = {"entity": "demo", "table": "Profiles", "profile": "1", **form}
    return requests.post(f"{sandbox.url}/_sandbox/{what}", data=chosen, timeout=5)


def frame(sandbox: ActitoSandbox) -> str:
    sandbox.drain()
    return requests.get(f"{sandbox.url}/_sandbox/log?profile=1", timeout=5).text


def test_the_address_of_the_sandbox_leads_to_the_page(sandbox: ActitoSandbox, portal: Portal) -> None:
    page = requests.get(sandbox.url, timeout=5)
    assert page.url.endswith("/_sandbox/")
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page.text
    assert "<b>Ann</b>" not in page.text
    assert 'name="a.points" value="100"' in page.text
    assert "profileId" not in page.text.partition("<form")[2]  # what Actito makes itself is not edited
    assert f"{portal.url}/admin/portal/event/" in page.text


def test_an_edited_profile_is_pushed_and_the_answer_shows(sandbox: ActitoSandbox, portal: Portal) -> None:
    saved = post(sandbox, "profile", **{"a.points": "250", "a.firstName": "Ann", "a.vip": "true", "a.emailAddress": ""})
    assert saved.status_code == 400  # a mandatory attribute was emptied: nothing is saved
    assert "emailAddress is mandatory" in saved.text
    assert sandbox.values("demo", "Profiles", 1)["points"] == 100
    saved = post(sandbox, "profile", **{"a.points": "250", "a.firstName": "", "a.vip": "true"})
    assert "Saved." in saved.text
    values = sandbox.values("demo", "Profiles", 1)
    assert (values["points"], values["firstName"], values["vip"], values["Newsletter"]) == (250, None, True, False)
    shown = frame(sandbox)
    assert "208: taken, it was known already" in shown
    assert {body["eventType"] for body in portal.__dict__["bodies"]} == {"UPDATE", "UPDATED_SUBSCRIPTION"}


@pytest.mark.parametrize("value", ["many", "1e400", "nan"])
def test_a_number_that_is_none_is_told_and_changes_nothing(sandbox: ActitoSandbox, value: str) -> None:
    answer = post(sandbox, "profile", **{"a.points": value})
    assert answer.status_code == 400
    assert "points is a number" in answer.text
    assert sandbox.values("demo", "Profiles", 1)["points"] == 100


def test_a_custom_action_is_fired_and_the_portal_is_told(sandbox: ActitoSandbox, portal: Portal) -> None:
    fired = post(sandbox, "custom-action", action="updatePass", name0="bonus", value0="50", name1="", value1="lost")
    assert "The profile reached the custom action." in fired.text
    assert "TRIGGER" in frame(sandbox)
    (body,) = portal.__dict__["bodies"]
    assert body["data"]["actionParameters.bonus"] == "50"
    assert len([name for name in body["data"] if name.startswith("actionParameters")]) == 1
    assert "nobody was told" in post(sandbox, "custom-action", action="other").text


def test_other_sites_may_not_fill_in_its_forms(sandbox: ActitoSandbox) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = requests.post(f"{sandbox.url}/_sandbox/profile", data={"a.points": "0"}, headers=headers, timeout=5)
    assert answer.status_code == 403
    assert sandbox.values("demo", "Profiles", 1)["points"] == 100


def test_an_empty_sandbox_and_somebody_unknown_are_told() -> None:
    made = ActitoSandbox()
    made.start()
    try:
        assert "no profile table yet" in requests.get(made.url, timeout=5).text
        made.seed()
        assert requests.get(f"{made.url}/_sandbox/", timeout=5).status_code == 200
        assert requests.get(f"{made.url}/_sandbox/?profile=9", timeout=5).status_code == 404
        assert requests.post(f"{made.url}/_sandbox/profile", data={}, timeout=5).status_code == 404
    finally:
        made.stop()
