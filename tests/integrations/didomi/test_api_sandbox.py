"""The stand-in for Didomi's consent API, spoken to over real sockets."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from django.conf import settings

from integrations.demo.people import profiles, seed_didomi
from integrations.didomi.sandbox import ORGANIZATION, DidomiSandbox
from portal.sandbox import Fault
from tests.integrations.didomi.sandbox_kit import (
    ANNA,
    EVENTS,
    SHAPES,
    USERS,
    Caller,
    open_session,
    payload,
    running,
)

DEFINITIONS = json.loads(SHAPES.read_text())["definitions"]


@pytest.fixture
def sandbox() -> Iterator[DidomiSandbox]:
    with running(DidomiSandbox()) as made:
        yield made


@pytest.fixture
def call(sandbox: DidomiSandbox) -> Caller:
    return Caller(sandbox)


def without_nulls(value: Any) -> Any:
    """The OpenAPI has no null where the pages have it: no choice made, no country given."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def fits(body: Any, definition: str) -> None:
    jsonschema.validate(without_nulls(body), DEFINITIONS[definition])


def purposes(*choices: tuple[str, bool | None]) -> dict[str, Any]:
    return {"purposes": [{"id": name, "enabled": enabled} for name, enabled in choices]}


def refused(answer: requests.Response, status: int, name: str) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"code", "name", "message", "errors"}
    assert (body["code"], body["name"]) == (status, name)
    return str(body["message"])


# Sessions


def test_a_key_and_its_secret_open_a_session(sandbox: DidomiSandbox) -> None:
    answer = open_session(sandbox)
    assert answer.status_code == 200
    assert set(answer.json()) == {"type", "key", "access_token"}
    claims = answer.json()["access_token"].split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert decoded["exp"] - decoded["iat"] == 3600


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"key": "other"}, {"key": None}, {"type": "user"}, {"key": []}])
def test_a_wrong_pair_is_a_bad_request(sandbox: DidomiSandbox, wrong: dict[str, Any]) -> None:
    assert refused(open_session(sandbox, **wrong), 400, "BadRequest") == "Invalid authentication information"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic abc"}])
def test_without_a_token_there_is_no_answer(sandbox: DidomiSandbox, headers: dict[str, str]) -> None:
    address = f"{sandbox.url}/v1{USERS}?organization_id={ORGANIZATION}"
    refused(requests.get(address, headers=headers, timeout=5), 401, "NotAuthenticated")
    sandbox.switch(unauthorized_name="Unauthorized", errors_as_list=True)
    answer = requests.get(address, headers=headers, timeout=5)
    refused(answer, 401, "Unauthorized")
    assert answer.json()["errors"] == []


def test_a_token_expires_and_all_can_be_ended() -> None:
    with running(DidomiSandbox(token_seconds=0.2)) as sandbox:
        call = Caller(sandbox)
        assert call("GET", USERS).status_code == 200
        time.sleep(0.25)
        refused(call("GET", USERS), 401, "NotAuthenticated")
        sandbox.token_seconds = 60
        call = Caller(sandbox)
        requests.delete(f"{sandbox.url}/_sandbox/sessions", timeout=5)
        refused(call("GET", USERS), 401, "NotAuthenticated")


def test_a_disabled_key_opens_no_session_but_its_token_lives_on(sandbox: DidomiSandbox) -> None:
    requests.put(f"{sandbox.url}/_sandbox/keys/second", json={"secret": "s"}, timeout=5)
    assert open_session(sandbox, "second", "s").status_code == 200
    call = Caller(sandbox)
    call.token = open_session(sandbox, "second", "s").json()["access_token"]
    assert requests.delete(f"{sandbox.url}/_sandbox/keys/second", timeout=5).status_code == 204
    refused(open_session(sandbox, "second", "s"), 400, "BadRequest")
    assert call("GET", USERS).status_code == 200


def test_another_organisation_is_out_of_reach(sandbox: DidomiSandbox, call: Caller) -> None:
    refused(call("GET", USERS, organization_id="other"), 403, "Forbidden")
    refused(call("POST", EVENTS, {**payload("event_smallest"), "organization_id": "other"}), 403, "Forbidden")
    sandbox.switch(foreign_status=404)
    refused(call("GET", USERS, organization_id="other"), 404, "NotFound")
    refused(call("GET", USERS, organization_id=""), 400, "BadRequest")
    assert sandbox.events == []


