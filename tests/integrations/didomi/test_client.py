"""The client over real sockets: what each answer of Didomi means, and what of it is kept."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.didomi.answers import Preference, Purpose, Value
from integrations.didomi.client import MOST_PAGES, DidomiClient
from integrations.didomi.models import DidomiConnection
from integrations.didomi.sandbox import DidomiSandbox
from integrations.didomi.tokens import tokens
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.models import Attempt
from portal.sandbox import Fault
from tests.contracts.didomi import wrong as told_wrong
from tests.integrations.didomi.arrivals_world import ANNA, ORGANISATION, payload
from tests.integrations.didomi.didomi_world import KEY, SECRET, consent_event, make_didomi, trail_for
from tests.integrations.didomi.double import PAGE, SESSION, Double, Said, Seen, refusal

pytestmark = pytest.mark.django_db
EVENT = consent_event()
USERS, EVENTS = "/v1/consents/users", "/v1/consents/events"


@pytest.fixture
def connection(didomi: DidomiSandbox) -> DidomiConnection:
    return make_didomi(didomi.url)


@pytest.fixture
def client(connection: DidomiConnection) -> DidomiClient:
    return DidomiClient(connection)


@pytest.fixture
def doubled(double: Double) -> DidomiConnection:
    return make_didomi(double.url)


def paths(didomi: DidomiSandbox) -> list[str]:
    return [request["path"] for request in didomi.requests]


def refused(connection: DidomiConnection, call: Any = None) -> ApiError:
    """The error of a call, which is told in a sentence without secrets, and noted so."""
    client = DidomiClient(connection, trail_for(connection))
    with pytest.raises(ApiError) as caught:
        (call or (lambda one: one.users(ANNA)))(client)
    error = caught.value
    assert error.sentence.endswith(".")
    assert "Didomi" in error.sentence
    assert not any(secret in error.sentence for secret in (KEY, SECRET))
    return error


def post(client: DidomiClient) -> bool:
    return client.post_event(EVENT)


# People and their events


def test_somebody_whom_didomi_knows_is_read(didomi: DidomiSandbox, client: DidomiClient) -> None:
    didomi.say(ANNA, purposes={"newsletter": True}, channels={"email": False}, metadata={"shop": "Gent"})
    (anna,) = client.users(ANNA)
    assert (anna.organization_user_id, anna.regulation, anna.metadata) == (ANNA, "gdpr", {"shop": "Gent"})
    assert anna.id == didomi.user(ANNA)["id"]
    assert anna.version >= 1
    assert anna.updated_at
    assert abs(anna.updated_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert {each["id"]: each["enabled"] for each in anna.consents["purposes"]} == {"newsletter": True}
    assert {each["id"]: each["enabled"] for each in anna.consents["channels"]} == {"email": False}


def test_nobody_is_an_empty_list(client: DidomiClient) -> None:
    assert client.users("nobody@example.com") == []


@pytest.mark.parametrize("shape", ["array", "data", "page", "cursor"])
def test_all_events_come_in_every_shape_of_a_list(didomi: DidomiSandbox, client: DidomiClient, shape: str) -> None:
    didomi.switch(list_shape=shape, page_size=2)
    made = [didomi.say(ANNA, purposes={"newsletter": bool(n % 2)})["id"] for n in range(5)]
    assert {each["id"] for each in client.events(ANNA)} == set(made)
    assert len(client.users(ANNA)) == 1


def test_events_of_another_state_and_regulation_are_asked_for(didomi: DidomiSandbox, client: DidomiClient) -> None:
    didomi.say(ANNA, purposes={"newsletter": True})
    waiting = didomi.say(ANNA, purposes={"newsletter": True}, status="pending_approval")
    didomi.say(ANNA, purposes={"newsletter": False}, regulation="cpra")
    assert [each["id"] for each in client.events(ANNA, status="pending_approval")] == [waiting["id"]]
    assert [each["regulation"] for each in client.events(ANNA, regulation="cpra")] == ["cpra"]


@pytest.mark.parametrize("person", ["anna+news@example.com", "a b/c?d=é&f#g", "147471"])
def test_an_id_arrives_as_it_is(didomi: DidomiSandbox, client: DidomiClient, person: str) -> None:
    didomi.say(person, purposes={"newsletter": True})
    (found,) = client.users(person)
    assert found.organization_user_id == person


def test_an_event_is_made_and_read_back(didomi: DidomiSandbox, client: DidomiClient) -> None:
    assert client.post_event(EVENT) is True
    kept = client.event(EVENT["id"])
    assert kept
    assert (kept["id"], kept["delegate"]["id"]) == (EVENT["id"], "actito")
    assert didomi.user(ANNA)["consents"]["purposes"][0]["enabled"] is True
    assert client.event("unknown-event") is None


@pytest.mark.parametrize("status", [409, 400])
def test_an_event_that_was_there_is_told_from_one_that_was_made(
    didomi: DidomiSandbox, client: DidomiClient, status: int
) -> None:
    didomi.switch(duplicate_status=status)
    assert [client.post_event(EVENT), client.post_event(EVENT)] == [True, False]
    assert len(didomi.events) == 1


def test_an_event_whose_answer_was_lost_is_made_once(didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    didomi.arm(Fault("drop", "/consents/events", method="POST"))
    assert refused(connection, post).decision is Decision.RETRY
    assert DidomiClient(connection).post_event(EVENT) is False
    assert len(didomi.events) == 1


def test_what_didomi_finds_wrong_with_an_event_is_told_in_its_words(
    didomi: DidomiSandbox, connection: DidomiConnection
) -> None:
    unknown = consent_event(consents={"purposes": [{"id": "no-such-purpose", "enabled": True}], "vendors": {}})
    error = refused(connection, lambda client: client.post_event(unknown))
    assert (error.decision, error.status) == (Decision.DEAD, 400)
    assert "no-such-purpose" in error.sentence


def test_an_event_too_large_for_didomi_dies_without_pausing(
    didomi: DidomiSandbox, connection: DidomiConnection
) -> None:
    large = consent_event(user={"organization_user_id": ANNA, "metadata": {"note": "x" * 20_000}})
    assert refused(connection, lambda client: client.post_event(large)).decision is Decision.DEAD
    assert didomi.events == []


def test_integrations_hear_of_an_event_only_if_told_so(double: Double, doubled: DidomiConnection) -> None:
    DidomiClient(doubled).post_event(EVENT)
    DidomiClient(doubled).post_event(consent_event(id="another"), disable_integrations=False)
    queries = [seen.query for seen in double.seen if seen.path == EVENTS]
    assert [query["$disable_integrations"] for query in queries] == ["true", "false"]
    assert {query["organization_id"] for query in queries} == {ORGANISATION}


# The catalogue


@pytest.mark.parametrize("translated", [True, False])
@pytest.mark.parametrize("size", [100, 2])
def test_the_catalogue_is_read_page_by_page(
    didomi: DidomiSandbox, client: DidomiClient, size: int, translated: bool
) -> None:
    didomi.switch(page_size=size, translations=translated)
    purposes = {each.id: each for each in client.purposes()}
    assert purposes["newsletter"] == Purpose("newsletter", "Newsletter", "purpose", ("gdpr",))
    assert len(purposes) == 5
    preferences = {each.id: each for each in client.preferences()}
    assert preferences["frequency"].values == (Value("weekly", "Weekly"), Value("monthly", "Monthly"))


def test_the_documented_catalogue_is_read(double: Double, doubled: DidomiConnection) -> None:
    double.says = [Said(200, payload("purposes_as_documented")), Said(201, payload("preferences_as_documented"))]
    client = DidomiClient(doubled)
    assert client.purposes() == [
        Purpose("newsletter", "Newsletter", "preference", ("gdpr",), ("frequency",)),
        Purpose("cookies", "Cookies of the site", "consent", ("gdpr", "cpra")),
    ]
    values = (Value("weekly", "Every week"), Value("monthly", "Par mois"))
    assert client.preferences() == [Preference("frequency", "How often", values, ("newsletter",))]


@pytest.mark.parametrize(("status", "words"), [(403, "may not read purposes"), (404, "knows no purposes")])
def test_a_hidden_catalogue_does_not_pause(double: Double, doubled: DidomiConnection, status: int, words: str) -> None:
    double.answers = lambda seen: refusal(status, "Forbidden", "No")
    error = refused(doubled, lambda client: client.purposes())
    assert (error.decision, error.status) == (Decision.DEAD, status)
    assert words in error.sentence


# Sessions


def test_one_session_serves_many_calls(didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    for _ in range(5):
        DidomiClient(connection).users(ANNA)
    assert paths(didomi).count("/v1/sessions") == 1


def test_many_threads_open_one_session(didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    didomi.switch(latency=0.05)
    threads = [threading.Thread(target=DidomiClient(connection).users, args=(ANNA,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths(didomi).count("/v1/sessions") == 1


def test_a_withdrawn_token_is_renewed_once(didomi: DidomiSandbox, client: DidomiClient) -> None:
    client.users(ANNA)
    didomi._tokens.clear()
    assert client.users(ANNA) == []
    assert [request["status"] for request in didomi.requests] == [200, 200, 401, 200, 200]


def test_a_fresh_token_that_is_refused_pauses(double: Double, doubled: DidomiConnection) -> None:
    double.says = [refusal(401, "NotAuthenticated", "Invalid token"), refusal(401, "NotAuthenticated", "Invalid token")]
    error = refused(doubled)
    assert (error.decision, error.status) == (Decision.PAUSE, 401)
    assert double.calls() == ["POST /sessions", "GET /consents/users"] * 2


def test_a_token_that_says_when_it_ends_is_renewed_before_that(didomi: DidomiSandbox) -> None:
    didomi.token_seconds = 0.4
    client = DidomiClient(make_didomi(didomi.url))
    client.users(ANNA)
    # Of a token without a whole second nothing is known, so it is kept until Didomi refuses it.
    time.sleep(0.5)
    assert client.users(ANNA) == []
    didomi.token_seconds = 2
    tokens._kept.clear()
    client.users(ANNA)
    time.sleep(1.1)
    client.users(ANNA)
    assert [request["status"] for request in didomi.requests].count(401) == 1


@pytest.mark.parametrize("wrong", [{"api_key": "other"}, {"api_secret": "other"}])
def test_a_wrong_pair_pauses_with_a_sentence(didomi: DidomiSandbox, wrong: dict[str, str]) -> None:
    error = refused(make_didomi(didomi.url, **wrong))
    assert (error.decision, error.status) == (Decision.PAUSE, 400)
    assert error.sentence == "Didomi does not accept the API key and secret of “Didomi”. Enter a valid pair."


@pytest.mark.parametrize("empty", [{"api_key": " "}, {"api_secret": ""}])
def test_an_empty_pair_pauses_and_is_not_sent(double: Double, empty: dict[str, str]) -> None:
    assert refused(make_didomi(double.url, **empty)).decision is Decision.PAUSE
    assert not double.seen


def test_a_pair_that_cannot_be_decrypted_pauses(didomi: DidomiSandbox, settings: Any) -> None:
    connection = DidomiConnection.objects.get(pk=make_didomi(didomi.url).pk)
    settings.ENCRYPTION_KEYS = ["A" * 43 + "="]
    error = refused(connection)
    assert error.decision is Decision.PAUSE
    assert "ENCRYPTION_KEYS" in error.sentence


@pytest.mark.parametrize(("said", "decision"), [
    (PAGE, Decision.RETRY), (Said(404, b"<html>", "text/html"), Decision.PAUSE), (Said(302), Decision.RETRY),
    (Said(500), Decision.RETRY), (Said(200, b"<html>", "text/html"), Decision.RETRY), (Said(200), Decision.RETRY),
    (Said(200, {"access_token": None}), Decision.RETRY), (Said(200, {"access_token": "a\r\nb: c"}), Decision.RETRY),
    (Said(200, ["text"]), Decision.RETRY),
])  # fmt: skip
def test_a_session_service_that_gives_no_token_kills_no_event(
    double: Double, doubled: DidomiConnection, said: Said, decision: Decision
) -> None:
    double.session = [said]
    assert refused(doubled).decision is decision
    assert double.calls() == ["POST /sessions"]


@pytest.mark.parametrize("token", ["x.eyJpYXQiOjEsImV4cCI6MX0.y", "x.W10.y", "x.?.y", "x.8J-Y.y", "plain", "a.b.c"])
def test_a_token_that_says_nothing_of_its_life_is_used(double: Double, doubled: DidomiConnection, token: str) -> None:
    double.session = [Said(200, {"access_token": token})]
    double.answers = lambda seen: Said(200, []) if seen.authorization == f"Bearer {token}" else None
    assert DidomiClient(doubled).users(ANNA) == []


def test_neither_key_secret_nor_token_is_noted(double: Double, doubled: DidomiConnection) -> None:
    """Not even where an answer repeats them."""
    double.session = [Said(200, {**SESSION.body, "key": KEY, "you_sent": {"pair": [KEY, SECRET]}})]
    double.answers = lambda seen: Said(200, {"data": [], "you": [seen.authorization, KEY, SECRET]})
    DidomiClient(doubled, trail_for(doubled)).users(ANNA)
    noted = list(Attempt.objects.order_by("pk").values())
    assert len(noted) == 2
    written = "\n".join(str(value) for row in noted for value in row.values())
    for secret in (KEY, SECRET, json.dumps(SECRET)[1:-1], SESSION.body["access_token"]):
        assert secret not in written


# What each status means

STATUSES = [
    # status, Retry-After, decision
    (400, "", Decision.DEAD),
    (402, "", Decision.DEAD),
    (403, "", Decision.PAUSE),
    (404, "", Decision.PAUSE),
    (405, "", Decision.DEAD),
    (408, "", Decision.RETRY),
    (413, "", Decision.DEAD),
    (422, "", Decision.DEAD),
    (425, "", Decision.RETRY),
    (429, "", Decision.RETRY),
    (429, "17", Decision.DEFER),
    (500, "", Decision.RETRY),
    (502, "", Decision.RETRY),
    (503, "17", Decision.DEFER),
    (504, "", Decision.RETRY),
]


@pytest.mark.parametrize("path", [USERS, EVENTS])
@pytest.mark.parametrize(("status", "wait", "decision"), STATUSES)
def test_each_status_has_its_decision(
    didomi: DidomiSandbox, connection: DidomiConnection, path: str, status: int, wait: str, decision: Decision
) -> None:
    didomi.arm(Fault("status", path + r"\Z", status=status, retry_after=wait))
    error = refused(connection, post if path == EVENTS else None)
    assert (error.decision, error.status) == (decision, status)
    assert error.wait == (timedelta(seconds=17) if wait else None)


@pytest.mark.parametrize("status", [403, 404])
def test_a_wrong_organisation_pauses_and_is_named(didomi: DidomiSandbox, status: int) -> None:
    didomi.switch(foreign_status=status)
    connection = make_didomi(didomi.url, organization_id="somebody-elses")
    for call in (None, post):
        error = refused(connection, call)
        assert (error.decision, error.status) == (Decision.PAUSE, status)
        assert "“somebody-elses”" in error.sentence
    assert didomi.events == []


def test_a_limit_on_calls_makes_the_account_wait(didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    didomi.switch(rate_limit=2)
    client = DidomiClient(connection)
    client.purposes()
    error = refused(connection, lambda one: one.preferences())
    assert error.decision is Decision.DEFER
    assert error.wait
    assert timedelta() < error.wait <= timedelta(seconds=15)
    assert client.users(ANNA) == []  # consents have no limit


def test_a_port_where_nobody_listens_is_tried_again() -> None:
    assert refused(make_didomi("http://127.0.0.1:9")).decision is Decision.RETRY


@pytest.mark.parametrize("host", ["/", "/v1", "/v1/"])
def test_the_address_may_be_entered_with_the_version_or_without(didomi: DidomiSandbox, host: str) -> None:
    assert DidomiClient(make_didomi(didomi.url + host)).users(ANNA) == []


# The other allowed ways of answering


@pytest.mark.parametrize("case", ["user_as_documented", "user_with_strings_and_more"])
@pytest.mark.parametrize("wrapped", [
    lambda user: [user], lambda user: {"data": [user]}, lambda user: {"data": [user], "cursor": None, "more": 1},
    lambda user: {"total": "1", "limit": "100", "skip": 0, "data": [user]},
])  # fmt: skip
def test_every_allowed_shape_of_a_user_is_read(
    double: Double, doubled: DidomiConnection, case: str, wrapped: Any
) -> None:
    double.says = [Said(201, wrapped(payload(case)), "text/plain")]
    (anna,) = DidomiClient(doubled).users(ANNA)
    assert (anna.id, anna.version) == ("0b9b3a4f-27ae-4f66-9d19-7d3a4a4f7f4e", 3)
    assert anna.updated_at == datetime(2026, 3, 1, 10, 11, 12, tzinfo=UTC)
    assert anna.consents["purposes"][0]["enabled"] is True


def test_pages_with_a_cursor_are_followed_to_the_end(double: Double, doubled: DidomiConnection) -> None:
    person = payload("user_as_documented")
    double.says = [
        Said(200, {"data": [{**person, "id": "1"}], "cursor": "abc/=="}),
        Said(200, {"data": [{**person, "id": 2}], "cursor": ""}),
    ]
    assert [each.id for each in DidomiClient(doubled).users(ANNA)] == ["1", "2"]
    assert [seen.query.get("$cursor") for seen in double.seen[1:]] == [None, "abc/=="]


def test_a_list_without_end_is_given_up(double: Double, doubled: DidomiConnection) -> None:
    pages = iter(range(1000))
    double.answers = lambda seen: Said(200, {"data": [], "cursor": f"c{next(pages)}"})
    assert refused(doubled).decision is Decision.DEAD
    assert len(double.seen) == MOST_PAGES + 1


def test_a_cursor_that_stands_still_ends_the_list(double: Double, doubled: DidomiConnection) -> None:
    double.answers = lambda seen: Said(200, {"data": [], "cursor": "same"})
    assert DidomiClient(doubled).users(ANNA) == []


@pytest.mark.parametrize("body", [
    {"data": None}, {}, "text", None, {"users": []}, [None], [{"organization_user_id": ANNA}], [{"id": True}], b"",
    b"<html>", b'[{"id": "1"', [{"id": "1", "organization_user_id": "ben@example.com"}],
    [{"id": "1", "organization_user_id": None}],
])  # fmt: skip
def test_an_answer_that_tells_nothing_sure_of_the_person_is_tried_again(
    double: Double, doubled: DidomiConnection, body: Any
) -> None:
    """Taken for an empty list, it would hide what somebody refused; taken for them, it would be another's."""
    double.answers = lambda seen: Said(200, body)
    assert refused(doubled).decision is Decision.RETRY


