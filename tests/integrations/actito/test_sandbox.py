"""The stand-in for Actito, spoken to over real sockets."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from integrations.actito.sandbox import ActitoSandbox, Refusal
from portal.sandbox import Fault, Request, Response, Sandbox, route

STYLES = ["/v4", "/profiles/v4", "/ActitoWebServices/ws/v4"]
WEBHOOK_STYLES = ["/v4", "/webhooks/v4", "/ActitoWebServices/ws/v4"]
TABLE = "/entity/demo/table/Profiles/profile"
ANN = {"emailAddress": "ann@example.com", "points": 100, "customerId": "C 1/2+3", "Newsletter": True}
BEN = {"emailAddress": "ben@example.com", "points": 5}


class Receiver(Sandbox):
    """Where webhooks arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Request] = []
        self.answers: list[int] = []

    @route("POST", "/hook")
    def take(self, request: Request) -> Response:
        with self.lock:
            self.arrived.append(request)
            return Response(self.answers.pop(0) if self.answers else 200)

    def bodies(self) -> list[Any]:
        return [request.json() for request in self.arrived]


class Caller:
    """A client that holds a token."""

    def __init__(self, sandbox: ActitoSandbox) -> None:
        self.sandbox = sandbox
        self.headers = {"Authorization": f"Bearer {token(sandbox)}"}

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return requests.request(method, self.sandbox.url + path, json=body, headers=self.headers, timeout=5, **more)

    def attributes(self, profile: int | str, style: str = "/v4") -> dict[str, Any]:
        answer = self("GET", f"{style}{TABLE}/{profile}")
        assert answer.status_code == 200
        return {item["name"]: item["value"] for item in answer.json()["attributes"]}

    def hook(self, receiver: Receiver, event_type: str, **more: Any) -> int:
        body = {
            "on": "PROFILE_TABLE",
            "onElementId": self.sandbox.seed().table_id,
            "eventType": event_type,
            "targetUrl": receiver.url + "/hook",
            "webhookPushType": "ONE_BY_ONE",
            "isActive": True,
            **more,
        }
        return int(self("POST", "/v4/entity/demo/webhookSubscription", body).json()["id"])


def token(sandbox: ActitoSandbox, key: str = "sandbox-api-key") -> str:
    answer = requests.get(sandbox.url + "/auth/token", headers={"Authorization": key}, timeout=5)
    answer.raise_for_status()
    return str(answer.json()["accessToken"])


def profile_body(**attributes: Any) -> dict[str, Any]:
    return {"attributes": [{"name": name, "value": value} for name, value in attributes.items()]}