# Events


def test_the_smallest_event_is_filled_in(sandbox: DidomiSandbox, call: Caller) -> None:
    event = call("POST", EVENTS, payload("event_smallest")).json()
    fits(event, "consent-events")
    assert (event["status"], event["regulation"]) == ("confirmed", "gdpr")
    assert event["organization_id"] == ORGANIZATION
    user = call("GET", f"{USERS}/{event['user']['id']}").json()
    fits(user, "consent-users")
    assert user["organization_user_id"] == ANNA
    assert user["consents"]["purposes"] == [{"id": "newsletter", "enabled": True}]


def test_a_whole_event_is_kept_whole(call: Caller) -> None:
    sent = payload("event_whole")
    event = call("POST", EVENTS, sent).json()
    fits(event, "consent-events")
    assert event["created_at"] == "2026-03-01T08:30:00.000Z"
    for name in ("id", "user", "consents", "delegate", "metadata"):
        assert event[name] == sent[name], name
    proof = call("GET", f"/consents/proofs/{event['proofs_id'][0]}").json()
    fits(proof, "consent-proofs")
    assert proof["file"] == sent["proofs"][0]
    user = call("GET", f"{USERS}/{sent['user']['id']}").json()
    assert (user["country"], user["last_seen_country"], user["metadata"]) == ("BE", "FR", {"shop": "Gent"})
    assert user["consents"]["tcfcs"] == sent["consents"]["tcfcs"]
    assert user["consents"]["purposes"][1]["preferences"][0]["channels"] == [{"id": "sms", "enabled": False}]


def test_what_an_event_does_not_name_stays(call: Caller) -> None:
    call.say(consents=purposes(("newsletter", True), ("promotions", False)))
    call.say(consents=purposes(("promotions", True)) | {"channels": [{"id": "sms", "enabled": False}]})
    call.say(consents={"purposes": [{"id": "newsletter", "values": {"topics": {"value": "wine"}}}]})
    (user,) = call("GET", USERS, organization_user_id=ANNA).json()
    assert call.purposes() == {"newsletter": True, "promotions": True}
    assert user["consents"]["purposes"][0]["values"] == {"topics": {"value": "wine"}}
    assert user["consents"]["channels"] == [{"id": "sms", "enabled": False}]
    assert user["version"] == 3


def test_null_is_no_choice(sandbox: DidomiSandbox, call: Caller) -> None:
    call.say(consents=purposes(("newsletter", True), ("promotions", None)))
    call.say(consents=purposes(("newsletter", None)))
    assert call.purposes() == {"newsletter": True, "promotions": None}
    sandbox.switch(null_clears=True)
    call.say(consents=purposes(("newsletter", None)))
    assert call.purposes()["newsletter"] is None


def test_events_count_in_the_order_of_their_dates(call: Caller) -> None:
    call.say(consents=purposes(("newsletter", False)), created_at="2026-02-02T00:00:00Z")
    call.say(consents=purposes(("newsletter", True)), created_at="2026-01-01T00:00:00Z")
    assert call.purposes() == {"newsletter": False}


def test_a_vendor_is_enabled_or_disabled(call: Caller) -> None:
    call.say(consents={"vendors": {"enabled": ["a", "b"]}})
    call.say(consents={"vendors": {"disabled": ["b"]}})
    (user,) = call("GET", USERS, organization_user_id=ANNA).json()
    assert user["consents"]["vendors"] == {"enabled": ["a"], "disabled": ["b"], "enabled_li": [], "disabled_li": []}


def test_an_event_that_waits_changes_nothing_until_it_is_approved(sandbox: DidomiSandbox, call: Caller) -> None:
    pending = call.say(consents=purposes(("newsletter", True)), status="pending_approval", created_at="2026-01-01")
    call.say(consents=purposes(("newsletter", False)), created_at="2026-01-02")
    assert call.purposes() == {"newsletter": False}
    approved = call("PATCH", f"{EVENTS}/{pending['id']}", {"status": "confirmed"}).json()
    assert approved["status"] == "confirmed"
    assert call.purposes() == {"newsletter": True}  # by the date of its approval, the newest
    sandbox.switch(approval_counts=False)
    call("PATCH", f"{EVENTS}/{pending['id']}", {"status": "confirmed"})
    assert call.purposes() == {"newsletter": False}