@pytest.mark.parametrize("said", [
    Said(200), Said(201), Said(202, {"id": "x", "extra": []}), Said(204), Said(201, EVENT, "text/plain"),
])  # fmt: skip
def test_every_success_makes_the_event(double: Double, doubled: DidomiConnection, said: Said) -> None:
    double.says = [said]
    assert DidomiClient(doubled).post_event(EVENT) is True


def test_a_page_of_something_in_between_is_no_receipt(double: Double, doubled: DidomiConnection) -> None:
    double.says = [Said(200, b"<html>Please sign in</html>", "text/html")]
    assert refused(doubled, post).decision is Decision.RETRY
    assert DidomiClient(doubled).post_event(EVENT) is True


def test_an_event_that_came_although_its_answer_was_lost_is_found(double: Double, doubled: DidomiConnection) -> None:
    """This Didomi refuses a known id as it refuses any bad request."""
    double.says = [Said(hangs_up=True)]
    assert refused(doubled, post).decision is Decision.RETRY
    assert DidomiClient(doubled).post_event(EVENT) is False
    assert list(double.events) == [EVENT["id"]]
    asked = double.seen[-1]
    assert (asked.path, asked.query["organization_user_id"]) == (f"{EVENTS}/{EVENT['id']}", ANNA)


@pytest.mark.parametrize("status", [409, 422])
def test_a_known_id_may_be_refused_in_other_words(double: Double, doubled: DidomiConnection, status: int) -> None:
    double.events[EVENT["id"]] = EVENT
    double.says = [Said(status)]
    assert DidomiClient(doubled).post_event(EVENT) is False


