"""What the stand-in for Didomi tells its webhook: news, tokens, retries, and what is given up."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.didomi.sandbox import DidomiSandbox, Refusal
from portal.sandbox import Fault
from tests.integrations.didomi.sandbox_kit import ANNA, EVENTS, USERS, Caller, Listener, payload, running

QUICK = 0.001  # five minutes are 0.3 seconds


@pytest.fixture
def listener() -> Iterator[Listener]:
    with running(Listener()) as made:
        yield made


@pytest.fixture
def sandbox(listener: Listener) -> Iterator[DidomiSandbox]:
    with running(DidomiSandbox()) as made:
        made.switch(time_factor=QUICK)
        made.webhook_to(f"{listener.url}/news")
        yield made


def newsletter(sandbox: DidomiSandbox, enabled: bool = True, person: str = ANNA, **more: Any) -> dict[str, Any]:
    event = sandbox.say(person, purposes={"newsletter": enabled}, **more)
    sandbox.drain()
    return event


# What is told


def test_a_new_event_of_somebody_new_is_news_of_both(sandbox: DidomiSandbox, listener: Listener) -> None:
    event = newsletter(sandbox)
    told, user = listener.bodies()
    assert told == {"type": "event.created", "parameters": {"entity": event}, "regulation": "gdpr"}
    assert user == {"type": "user.created", "parameters": {"entity": sandbox.user(ANNA)}, "regulation": "gdpr"}
    assert listener.arrived[0].headers["content-type"] == "application/json"


def test_an_update_tells_what_was_what_is_and_why(sandbox: DidomiSandbox, listener: Listener) -> None:
    newsletter(sandbox)
    before = sandbox.user(ANNA)
    event = newsletter(sandbox, False)
    told = listener.bodies()[-1]
    assert told["type"] == "user.updated"
    expected = {"source": event, "old_entity": before, "new_entity": sandbox.user(ANNA)}
    assert told["parameters"] == expected


def test_an_approval_is_an_update_of_the_event(sandbox: DidomiSandbox, listener: Listener) -> None:
    pending = newsletter(sandbox, status="pending_approval")
    assert listener.types() == ["event.created", "user.created"]
    sandbox.approve(pending["id"])
    sandbox.drain()
    told = listener.bodies()[2]
    assert told["type"] == "event.updated"
    assert told["parameters"]["old_entity"]["status"] == "pending_approval"
    assert told["parameters"]["new_entity"]["status"] == "confirmed"


def test_a_deletion_is_told_whole_or_with_the_least(sandbox: DidomiSandbox, listener: Listener) -> None:
    first, second = newsletter(sandbox), newsletter(sandbox)
    sandbox.take_back(first["id"])
    sandbox.switch(minimal_deleted=True)
    sandbox.take_back(second["id"])
    sandbox.drain()
    deleted = [body["parameters"]["entity"] for body in listener.bodies() if body["type"] == "event.deleted"]
    assert deleted == [first, {"id": second["id"], "created_at": second["created_at"]}]


def test_a_user_that_is_made_changed_and_deleted_is_news(sandbox: DidomiSandbox, listener: Listener) -> None:
    call = Caller(sandbox)
    user = call("POST", USERS, {"organization_user_id": ANNA}).json()
    call("PATCH", f"{USERS}/{user['id']}", {"country": "BE"})
    call("DELETE", f"{USERS}/{user['id']}")
    sandbox.drain()
    assert listener.types() == ["user.created", "user.updated", "user.deleted"]
    assert "source" not in listener.bodies()[1]["parameters"]


def test_only_chosen_types_are_told(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.webhook_to(f"{listener.url}/news", types=["event.created", "event.deleted"])
    event = newsletter(sandbox)
    sandbox.take_back(event["id"])
    sandbox.drain()
    assert listener.types() == ["event.created", "event.deleted"]


def test_switches_say_whether_and_when_users_are_told(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(user_first=True, with_source=False, with_regulation=False)
    newsletter(sandbox)
    newsletter(sandbox)
    assert listener.types() == ["user.created", "event.created", "user.updated", "event.created"]
    assert "source" not in listener.bodies()[2]["parameters"]
    assert "regulation" not in listener.bodies()[0]
    sandbox.switch(user_webhooks=False)
    newsletter(sandbox)
    assert listener.types()[4:] == ["event.created"]


def test_other_regulations_are_told_only_on_request(sandbox: DidomiSandbox, listener: Listener) -> None:
    newsletter(sandbox, regulation="cpra")
    assert listener.types() == []
    sandbox.switch(multi_regulation=True)
    newsletter(sandbox, False, regulation="cpra")
    assert {body["regulation"] for body in listener.bodies()} == {"cpra"}
    told = listener.bodies()[-1]["parameters"]
    assert told["old_entity"]["consents"]["purposes"] == [{"id": "newsletter", "enabled": True}]
    assert told["new_entity"]["consents"]["purposes"] == [{"id": "newsletter", "enabled": False}]


def test_what_disables_integrations_is_not_told(sandbox: DidomiSandbox, listener: Listener) -> None:
    call = Caller(sandbox)
    call("POST", EVENTS, payload("event_smallest"), **{"$disable_integrations": "true"})
    sandbox.drain()
    assert listener.types() == []
    assert call.purposes() == {"newsletter": True}
    sandbox.switch(disable_mutes=False)
    call("POST", EVENTS, payload("event_smallest"), **{"$disable_integrations": "true"})
    sandbox.drain()
    assert listener.types() == ["event.created", "user.updated"]


@pytest.mark.parametrize(
    ("flatten", "prefix", "keys"),
    [
        ("index", "parameters__entity", {"purposes__0__id", "purposes__0__enabled", "channels__0__enabled"}),
        ("index", "", {"purposes__1__preferences__0__channels__0__enabled", "vendors__disabled_li__0"}),
        ("id", "entity", {"purposes__newsletter__enabled", "channels__email__enabled", "vendors__enabled__0"}),
    ],
)
def test_news_is_flattened_both_ways(
    sandbox: DidomiSandbox, listener: Listener, flatten: str, prefix: str, keys: set[str]
) -> None:
    sandbox.switch(flatten=flatten, flat_prefix=prefix)
    call = Caller(sandbox)
    call("POST", EVENTS, payload("event_whole"))
    call("PATCH", f"{EVENTS}/{payload('event_whole')['id']}", {"metadata": {"seen": True}})
    sandbox.drain()
    created, updated = listener.bodies()[0], listener.bodies()[2]
    assert (created["type"], created["regulation"]) == ("event.created", "gdpr")
    assert updated["type"] == "event.updated"
    start = f"{prefix}__" if prefix else ""
    flat, later = (body if prefix else body["parameters"]["entity"] for body in (created, updated))
    assert {f"{start}consents__{key}" for key in keys} <= set(flat)
    assert not any(isinstance(value, dict | list) for value in flat.values())
    assert later[f"{start}metadata__seen"] is True


def test_news_comes_twice_and_out_of_order_where_switches_say_so(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(duplicate=True, user_webhooks=False)
    newsletter(sandbox)
    first, again = listener.arrived
    assert first.body == again.body
    sandbox.switch(duplicate=False, out_of_order=True)
    one, two = sandbox.say(ANNA, purposes={"newsletter": True}), sandbox.say(ANNA, purposes={"newsletter": False})
    sandbox.drain()
    assert [body["parameters"]["entity"]["id"] for body in listener.bodies()[2:]] == [two["id"], one["id"]]
    three = newsletter(sandbox)  # nothing follows, so that it is sent by itself
    assert listener.bodies()[-1]["parameters"]["entity"]["id"] == three["id"]


# Who sends it


def test_an_api_key_is_sent_along(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.webhook_to(f"{listener.url}/news", api_key="key-of-the-tenant")
    newsletter(sandbox)
    assert listener.arrived[0].headers["x-api-key"] == "key-of-the-tenant"
    assert "authorization" not in listener.arrived[0].headers


def with_token(sandbox: DidomiSandbox, listener: Listener, **more: Any) -> None:
    about = {"token_url": f"{listener.url}/oauth/token", "client_id": "didomi", "client_secret": "s3"}
    sandbox.webhook_to(f"{listener.url}/news", **about, **more)


def test_a_token_is_fetched_once_and_sent_until_it_expires(sandbox: DidomiSandbox, listener: Listener) -> None:
    with_token(sandbox, listener, scope="news")
    newsletter(sandbox)
    newsletter(sandbox)
    assert {request.headers["authorization"] for request in listener.arrived} == {"Bearer token-1"}
    form = {"grant_type": "client_credentials", "client_id": "didomi", "client_secret": "s3", "scope": "news"}
    assert listener.forms == [form]


def test_an_expired_token_is_fetched_anew(sandbox: DidomiSandbox, listener: Listener) -> None:
    listener.expires_in = 0
    sandbox.switch(user_webhooks=False)
    with_token(sandbox, listener)
    newsletter(sandbox)
    newsletter(sandbox)
    assert [request.headers["authorization"] for request in listener.arrived] == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_is_refused_is_fetched_anew(sandbox: DidomiSandbox, listener: Listener) -> None:
    with_token(sandbox, listener)
    sandbox.switch(user_webhooks=False)
    listener.answers = [401]
    newsletter(sandbox)
    assert [request.headers["authorization"] for request in listener.arrived] == ["Bearer token-1", "Bearer token-2"]
    assert sandbox.parked() == []


def test_the_client_names_itself_by_basic_where_the_switch_says_so(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(token_basic=True)
    with_token(sandbox, listener)
    newsletter(sandbox)
    assert listener.token_heads == ["Basic " + base64.b64encode(b"didomi:s3").decode()]
    assert listener.forms == [{"grant_type": "client_credentials"}]


def test_without_a_token_nothing_is_sent_and_all_is_parked(sandbox: DidomiSandbox, listener: Listener) -> None:
    listener.arm(Fault("status", path="/oauth/token", status=401, times=99))
    with_token(sandbox, listener)
    newsletter(sandbox)
    assert listener.arrived == []
    assert {parcel["type"] for parcel in sandbox.parked()} == {"event.created", "user.created"}
    assert "401" in sandbox.deliveries()[0]["error"]
    assert "s3" not in str(sandbox.deliveries())


@pytest.mark.parametrize("expires_in", ["soon", None, []])
def test_a_token_without_a_readable_end_is_no_token(
    sandbox: DidomiSandbox, listener: Listener, expires_in: Any
) -> None:
    listener.expires_in = expires_in
    with_token(sandbox, listener)
    newsletter(sandbox)
    assert len(sandbox.parked()) == 2


# When it is not taken


def test_news_is_posted_again_five_times_within_five_minutes_and_parked_then(
    sandbox: DidomiSandbox, listener: Listener
) -> None:
    sandbox.switch(user_webhooks=False)
    listener.answers = [500] * 6
    started = time.monotonic()
    newsletter(sandbox)
    assert 0.3 <= time.monotonic() - started < 5
    rows = sandbox.deliveries()
    assert [(row["try"], row["status"]) for row in rows] == [(count, 500) for count in range(1, 7)]
    gaps = [later["sent_at"] - row["sent_at"] for row, later in pairwise(rows)]
    assert gaps[0] < gaps[-1]
    (parcel,) = sandbox.parked()
    assert (parcel["tries"], parcel["person"]) == (6, ANNA)


def test_what_is_parked_can_be_sent_again(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(retries=0)
    listener.answers = [500, 500]
    newsletter(sandbox)
    first, second = sandbox.parked()
    answer = requests.post(f"{sandbox.url}/_sandbox/parked/{second['id']}", timeout=5)
    assert (answer.status_code, answer.json()) == (202, {"sent": 1})
    sandbox.drain()
    assert [parcel["id"] for parcel in sandbox.parked()] == [first["id"]]
    assert requests.post(f"{sandbox.url}/_sandbox/parked", timeout=5).json() == {"sent": 1}
    sandbox.drain()
    assert listener.types() == ["event.created", "user.created", "user.created", "event.created"]
    assert sandbox.parked() == []
    assert requests.post(f"{sandbox.url}/_sandbox/parked/none", timeout=5).status_code == 404


@pytest.mark.parametrize("status", [302, 404, 503])
def test_anything_but_2xx_is_not_taken(sandbox: DidomiSandbox, listener: Listener, status: int) -> None:
    sandbox.switch(user_webhooks=False)
    listener.answers = [status, 202]
    newsletter(sandbox)
    assert [row["status"] for row in sandbox.deliveries()] == [status, 202]


def test_a_refusal_is_final_where_the_switch_says_so(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(user_webhooks=False, retry_refused=False)
    listener.answers = [400]
    newsletter(sandbox)
    assert len(listener.arrived) == 1
    assert len(sandbox.parked()) == 1


def test_a_dropped_line_is_tried_again(sandbox: DidomiSandbox, listener: Listener) -> None:
    sandbox.switch(user_webhooks=False)
    listener.arm(Fault("drop", path="/news"))
    newsletter(sandbox)
    assert [row["status"] for row in sandbox.deliveries()] == [None, 200]
    assert len(listener.arrived) == 2


def test_a_webhook_that_moved_meets_the_retries_at_its_new_address(listener: Listener) -> None:
    with running(DidomiSandbox()) as sandbox:
        sandbox.switch(time_factor=QUICK, user_webhooks=False)
        sandbox.webhook_to("http://127.0.0.1:9/news")
        sandbox.say(ANNA, purposes={"newsletter": True})
        until(lambda: bool(sandbox.deliveries()))
        sandbox.webhook_to(f"{listener.url}/news")
        sandbox.drain()
    assert listener.types() == ["event.created"]


def test_what_is_under_way_at_a_stop_is_parked(tmp_path: Path, listener: Listener) -> None:
    with running(DidomiSandbox(tmp_path / "state.json")) as sandbox:
        sandbox.webhook_to("http://127.0.0.1:9/news")
        sandbox.say(ANNA, purposes={"newsletter": True})
        until(lambda: len(sandbox.deliveries()) == 2)  # the retries are seconds away
    with running(DidomiSandbox(tmp_path / "state.json")) as again:
        again.webhook_to(f"{listener.url}/news")
        assert again.send_parked() == 2
        again.drain()
    assert set(listener.types()) == {"event.created", "user.created"}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"url": "ftp://example.com"},
        {"url": "http://[bad"},
        {"url": "http://example.com/x", "types": ["event.moved"]},
        {"url": "http://example.com/x", "types": [["event.created"]]},
        {"url": "http://example.com/x", "token_url": "nowhere"},
        {"url": "http://example.com/x", "api_key": 7},
        {"url": "http://example.com/x", "colour": "red"},
    ],
)
def test_a_webhook_that_is_none_is_refused_and_the_old_one_stays(sandbox: DidomiSandbox, wrong: Any) -> None:
    address = f"{sandbox.url}/_sandbox/webhook"
    before = requests.get(address, timeout=5).json()
    assert requests.put(address, json=wrong, timeout=5).status_code == 400
    assert requests.get(address, timeout=5).json() == before


def test_the_webhook_is_set_and_removed_over_the_line(sandbox: DidomiSandbox, listener: Listener) -> None:
    address = f"{sandbox.url}/_sandbox/webhook"
    wanted = {"url": f"{listener.url}/news", "api_key": "hidden-key"}
    shown = requests.put(address, json=wanted, timeout=5)
    assert shown.json()["webhook"]["url"] == wanted["url"]
    assert "hidden-key" not in shown.text
    assert requests.delete(address, timeout=5).status_code == 204
    newsletter(sandbox)
    assert listener.arrived == []
    with pytest.raises(Refusal):
        sandbox.webhook_to("nowhere")


def until(reached: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