def test_a_deleted_event_never_happened(call: Caller) -> None:
    call.say(consents=purposes(("newsletter", True)), created_at="2026-01-01")
    second = call.say(consents=purposes(("newsletter", False), ("promotions", True)), created_at="2026-01-02")
    assert call("DELETE", f"{EVENTS}/{second['id']}").status_code == 204
    assert call.purposes() == {"newsletter": True}
    refused(call("GET", f"{EVENTS}/{second['id']}"), 404, "NotFound")


def test_a_changed_event_is_counted_anew(call: Caller) -> None:
    event = call.say(consents=purposes(("newsletter", True)))
    changed = call("PATCH", f"{EVENTS}/{event['id']}", {"consents": purposes(("promotions", True))}).json()
    assert [each["id"] for each in changed["consents"]["purposes"]] == ["promotions"]
    assert call.purposes() == {"promotions": True}
    refused(call("PATCH", f"{EVENTS}/{event['id']}", {"status": "perhaps"}), 400, "BadRequest")


def test_an_id_that_is_known_is_refused(sandbox: DidomiSandbox, call: Caller) -> None:
    body = {**payload("event_smallest"), "id": "one"}
    assert call("POST", EVENTS, body).status_code == 200
    refused(call("POST", EVENTS, body), 409, "Conflict")
    sandbox.switch(duplicate_status=400)
    refused(call("POST", EVENTS, body), 400, "BadRequest")
    assert call("GET", f"{EVENTS}/one").status_code == 200
    assert len(sandbox.events) == 1


@pytest.mark.parametrize(
    ("consents", "word"),
    [
        (purposes(("nonsense", True)), "purpose nonsense"),
        ({"channels": [{"id": "pigeon", "enabled": True}]}, "channel pigeon"),
        ({"purposes": [{"id": "newsletter", "values": {"colour": {"value": "red"}}}]}, "preference colour"),
        ({"purposes": [{"id": "newsletter", "values": {"topics": {"value": "wine,beer"}}}]}, "value beer"),
        ({"purposes": [{"id": "cookies", "preferences": [{"id": "daily", "enabled": True}]}]}, "preference daily"),
    ],
)
def test_what_is_not_in_the_catalogue_is_refused(
    sandbox: DidomiSandbox, call: Caller, consents: Any, word: str
) -> None:
    body = {"user": {"organization_user_id": ANNA}, "consents": consents}
    assert word in refused(call("POST", EVENTS, body), 400, "BadRequest")
    assert sandbox.users(ANNA) == []
    sandbox.switch(check_catalogue=False)
    assert call("POST", EVENTS, body).status_code == 200


def test_what_was_in_the_catalogue_once_is_taken(sandbox: DidomiSandbox, call: Caller) -> None:
    requests.put(f"{sandbox.url}/_sandbox/preferences/colour", json={"values": {"red": "Red"}}, timeout=5)
    requests.put(f"{sandbox.url}/_sandbox/purposes/club", json={"preferences": ["colour"]}, timeout=5)
    assert requests.delete(f"{sandbox.url}/_sandbox/catalogue/club", timeout=5).status_code == 204
    assert requests.delete(f"{sandbox.url}/_sandbox/catalogue/never", timeout=5).status_code == 404
    call.say(consents={"purposes": [{"id": "club", "enabled": True, "values": {"colour": {"value": "red"}}}]})
    listed = call("GET", "/metadata/purposes").json()["data"]
    assert "club" not in [each["id"] for each in listed]