@pytest.mark.parametrize("looked_up", [404, 403, 400])
def test_a_bad_request_about_an_unknown_id_stays_one(double: Double, doubled: DidomiConnection, looked_up: int) -> None:
    double.says = [refusal(400, "BadRequest", "Unknown purpose x"), refusal(looked_up, "NotFound", "No record")]
    error = refused(doubled, post)
    assert (error.decision, error.status) == (Decision.DEAD, 400)
    assert error.sentence == "Didomi answered 400: Unknown purpose x."


@pytest.mark.parametrize("looked_up", [PAGE, Said(429, b"", headers={"Retry-After": "3"}), Said(200, {"id": "other"})])
def test_whether_an_event_was_there_is_not_guessed(double: Double, doubled: DidomiConnection, looked_up: Said) -> None:
    double.says = [refusal(400, "BadRequest", "Event already exists"), looked_up]
    assert refused(doubled, post).decision in {Decision.RETRY, Decision.DEFER}


def test_an_address_that_is_not_didomis_is_not_taken_for_an_unknown_event(
    double: Double, doubled: DidomiConnection
) -> None:
    double.says = [Said(404, b"<html>Not here</html>", "text/html")]
    assert refused(doubled, lambda client: client.event("x")).decision is Decision.PAUSE


def test_a_slow_didomi_is_given_up_in_time(
    double: Double, doubled: DidomiConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DidomiClient, "read_seconds", 0.4)
    double.answers = lambda seen: Said(200, [], after=2)
    started = time.monotonic()
    error = refused(doubled)
    assert time.monotonic() - started < 1.5
    assert error.decision is Decision.RETRY
    assert "took too long" in error.sentence