@pytest.fixture(scope="module")
def stopping() -> Iterator[ThreadPoolExecutor]:
    """Stops servers aside: each stop waits for a poll of its server, which would double the time of these tests."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def sandbox(stopping: ThreadPoolExecutor) -> Iterator[ActitoSandbox]:
    running = ActitoSandbox()
    running.seed(profiles=[ANN, BEN], account="brand/webservices:secret")
    running.start()
    yield running
    stopping.submit(running.stop)


@pytest.fixture
def receiver(stopping: ThreadPoolExecutor) -> Iterator[Receiver]:
    running = Receiver()
    running.start()
    yield running
    stopping.submit(running.stop)


@pytest.fixture
def call(sandbox: ActitoSandbox) -> Caller:
    return Caller(sandbox)


# Tokens


def test_an_api_key_buys_a_token(sandbox: ActitoSandbox) -> None:
    answer = requests.get(sandbox.url + "/auth/token", headers={"Authorization": "sandbox-api-key"}, timeout=5)
    assert answer.status_code == 200
    assert set(answer.json()) == {"accessToken", "tokenType", "expiresIn", "scope", "jti"}
    assert (answer.json()["tokenType"], answer.json()["expiresIn"]) == ("bearer", "900s")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "wrong"}, {"Authorization": "Bearer sandbox-api-key"}])
def test_anything_but_a_known_raw_key_is_refused(sandbox: ActitoSandbox, headers: dict[str, str]) -> None:
    answer = requests.get(sandbox.url + "/auth/token", headers=headers, timeout=5)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message", "parameters"}


@pytest.mark.parametrize("path", [*(style + TABLE + "/1" for style in STYLES), "/entities/v5/entities"])
def test_no_route_answers_without_a_known_token(sandbox: ActitoSandbox, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer unknown"}):
        assert requests.get(sandbox.url + path, headers=headers, timeout=5).status_code == 401


def test_a_token_expires() -> None:
    sandbox = ActitoSandbox(token_seconds=0.2)
    sandbox.seed(profiles=[ANN])
    sandbox.start()
    call = Caller(sandbox)
    assert call("GET", "/entities/v5/entities").status_code == 200
    time.sleep(0.25)
    assert call("GET", "/entities/v5/entities").status_code == 401
    sandbox.stop()


def test_basic_credentials_open_the_legacy_paths_only(sandbox: ActitoSandbox) -> None:
    def status(style: str, password: str) -> int:
        credential = base64.b64encode(f"brand/webservices:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {credential}"}
        return requests.get(f"{sandbox.url}{style}{TABLE}/1", headers=headers, timeout=5).status_code

    assert status("/ActitoWebServices/ws/v4", "secret") == 200
    assert status("/ActitoWebServices/ws/v4", "wrong") == 401
    assert status("/v4", "secret") == 401


# Entities and structure


@pytest.mark.parametrize("prefix", ["", "/entities"])
def test_entities_are_listed(call: Caller, prefix: str) -> None:
    answer = call("GET", f"{prefix}/v5/entities")
    assert answer.json() == {"entities": [{"id": 1, "name": "demo", "comment": None}]}


@pytest.mark.parametrize("prefix", ["", "/profile-table-structure"])
def test_a_table_shows_its_structure(call: Caller, prefix: str) -> None:
    listed = call("GET", f"{prefix}/v5/entities/demo/profile-tables").json()["profileTables"]
    table = call("GET", f"{prefix}/v5/entities/demo/profile-tables/{listed[0]['id']}").json()
    assert listed == [table]
    assert table["name"] == "Profiles"
    attributes = {attribute["name"]: attribute for attribute in table["attributes"]}
    assert attributes["points"]["valueType"] == "INTEGER"
    assert attributes["emailAddress"] == {
        "type": "EMAIL_ADDRESS",
        "name": "emailAddress",
        "unique": True,
        "mandatory": True,
    }
    assert table["subscriptions"] == [{"name": "Newsletter"}]


@pytest.mark.parametrize(
    "path",
    [
        "/v5/entities/other/profile-tables",
        "/v5/entities/demo/profile-tables/999",
        "/v4/entity/other/table/Profiles/profile/1",
        "/v4/entity/demo/table/profiles/profile/1",
        "/v4/nothing/here",
    ],
)
def test_what_does_not_exist_is_404(call: Caller, path: str) -> None:
    answer = call("GET", path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "message", "parameters"}


def test_a_wrong_method_is_405_and_an_unacceptable_type_406(call: Caller) -> None:
    answer = call("PATCH", f"/v4{TABLE}/1")
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    call.headers["Accept"] = "text/xml"
    assert call("GET", f"/v4{TABLE}/1").status_code == 406


# Profiles


@pytest.mark.parametrize("style", STYLES)
def test_a_profile_is_read_by_id_or_by_a_unique_attribute(call: Caller, style: str) -> None:
    for key in ("1", "profileId=1", "emailAddress=ann@example.com", "emailAddress=ann%40example.com"):
        assert call.attributes(key, style)["points"] == 100
    assert call.attributes("customerId=C%201%2F2%2B3", style)["profileId"] == 1


def test_a_profile_has_the_documented_shape(call: Caller) -> None:
    shape = call("GET", f"/v4{TABLE}/1").json()
    assert set(shape) == {"attributes", "subscriptions", "segmentations"}
    assert shape["subscriptions"] == [{"name": "Newsletter", "subscribe": True}]
    assert {"name": "profileId", "value": 1} in shape["attributes"]
    assert {"creationMoment", "updateMoment"} <= set(call.attributes(1))


def test_a_table_answers_to_its_id_too(call: Caller, sandbox: ActitoSandbox) -> None:
    assert call("GET", f"/v4/entity/demo/table/{sandbox.seed().table_id}/profile/1").status_code == 200


def test_an_absent_profile_is_404_and_a_key_that_is_not_unique_400(call: Caller) -> None:
    assert call("GET", f"/v4{TABLE}/99").status_code == 404
    assert call("GET", f"/v4{TABLE}/emailAddress=nobody@example.com").status_code == 404
    assert call("GET", f"/v4{TABLE}/points=100").status_code == 400


@pytest.mark.parametrize("style", STYLES)
def test_an_upsert_creates_then_updates(call: Caller, style: str) -> None:
    body = profile_body(emailAddress="cleo@example.com", points=1)
    body["subscriptions"] = [{"name": "Newsletter", "subscribe": True}]
    body["dataCollectionInformation"] = {"source": "portal", "way": "api_push", "date": "2026-01-31 10:00:00"}
    created = call("POST", f"{style}{TABLE}?allowUpdate=true", body)
    assert (created.status_code, created.json()) == (201, {"profileId": 3})
    assert created.headers["Location"] == f"{style}{TABLE}/3"
    updated = call("POST", f"{style}{TABLE}?allowUpdate=true", profile_body(emailAddress="cleo@example.com", points=2))
    assert (updated.status_code, updated.json()) == (200, {"profileId": 3})
    shape = call("GET", f"{style}{TABLE}/3").json()
    assert {"name": "points", "value": 2} in shape["attributes"]
    assert shape["subscriptions"] == [{"name": "Newsletter", "subscribe": True}]
    assert shape["dataCollectionInformation"]["way"] == "api_push"


def test_values_keep_their_json_types(call: Caller) -> None:
    for value in (7, "7", 1.5, True, None):
        call("PUT", f"/v4{TABLE}/1", profile_body(tier=value))
        assert call.attributes(1)["tier"] == value
        assert type(call.attributes(1)["tier"]) is type(value)


@pytest.mark.parametrize("style", STYLES)
def test_put_changes_only_what_it_names(call: Caller, style: str) -> None:
    answer = call("PUT", f"{style}{TABLE}/emailAddress=ann@example.com", profile_body(points=101))
    assert (answer.status_code, answer.json()) == (200, {"profileId": 1})
    attributes = call.attributes(1)
    assert (attributes["points"], attributes["emailAddress"]) == (101, "ann@example.com")
    assert call("PUT", f"{style}{TABLE}/99", profile_body(points=1)).status_code == 404


@pytest.mark.parametrize("style", STYLES)
def test_a_deleted_profile_is_gone_and_its_unique_values_are_free(call: Caller, style: str) -> None:
    assert call("DELETE", f"{style}{TABLE}/1").status_code == 204
    assert call("GET", f"{style}{TABLE}/1").status_code == 404
    assert call("DELETE", f"{style}{TABLE}/1").status_code == 404
    assert call("PUT", f"{style}{TABLE}/2", profile_body(emailAddress="ann@example.com")).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (profile_body(points=1), "MISSING_ATTRIBUTE"),
        (profile_body(emailAddress=None), "MISSING_ATTRIBUTE"),
        (profile_body(emailAddress="x@example.com", profileId=9), "READ_ONLY_ATTRIBUTE"),
        (profile_body(emailAddress="x@example.com", updateMoment="now"), "READ_ONLY_ATTRIBUTE"),
        (profile_body(emailAddress="x@example.com", shoeSize=42), "UNKNOWN_ATTRIBUTE"),
        (profile_body(emailAddress="x@example.com", tier=["gold"]), "INVALID_VALUE"),
        ({"attributes": {"emailAddress": "x@example.com"}}, "INVALID_BODY"),
        ({"attributes": ["emailAddress"]}, "INVALID_BODY"),
        ([], "INVALID_BODY"),
        ({"subscriptions": [{"name": "Unheard", "subscribe": True}]}, "SUBSCRIPTION_NOT_FOUND"),
        ({"subscriptions": [{"name": "Newsletter", "subscribe": "yes"}]}, "INVALID_VALUE"),
    ],
)
def test_a_wrong_profile_is_400_and_nothing_is_created(call: Caller, body: Any, code: str) -> None:
    answer = call("POST", f"/v4{TABLE}?allowUpdate=true", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(call("GET", f"/v4{TABLE}").json()["profiles"]) == 2


def test_a_body_that_is_no_json_is_400(sandbox: ActitoSandbox, call: Caller) -> None:
    answer = requests.post(f"{sandbox.url}/v4{TABLE}", data="{", headers=call.headers, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_JSON")


def test_a_mandatory_attribute_cannot_be_cleared_but_an_optional_one_can(call: Caller) -> None:
    assert call("PUT", f"/v4{TABLE}/1", profile_body(emailAddress=None)).status_code == 400
    assert call("PUT", f"/v4{TABLE}/1", profile_body(customerId=None)).status_code == 200
    assert call("GET", f"/v4{TABLE}/customerId=C%201%2F2%2B3").status_code == 404


def test_a_unique_value_has_one_holder(call: Caller, sandbox: ActitoSandbox) -> None:
    assert call("PUT", f"/v4{TABLE}/2", profile_body(emailAddress="ann@example.com")).status_code == 409
    assert call("POST", f"/v4{TABLE}?allowUpdate=false", profile_body(**BEN)).status_code == 409
    sandbox.switches.conflict_status = 400
    assert call("POST", f"/v4{TABLE}?allowUpdate=false", profile_body(**BEN)).status_code == 400


def test_the_default_of_allow_update_is_a_switch(call: Caller, sandbox: ActitoSandbox) -> None:
    assert call("POST", f"/v4{TABLE}", profile_body(**BEN)).status_code == 200
    sandbox.switches.allow_update_default = False
    assert call("POST", f"/v4{TABLE}", profile_body(**BEN)).status_code == 409


def test_profiles_are_searched(call: Caller) -> None:
    assert len(call("GET", f"/v4{TABLE}").json()["profiles"]) == 2
    assert len(call("GET", f"/v4{TABLE}?number=1").json()["profiles"]) == 1
    found = call("GET", f"/v4{TABLE}?search=points%3D5").json()["profiles"]
    assert [item["value"] for item in found[0]["attributes"] if item["name"] == "emailAddress"] == ["ben@example.com"]
    assert call("GET", f"/v4{TABLE}?search=tier%3DNone").json()["profiles"] == []
    for query in ("search=shoeSize%3D42", "number=many", "dateFilter=today"):
        assert call("GET", f"/v4{TABLE}?{query}").status_code == 400


# Subscriptions of a profile


@pytest.mark.parametrize("style", STYLES)
def test_a_profile_subscribes_and_unsubscribes(call: Caller, style: str) -> None:
    def subscribed() -> bool:
        (item,) = call("GET", f"{style}{TABLE}/2/subscription").json()["subscriptions"]
        assert call("GET", f"{style}{TABLE}/2/subscription/Newsletter").json() == item
        return bool(item["subscribe"])

    assert not subscribed()
    for _ in range(2):
        assert call("POST", f"{style}{TABLE}/2/subscription/Newsletter").status_code == 204
        assert subscribed()
    for _ in range(2):
        assert call("DELETE", f"{style}{TABLE}/emailAddress=ben@example.com/subscription/Newsletter").status_code == 204
        assert not subscribed()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_subscriptions_and_profiles_are_404(call: Caller, method: str) -> None:
    assert call(method, f"/v4{TABLE}/2/subscription/Unheard").status_code == 404
    assert call(method, f"/v4{TABLE}/99/subscription/Newsletter").status_code == 404


# Webhook subscriptions


@pytest.mark.parametrize("style", WEBHOOK_STYLES)
def test_webhook_subscriptions_are_made_read_replaced_and_deleted(
    call: Caller, sandbox: ActitoSandbox, style: str
) -> None:
    path = f"{style}/entity/demo/webhookSubscription"
    body = {
        "on": "PROFILE_TABLE",
        "onElementId": sandbox.seed().table_id,
        "eventType": "CREATE",
        "onFields": ["emailAddress"],
        "targetUrl": "https://example.com/hook",
        "headers": {"X-Authorization": "secret"},
        "webhookPushType": "ONE_BY_ONE",
        "isActive": True,
    }
    created = call("POST", path, body)
    one = f"{path}/{created.json()['id']}"
    assert (created.status_code, created.headers["Location"]) == (201, one)
    assert body.items() <= call("GET", one).json().items()
    assert call("PUT", one, {**body, "isActive": False}).status_code == 204
    assert call("GET", path).json()["webhookSubscriptions"] == [call("GET", one).json()]
    assert call("GET", one).json()["isActive"] is False
    assert call("DELETE", one).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        assert call(method, one, body).status_code == 404


def test_the_list_of_webhook_subscriptions_is_filtered_sorted_and_paged(call: Caller, receiver: Receiver) -> None:
    first = call.hook(receiver, "UPDATE")
    second = call.hook(receiver, "DELETE", isActive=False)

    def ids(query: str) -> list[int]:
        answer = call("GET", f"/v4/entity/demo/webhookSubscription?{query}")
        return [webhook["id"] for webhook in answer.json()["webhookSubscriptions"]]

    assert ids("") == [first, second]
    assert ids("eventType=UPDATE") == ids("isActif=true") == ids("pageSize=1") == [first]
    assert ids("isActif=false") == ids("page=1&pageSize=1") == [second]
    assert ids("tableId=999") == ids("tableType=CUSTOM_TABLE") == []
    assert ids("sort=eventType") == ids("sort=id&sortDirection=DESC") == [second, first]
    assert call("GET", "/v4/entity/demo/webhookSubscription?page=x").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"on": "CUSTOM_TABLE"},
        {"onElementId": "999"},
        {"eventType": "UPDATED_SEGMENT"},
        {"targetUrl": "example.com"},
        {"headers": {"X-Number": 1}},
        {"onFields": "points"},
        {"webhookPushType": "SOMETIMES"},
        {"isActive": "yes"},
        {"maxBlockSize": 0},
    ],
)
def test_a_wrong_webhook_subscription_is_400(call: Caller, sandbox: ActitoSandbox, wrong: dict[str, Any]) -> None:
    right = {
        "on": "PROFILE_TABLE",
        "onElementId": sandbox.seed().table_id,
        "eventType": "CREATE",
        "targetUrl": "http://localhost/hook",
    }
    answer = call("POST", "/v4/entity/demo/webhookSubscription", {**right, **wrong})
    assert (answer.status_code, answer.json()["parameters"]) == (400, {"field": next(iter(wrong))})


# Pushes


def test_an_update_is_pushed_with_what_changed_and_the_static_headers(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    call.hook(receiver, "UPDATE", headers={"X-Authorization": "secret", "Content-type": "text/plain"})
    call("PUT", f"/v4{TABLE}/2", profile_body(points=6, tier=None))
    sandbox.drain()
    (push,) = receiver.arrived
    assert push.json() == {
        "eventType": "UPDATE",
        "operation": "UPDATE",
        "tableId": sandbox.seed().table_id,
        "data": {"profileId": 2, "emailAddress": "ben@example.com", "points": 6},
    }
    assert push.headers["x-authorization"] == "secret"
    assert push.headers["content-type"] == "application/json"


def test_each_kind_of_change_reaches_its_own_subscription(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    for event_type in ("CREATE", "UPDATE", "DELETE", "UPDATED_SUBSCRIPTION"):
        call.hook(receiver, event_type)
    call("POST", f"/v4{TABLE}?allowUpdate=true", profile_body(emailAddress="cleo@example.com"))
    sandbox.set_attribute("demo", "Profiles", 3, "points", 9)
    call("POST", f"/v4{TABLE}/3/subscription/Newsletter")
    call("DELETE", f"/v4{TABLE}/3")
    sandbox.drain()
    keys = {"profileId": 3, "emailAddress": "cleo@example.com"}
    assert [(body["eventType"], body["data"]) for body in receiver.bodies()] == [
        ("CREATE", keys),
        ("UPDATE", {**keys, "points": 9}),
        ("UPDATED_SUBSCRIPTION", {**keys, "Newsletter": True}),
        ("DELETE", keys),
    ]


def test_subscriptions_in_a_body_are_pushed_like_those_of_the_route(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    call.hook(receiver, "UPDATED_SUBSCRIPTION", onFields=["Newsletter"])
    call("PUT", f"/v4{TABLE}/1", {"subscriptions": [{"name": "Newsletter", "subscribe": False}]})
    sandbox.drain()
    assert [body["data"]["Newsletter"] for body in receiver.bodies()] == [False]


def test_what_changes_nothing_pushes_nothing(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    for event_type in ("CREATE", "UPDATE", "UPDATED_SUBSCRIPTION"):
        call.hook(receiver, event_type)
    call("PUT", f"/v4{TABLE}/1", profile_body(points=100))
    call("POST", f"/v4{TABLE}?allowUpdate=true", profile_body(**BEN))
    call("POST", f"/v4{TABLE}/1/subscription/Newsletter")
    call("PUT", f"/v4{TABLE}/1", profile_body(shoeSize=42))
    sandbox.drain()
    assert receiver.arrived == []


def test_filters_and_inactive_subscriptions_stay_silent(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    call.hook(receiver, "UPDATE", onFields=["tier"])
    call.hook(receiver, "UPDATE", isActive=False)
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    sandbox.drain()
    assert receiver.arrived == []
    sandbox.set_attribute("demo", "Profiles", 1, "tier", "gold")
    sandbox.drain()
    assert len(receiver.arrived) == 1


def test_another_tables_changes_are_not_pushed(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    sandbox.seed(table="Staff", profiles=[ANN])
    call.hook(receiver, "UPDATE")
    sandbox.set_attribute("demo", "Staff", 1, "points", 1)
    sandbox.drain()
    assert receiver.arrived == []


def test_the_pushes_of_one_profile_arrive_in_order(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    call.hook(receiver, "UPDATE")
    for points in range(20):
        sandbox.set_attribute("demo", "Profiles", 1, "points", 1000 + points)
    sandbox.drain()
    assert [body["data"]["points"] for body in receiver.bodies()] == list(range(1000, 1020))


@pytest.mark.parametrize("enveloped", [False, True])
def test_bulk_collects_events_into_blocks(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver, enveloped: bool
) -> None:
    sandbox.switches.bulk_envelope = enveloped
    sandbox.switches.bulk_seconds = 60
    call.hook(receiver, "UPDATE", webhookPushType="BULK", maxBlockSize=2)
    for points in (1, 2, 3):
        sandbox.set_attribute("demo", "Profiles", 1, "points", points)
    sandbox.drain()
    blocks = [
        [item["points"] for item in body["data"]] if enveloped else [item["data"]["points"] for item in body]
        for body in receiver.bodies()
    ]
    assert blocks == [[1, 2], [3]]
    assert [row["profile_id"] for row in sandbox.deliveries()] == [1, 1, 1]


def test_a_bulk_block_leaves_by_itself_after_a_while(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    sandbox.switches.bulk_seconds = 0.02
    call.hook(receiver, "UPDATE", webhookPushType="BULK")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    wait_until(lambda: len(receiver.arrived) == 1)


# Switches


def test_switches_change_over_http(sandbox: ActitoSandbox) -> None:
    url = sandbox.url + "/_sandbox/switches"
    assert requests.get(url, timeout=5).json()["payload_version"] == 1
    answer = requests.put(url, json={"payload_version": 2, "latency": 0}, timeout=5)
    assert (answer.status_code, answer.json()["payload_version"]) == (200, 2)
    assert sandbox.switches.payload_version == 2


@pytest.mark.parametrize("wrong", [{"unheard": 1}, {"retries": "2"}, {"retries": True}, {"payload_version": 3}, []])
def test_a_wrong_switch_changes_nothing(sandbox: ActitoSandbox, wrong: Any) -> None:
    before = sandbox.switches.as_json()
    body = {"duplicate": True, **wrong} if wrong else wrong
    answer = requests.put(sandbox.url + "/_sandbox/switches", json=body, timeout=5)
    assert (answer.status_code, sandbox.switches.as_json()) == (400, before)


@pytest.mark.parametrize("push_type", ["ONE_BY_ONE", "BULK"])
def test_payload_2_is_an_envelope_with_an_id_and_links(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver, push_type: str
) -> None:
    sandbox.switches.payload_version = 2
    webhook = call.hook(receiver, "UPDATE", webhookPushType=push_type)
    sandbox.set_attribute("demo", "Profiles", 2, "points", 6)
    sandbox.drain()
    (body,) = receiver.bodies()
    assert set(body) == {"id", "data", "_links"}
    assert body["_links"]["webhook"]["href"] == f"/webhooks/v4/entity/demo/webhookSubscription/{webhook}"
    data = body["data"][0] if push_type == "BULK" else body["data"]
    assert data["_links"]["profile"]["href"] == f"/profiles/v4{TABLE}/2"
    assert (data["profileId"], data["points"]) == (2, 6)


def test_values_and_profile_ids_become_strings_when_asked(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    call.hook(receiver, "UPDATE")
    call.hook(receiver, "UPDATED_SUBSCRIPTION")
    sandbox.switches.values_as_strings = True
    sandbox.set_attribute("demo", "Profiles", 2, "points", 6)
    call("POST", f"/v4{TABLE}/2/subscription/Newsletter")
    sandbox.switches.profile_id_as_string = True
    sandbox.set_attribute("demo", "Profiles", 2, "points", None)
    sandbox.drain()
    update, subscription, cleared = (body["data"] for body in receiver.bodies())
    assert (update["points"], update["profileId"]) == ("6", 2)
    assert subscription["Newsletter"] == "true"
    assert (cleared["points"], cleared["profileId"]) == (None, "2")
    assert (call.attributes(1)["points"], call.attributes(1)["profileId"]) == ("100", "1")


def test_a_custom_action_pushes_flat_keys_to_its_own_subscription(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver
) -> None:
    call.hook(receiver, "TRIGGER", on="CUSTOM_ACTION", onElementId="updatePass")
    call.hook(receiver, "TRIGGER", on="CUSTOM_ACTION", onElementId="another")
    path = "/_sandbox/entity/demo/table/Profiles/profile/emailAddress=ann@example.com/custom-action"
    answer = call("POST", path, {"action": "updatePass", "parameters": {"points": 250}})
    assert (answer.status_code, answer.json()) == (202, {"pushed": 1})
    sandbox.drain()
    [body] = receiver.bodies()
    assert body["id"]
    assert body["data"]["actionParameters.points"] == "250"
    assert body["data"]["profileAttributes.emailAddress"] == "ann@example.com"
    assert body["data"]["profileAttributes.profileId"].isdigit()
    assert call("POST", path.replace("ann@", "nobody@"), {"action": "updatePass"}).status_code == 404
    assert call("POST", path, [1]).status_code == 400


def test_duplicates_are_posted_when_asked(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    sandbox.switches.duplicate = True
    sandbox.switches.payload_version = 2
    call.hook(receiver, "UPDATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    sandbox.drain()
    first, second = receiver.bodies()
    assert first == second


def test_pushes_swap_places_when_asked(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    sandbox.switches.out_of_order = True
    call.hook(receiver, "UPDATE")
    for points in (1, 2, 3):
        sandbox.set_attribute("demo", "Profiles", 1, "points", points)
    sandbox.drain()
    assert [body["data"]["points"] for body in receiver.bodies()] == [2, 1, 3]


def test_a_held_push_is_not_held_for_ever(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    sandbox.switches.out_of_order = True
    sandbox.switches.hold_seconds = 0.02
    call.hook(receiver, "UPDATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    wait_until(lambda: len(receiver.arrived) == 1)


@pytest.mark.parametrize(("retries", "statuses"), [(0, [500]), (1, [500, 503]), (3, [500, 503, 208])])
def test_refused_pushes_are_retried_as_often_as_asked(
    call: Caller, sandbox: ActitoSandbox, receiver: Receiver, retries: int, statuses: list[int]
) -> None:
    sandbox.switches.retries = retries
    receiver.answers = [500, 503, 208]
    call.hook(receiver, "UPDATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    sandbox.drain()
    assert [row["status"] for row in sandbox.deliveries()] == statuses


@pytest.mark.parametrize(("throttle", "refused"), [(True, 3), (False, 0)])
def test_more_than_five_concurrent_requests_are_429_when_throttled(
    call: Caller, sandbox: ActitoSandbox, throttle: bool, refused: int
) -> None:
    sandbox.switches.throttle = throttle
    sandbox.switches.latency = 0.4
    start = threading.Barrier(8)

    def read(_: int) -> int:
        start.wait()
        return call("GET", f"/v4{TABLE}/1").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(read, range(8)))
    assert (statuses.count(429), statuses.count(200)) == (refused, 8 - refused)


def test_beyond_a_hundred_calls_a_minute_each_takes_longer(sandbox: ActitoSandbox) -> None:
    sandbox.switches.slow_step = 0.1
    assert [sandbox._slowness() for _ in range(103)][-4:] == pytest.approx([0, 0.1, 0.2, 0.3])
    sandbox.switches.throttle = False
    assert sandbox._slowness() == 0
    sandbox.switches.throttle, sandbox.switches.slow_step = True, 60
    assert sandbox._slowness() == 5


EVERY_ROUTE = [
    ("entities", "v5", "entities"), ("profile-table-structure", "v5", "entities/demo/profile-tables"),
    ("profile-table-structure", "v5", "entities/demo/profile-tables/2"),
    ("profile-table-structure", "v4", "entity/demo/table"), ("scenarios", "v5", "entities/demo/custom-actions"),
    ("profiles", "v4", "entity/demo/table/Profiles/profile"), ("profiles", "v4", "entity/demo/table/2/profile/1"),
    ("profiles", "v4", "entity/demo/table/Profiles/profile/1/subscription"),
    ("profiles", "v4", "entity/demo/table/Profiles/profile/emailAddress=ann@example.com/subscription/Newsletter"),
    ("scenarios", "v4", "entity/demo/table/Profiles/scenario"), ("webhooks", "v4", "entity/demo/webhookSubscription"),
]  # fmt: skip


@pytest.mark.parametrize(("category", "version", "path"), EVERY_ROUTE)
def test_every_route_answers_under_each_path_style(call: Caller, category: str, version: str, path: str) -> None:
    styles = (f"/{version}", f"/{category}/{version}", f"/ActitoWebServices/ws/{version}")
    answers = [call("GET", f"{style}/{path}") for style in styles]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()


def test_the_sandboxs_own_routes_are_never_throttled(sandbox: ActitoSandbox) -> None:
    sandbox.switches.latency = 5
    assert requests.get(sandbox.url + "/_sandbox/deliveries", timeout=1).json() == []


# Deliveries


def test_every_delivery_is_logged(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    webhook = call.hook(receiver, "UPDATE")
    before = time.time()
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    sandbox.drain()
    (row,) = requests.get(sandbox.url + "/_sandbox/deliveries", timeout=5).json()
    assert before <= row.pop("sent_at") <= time.time()
    assert row.pop("ms") >= 0
    assert row == {
        "subscription": webhook,
        "url": receiver.url + "/hook",
        "event_type": "UPDATE",
        "profile_id": 1,
        "status": 200,
        "error": "",
    }


def test_a_delivery_nobody_answers_is_logged_with_its_error(call: Caller, sandbox: ActitoSandbox) -> None:
    nobody = Receiver()
    nobody.stop()
    call.hook(nobody, "UPDATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    sandbox.drain()
    (row,) = sandbox.deliveries()
    assert row["status"] is None
    assert "ConnectionError" in row["error"]


def test_drain_says_when_it_waited_in_vain(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    receiver.arm(Fault("slow", seconds=0.2))
    call.hook(receiver, "UPDATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 1)
    with pytest.raises(TimeoutError):
        sandbox.drain(0.02)
    sandbox.drain()
    assert len(receiver.arrived) == 1


# Faults


def test_the_shared_faults_work_on_vendor_paths(call: Caller, sandbox: ActitoSandbox) -> None:
    requests.post(
        sandbox.url + "/_sandbox/faults", json={"kind": "status", "status": 429, "retry_after": "3"}, timeout=5
    )
    answer = call("GET", f"/v4{TABLE}/1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    sandbox.arm(Fault("malformed"))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        call("GET", f"/v4{TABLE}/1").json()
    sandbox.arm(Fault("drop"))
    with pytest.raises(requests.ConnectionError):
        call("PUT", f"/v4{TABLE}/1", profile_body(points=7))
    assert sandbox.values("demo", "Profiles", 1)["points"] == 7


def test_a_fault_may_hit_one_method_only(call: Caller, sandbox: ActitoSandbox) -> None:
    fault = {"kind": "status", "status": 503, "times": 2, "method": "GET"}
    assert requests.post(sandbox.url + "/_sandbox/faults", json=fault, timeout=5).status_code == 201
    statuses = [
        call("PUT", f"/v4{TABLE}/1", profile_body(points=7)).status_code,
        call("GET", f"/v4{TABLE}/1").status_code,
        call("PUT", f"/v4{TABLE}/1", profile_body(points=8)).status_code,
        call("GET", f"/v4{TABLE}/1").status_code,
        call("GET", f"/v4{TABLE}/1").status_code,
    ]
    assert [status == 503 for status in statuses] == [False, True, False, True, False]
    assert sandbox.values("demo", "Profiles", 1)["points"] == 8


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "A fault is a JSON object."),
        ("{", "The body is not JSON."),
        (b'{"kind": "\xe9"}', "The body is not UTF-8 text."),
        ("[]", "A fault is a JSON object."),
        ("null", "A fault is a JSON object."),
        ("7", "A fault is a JSON object."),
        ({}, "The kind is missing: one of status, slow, malformed, drop."),
        ({"path": "x"}, "The kind is missing: one of status, slow, malformed, drop."),
        (
            {"kind": "drop", "time": 1, "self": 2},
            "A fault has no self, time. It has kind, path, times, status, seconds, retry_after, method, reason.",
        ),
        ({"kind": "explode"}, "The kind must be one of status, slow, malformed, drop."),
        ({"kind": ["drop"]}, "The kind must be one of status, slow, malformed, drop."),
        ({"kind": "drop", "path": "("}, "The path must be a regular expression."),
        ({"kind": "drop", "path": 1}, "The path must be a regular expression."),
        ({"kind": "drop", "times": "2"}, "The times must be a whole number from 1."),
        ({"kind": "drop", "times": 0}, "The times must be a whole number from 1."),
        ({"kind": "drop", "times": True}, "The times must be a whole number from 1."),
        ({"kind": "status", "status": "500"}, "The status must be a whole number from 200 to 599."),
        ({"kind": "status", "status": 7}, "The status must be a whole number from 200 to 599."),
        ({"kind": "slow", "seconds": "1"}, "The seconds must be a number from 0 to 3600."),
        ('{"kind": "slow", "seconds": NaN}', "The seconds must be a number from 0 to 3600."),
        ({"kind": "slow", "seconds": -1}, "The seconds must be a number from 0 to 3600."),
        ({"kind": "status", "retry_after": 3}, "The retry_after must be a line of text."),
        ({"kind": "status", "retry_after": "3\r\nX: y"}, "The retry_after must be a line of text."),
        ({"kind": "drop", "method": "get"}, "The method must be empty or one of GET, POST, PUT, PATCH, DELETE, HEAD."),
        ({"kind": "drop", "method": None}, "The method must be empty or one of GET, POST, PUT, PATCH, DELETE, HEAD."),
        ({"kind": "drop", "method": {}}, "The method must be empty or one of GET, POST, PUT, PATCH, DELETE, HEAD."),
    ],
)
def test_a_wrong_fault_is_refused_in_words_and_not_armed(sandbox: ActitoSandbox, body: Any, told: str) -> None:
    data = json.dumps(body) if isinstance(body, dict) else body
    answer = requests.post(sandbox.url + "/_sandbox/faults", data=data, timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"message": told})
    assert sandbox.faults == []


# State


def test_a_restart_keeps_everything_but_tokens(tmp_path: Any, receiver: Receiver) -> None:
    state = tmp_path / "var" / "actito.json"
    first = ActitoSandbox(state)
    first.seed(profiles=[ANN, BEN])
    first.start()
    call = Caller(first)
    webhook = call.hook(receiver, "UPDATE")
    call("PUT", f"/v4{TABLE}/1", profile_body(points=250))
    call("DELETE", f"/v4{TABLE}/2")
    first.drain()
    first.stop()
    assert [path.name for path in state.parent.iterdir()] == ["actito.json"]
    assert json.loads(state.read_text())["api_keys"] == ["sandbox-api-key"]

    second = ActitoSandbox(state)
    second.start()
    call = Caller(second)
    assert call.attributes("emailAddress=ann@example.com")["points"] == 250
    assert call("GET", f"/v4/entity/demo/webhookSubscription/{webhook}").status_code == 200
    assert call("POST", f"/v4{TABLE}?allowUpdate=true", profile_body(**BEN)).json() == {"profileId": 3}
    second.set_attribute("demo", "Profiles", 1, "points", 251)
    second.drain()
    second.stop()
    assert [body["data"]["points"] for body in receiver.bodies()] == [250, 251]


def test_seeding_twice_changes_nothing(call: Caller, sandbox: ActitoSandbox, receiver: Receiver) -> None:
    call.hook(receiver, "CREATE")
    sandbox.set_attribute("demo", "Profiles", 1, "points", 999)
    again = sandbox.seed(profiles=[ANN, BEN, {"emailAddress": "cleo@example.com"}])
    sandbox.drain()
    assert again.profile_ids == [1, 2, 3]
    assert sandbox.values("demo", "Profiles", "emailAddress=ann@example.com")["points"] == 999
    assert sandbox.values("demo", "Profiles", 1)["Newsletter"] is True
    assert len(call("GET", "/v5/entities").json()["entities"]) == 1
    assert receiver.arrived == []


def test_a_seeded_profile_must_fit_the_table(sandbox: ActitoSandbox) -> None:
    with pytest.raises(Refusal):
        sandbox.seed(profiles=[{"emailAddress": "x@example.com", "shoeSize": 42}])
    with pytest.raises(ValueError, match="unique attribute"):
        sandbox.seed(profiles=[{"points": 1}])


def wait_until(condition: Any, seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