@pytest.mark.parametrize(
    "change",
    [
        {"consents": None},
        {"consents": []},
        {"consents": {"purposes": {"id": "newsletter"}}},
        {"consents": {"purposes": [{"enabled": True}]}},
        {"consents": {"purposes": [{"id": "newsletter", "enabled": "yes"}]}},
        {"consents": {"purposes": [{"id": "newsletter", "enabled": 1}]}},
        {"consents": {"purposes": [{"id": "newsletter", "values": {"topics": "wine"}}]}},
        {"consents": {"purposes": [{"id": "newsletter", "values": {"topics": {"value": ["wine"]}}}]}},
        {"consents": {"vendors": {"enabled": "a"}}},
        {"created_at": "yesterday"},
        {"created_at": 17},
        {"status": "denied"},
        {"user": "anna"},
        {"user": {"organization_user_id": 7}},
        {"user": {"organization_user_id": ANNA, "metadata": {"note": "x" * 10_001}}},
        {"metadata": {"note": "x" * 10_001}},
        {"delegate": {"name": "Nobody"}},
        {"proofs": ["https://example.com/proof.pdf"]},
        {"regulation": 3},
    ],
)
def test_a_malformed_event_is_refused_and_changes_nothing(
    sandbox: DidomiSandbox, call: Caller, change: dict[str, Any]
) -> None:
    assert refused(call("POST", EVENTS, {**payload("event_smallest"), **change}), 400, "BadRequest")
    assert sandbox.events == []
    assert sandbox.users(ANNA) == []


def test_a_body_that_is_no_json_is_refused(sandbox: DidomiSandbox, call: Caller) -> None:
    address = f"{sandbox.url}/v1{EVENTS}?organization_id={ORGANIZATION}"
    headers = {"Authorization": f"Bearer {call.token}"}
    refused(requests.post(address, data=b"{", headers=headers, timeout=5), 400, "BadRequest")
    refused(requests.post(address, data=b'"text"', headers=headers, timeout=5), 400, "BadRequest")


def test_the_future_is_refused_where_the_switch_says_so(sandbox: DidomiSandbox, call: Caller) -> None:
    ahead = {**payload("event_smallest"), "created_at": "2126-01-01T00:00:00Z"}
    assert call("POST", EVENTS, ahead).status_code == 200
    sandbox.switch(refuse_future=True)
    refused(call("POST", EVENTS, ahead), 400, "BadRequest")


def test_events_are_listed_for_somebody_confirmed_and_under_gdpr(call: Caller) -> None:
    refused(call("GET", EVENTS), 400, "BadRequest")
    first = call.say(consents=purposes(("newsletter", True)), created_at="2026-01-02")
    waiting = call.say(consents=purposes(("newsletter", False)), status="pending_approval", created_at="2026-01-01")
    other = call.say(consents=purposes(("newsletter", False)), regulation="cpra", created_at="2026-01-03")

    def listed(**query: Any) -> list[str]:
        return [event["id"] for event in call("GET", EVENTS, **query).json()]

    assert listed(organization_user_id=ANNA) == [first["id"]]
    assert listed(user_id=first["user"]["id"]) == [first["id"]]
    assert listed(organization_user_id="nobody@example.com") == []
    both = {"status[$in]": ["confirmed", "pending_approval"]}
    assert listed(organization_user_id=ANNA, **both) == [waiting["id"], first["id"]]
    regulations = {"regulation[$in]": ["gdpr", "cpra"]}
    assert listed(organization_user_id=ANNA, **regulations) == [first["id"], other["id"]]
    assert call.purposes() == {"newsletter": True}
    assert call.purposes(regulation="cpra") == {"newsletter": False}


def test_an_event_is_found_only_under_its_own_person(call: Caller) -> None:
    event = call.say(consents=purposes(("newsletter", True)))
    assert call("GET", f"{EVENTS}/{event['id']}", organization_user_id=ANNA).status_code == 200
    refused(call("GET", f"{EVENTS}/{event['id']}", organization_user_id="bo@example.com"), 404, "NotFound")


def test_events_are_deleted_by_what_they_hold(sandbox: DidomiSandbox, call: Caller) -> None:
    kept = call.say(consents=purposes(("newsletter", True)), metadata={"booking_id": 41})
    call.say(consents=purposes(("newsletter", False)), metadata={"booking_id": 42})
    refused(call("DELETE", EVENTS), 400, "BadRequest")
    assert call("DELETE", EVENTS, **{"metadata.booking_id": "42", "organization_user_id": ANNA}).status_code == 204
    assert [event["id"] for event in sandbox.events] == [kept["id"]]
    assert call.purposes() == {"newsletter": True}
    assert call("DELETE", EVENTS, organization_user_id=ANNA).status_code == 204
    assert sandbox.events == []


# Users