def test_errors_of_any_form_are_told(double: Double, doubled: DidomiConnection) -> None:
    def answering(seen: Seen) -> Said:
        return Said(400, {"code": "400", "name": "BadRequest", "message": "No such user", "errors": ["a"]})

    double.answers = answering
    assert refused(doubled).sentence == "Didomi answered 400: No such user."
    double.answers = lambda seen: Said(400, b"<html>Bad</html>", "text/html")
    assert refused(doubled).sentence == "Didomi answered 400."


# The judge of all these tests


def test_the_judge_sees_what_didomi_does_not_allow(
    double: Double, doubled: DidomiConnection, judged: list[str]
) -> None:
    wrong = {"enabled": None, "consents": {"purposes": [{"enabled": True}], "vendors": {}}, "created_at": "yesterday"}
    DidomiClient(doubled).post_event(consent_event(**wrong, user={"metadata": {}}))
    found = " ".join(judged)
    for each in ("enabled", "'id' is a required property", "yesterday", "$.user"):
        assert each in found
    judged.clear()
    for path, asked, expected in [
        ("/consents/people", {}, ["is none of Didomi's calls"]),
        ("/consents/users", {"sort": "x", "regulation": ""}, ["takes no sort", "regulation is empty"]),
        ("/consents/users", {"$skip": "2"}, []),
        ("/consents/events", {"$generate_tcfcs": "yes"}, ["takes no $generate_tcfcs"]),
    ]:
        DidomiClient(doubled)._call("GET", path, asked)
        assert len(judged) == len(expected)
        assert all(any(each.endswith(words) for each in judged) for words in expected)
        judged.clear()
    requests_without_token = list(told_wrong("GET", f"{double.url}/v1/preferences?organization_id=x", {}, b"{}"))
    assert requests_without_token == [
        "It has no bearer token", "Its body is None", "GET /preferences takes no body"
    ]  # fmt: skip