def test_several_users_share_one_person(sandbox: DidomiSandbox, call: Caller) -> None:
    for device, enabled in (("phone", True), ("laptop", False)):
        call.say(user={"id": device, "organization_user_id": ANNA}, consents=purposes(("newsletter", enabled)))
    found = call("GET", USERS, organization_user_id=ANNA).json()
    assert [user["id"] for user in found] == ["phone", "laptop"]
    time.sleep(0.002)
    call.say(user={"id": "phone"}, consents=purposes(("promotions", True)))
    assert sandbox.user(ANNA)["id"] == "phone"
    assert sandbox.events[-1]["user"] == {"id": "phone", "organization_user_id": ANNA}


def test_nobody_named_is_a_random_user_and_a_person_stays_who_they_are(sandbox: DidomiSandbox, call: Caller) -> None:
    event = call.say(user={}, consents=purposes(("newsletter", True)))
    user_id = event["user"]["id"]
    for person in (ANNA, "other@example.com"):
        call.say(user={"id": user_id, "organization_user_id": person}, consents=purposes(("newsletter", True)))
    assert call("GET", f"{USERS}/{user_id}").json()["organization_user_id"] == ANNA


def test_what_is_told_of_a_person_is_merged(call: Caller) -> None:
    for metadata in ({"a": 1, "b": 1}, {"b": 2}):
        user = {"organization_user_id": ANNA, "metadata": metadata}
        call.say(user=user, consents=purposes(("newsletter", True)))
    (found,) = call("GET", USERS, organization_user_id=ANNA).json()
    assert found["metadata"] == {"a": 1, "b": 2}


def test_a_user_is_made_changed_and_deleted(sandbox: DidomiSandbox, call: Caller) -> None:
    made = call("POST", USERS, {"organization_id": ORGANIZATION, "organization_user_id": ANNA, "metadata": {"a": 1}})
    fits(made.json(), "consent-users")
    own = {"$by_organization_user_id": "true"}
    changed = call("PATCH", f"{USERS}/{ANNA}", {"version": 1, "metadata": {"b": 2}, "country": "BE"}, **own).json()
    assert (changed["version"], changed["metadata"], changed["country"]) == (2, {"a": 1, "b": 2}, "BE")
    refused(call("PATCH", f"{USERS}/{ANNA}", {"version": 1}, **own), 409, "Conflict")
    refused(call("GET", f"{USERS}/{ANNA}"), 404, "NotFound")
    call.say(consents=purposes(("newsletter", True)))
    gone = call("DELETE", f"{USERS}/{made.json()['id']}")
    assert (gone.status_code, gone.json()["organization_user_id"]) == (200, ANNA)
    refused(call("GET", f"{USERS}/{ANNA}", **own), 404, "NotFound")
    assert sandbox.events == []


# Lists, catalogue, limits


def test_lists_have_the_shape_of_the_switch(sandbox: DidomiSandbox, call: Caller) -> None:
    for number in range(5):
        sandbox.say(f"{number}@example.com", purposes={"newsletter": True})
    sandbox.switch(page_size=2, list_shape="data")
    assert len(call("GET", USERS).json()["data"]) == 5
    sandbox.switch(list_shape="page")
    found = call("GET", USERS, **{"$skip": 4}).json()
    assert (found["total"], found["limit"], found["skip"], len(found["data"])) == (5, 2, 4, 1)
    sandbox.switch(list_shape="cursor")
    cursor, people = "", []
    while cursor is not None:
        found = call("GET", USERS, **({"$cursor": cursor} if cursor else {})).json()
        people += [user["organization_user_id"] for user in found["data"]]
        cursor = found["cursor"]
    assert people == [f"{number}@example.com" for number in range(5)]
    refused(call("GET", USERS, **{"$cursor": "x"}), 400, "BadRequest")


def test_the_catalogue_is_listed(sandbox: DidomiSandbox, call: Caller) -> None:
    found = call("GET", "/metadata/purposes").json()
    assert (found["total"], found["skip"]) == (len(found["data"]), 0)
    assert found["data"][0]["description"] == {"en": "Newsletter"}
    topics = call("GET", "/preferences/topics").json()
    assert [value["id"] for value in topics["values"]] == ["wine", "cheese", "recipes"]
    assert topics in call("GET", "/preferences").json()["data"]
    refused(call("GET", "/preferences/none"), 404, "NotFound")
    sandbox.switch(translations=False)
    assert call("GET", "/metadata/purposes").json()["data"][0]["description"] == "Newsletter"
    translated = call("GET", "/metadata/purposes", **{"$translations": "true"}).json()
    assert translated["data"][0]["description"] == {"en": "Newsletter"}


def test_all_but_consents_is_limited(sandbox: DidomiSandbox, call: Caller) -> None:
    sandbox.switch(rate_limit=3)
    left = [call("GET", "/preferences") for _ in range(2)][-1]  # the session was the first
    assert left.headers["RateLimit"].startswith("limit=3, remaining=0, reset=1")
    assert left.headers["RateLimit-Policy"] == "3;w=15"
    answer = call("GET", "/preferences")
    refused(answer, 429, "TooManyRequests")
    assert 0 < int(answer.headers["Retry-After"]) <= 15
    assert call("GET", USERS).status_code == 200
    refused(call("GET", USERS, **{"$include_full_tree": "true"}), 429, "TooManyRequests")
    sandbox.switch(rate_limit=0)
    assert call("GET", "/preferences").status_code == 200


def test_faults_are_worded_as_errors(sandbox: DidomiSandbox, call: Caller) -> None:
    sandbox.arm(Fault("status", path=EVENTS, status=503))
    refused(call("POST", EVENTS, payload("event_smallest")), 503, "Unavailable")
    sandbox.arm(Fault("status", path=USERS, status=429, retry_after="7"))
    answer = call("GET", USERS)
    refused(answer, 429, "TooManyRequests")
    assert answer.headers["Retry-After"] == "7"
    sandbox.arm(Fault("drop", path=EVENTS))
    with pytest.raises(requests.ConnectionError):
        call("POST", EVENTS, payload("event_smallest"))
    assert len(sandbox.events) == 1  # the effect took place


def test_unknown_paths_and_methods_are_refused(call: Caller) -> None:
    refused(call("GET", "/nothing"), 404, "NotFound")
    answer = call("PUT", EVENTS)
    refused(answer, 405, "MethodNotAllowed")
    assert answer.headers["Allow"] == "DELETE, GET, POST"


def test_switches_are_read_and_set_over_the_line(sandbox: DidomiSandbox) -> None:
    address = f"{sandbox.url}/_sandbox/switches"
    assert requests.put(address, json={"list_shape": "data"}, timeout=5).json()["list_shape"] == "data"
    for wrong in ({"list_shape": "tree"}, {"flatten": "yes"}, {"nonsense": 1}, {"page_size": 0}, []):
        assert requests.put(address, json=wrong, timeout=5).status_code == 400
    assert requests.get(address, timeout=5).json() == sandbox.switches.as_json()


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "didomi.json"
    with running(DidomiSandbox(state)) as before:
        before.say(ANNA, purposes={"newsletter": True}, values={("newsletter", "topics"): "wine"})
        before.remove_from_catalogue("events")
        before.webhook_to("http://127.0.0.1:9/news", types=["user.deleted"])
    with running(DidomiSandbox(state)) as after:
        assert after.user(ANNA) == before.user(ANNA)
        assert after.events == before.events
        after.say(ANNA, purposes={"events": True})  # known once
        webhook = requests.get(f"{after.url}/_sandbox/webhook", timeout=5).json()["webhook"]
        assert webhook["types"] == ["user.deleted"]


def test_the_people_of_the_demo_are_known_to_didomi_once(sandbox: DidomiSandbox) -> None:
    for _ in range(2):
        seed_didomi(sandbox)
    assert len(sandbox.events) == len(profiles())
    first = profiles()[0]
    assert sandbox.user(first["emailAddress"])["consents"]["purposes"][0]["enabled"] is first["Newsletter"]


def test_every_switch_is_in_the_documentation(sandbox: DidomiSandbox) -> None:
    told = (settings.BASE_DIR / "docs" / "sandbox.md").read_text().split("## What is inferred")[1]
    didomi = told.split("Didomi's pages leave open")[1]
    assert [name for name in sandbox.switches.as_json() if f"`{name}`" not in didomi] == []


def test_a_thousand_events_of_one_person_are_taken_quickly(sandbox: DidomiSandbox) -> None:
    started = time.monotonic()
    for number in range(1000):
        sandbox.say(ANNA, purposes={"newsletter": number % 2 == 0, "promotions": True})
    assert time.monotonic() - started < 10
    assert sandbox.user(ANNA)["consents"]["purposes"][0]["enabled"] is False
