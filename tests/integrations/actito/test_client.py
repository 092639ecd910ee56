"""The client over real sockets: what each answer of Actito means, and what of it is kept."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.apps import apps

from integrations.actito.answers import ActitoProfile
from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.tokens import tokens
from portal import ledger
from portal.http import ApiError
from portal.ledger import Work
from portal.ledger.failure import Decision
from portal.ledger.trail import AttemptTrail
from portal.models import Attempt, Event
from portal.sandbox import Fault
from tests.integrations.actito.double import TOKEN, Double, answer, token
from tests.world import ACTITO_KEY, arrive, make_connection, make_tenant, payload

pytestmark = pytest.mark.django_db

PROFILE = payload("profile_as_documented")


def connect(url: str, **more: Any) -> ActitoConnection:
    return make_connection(make_tenant(), url, **more)


def with_trail(connection: ActitoConnection) -> ActitoClient:
    event = arrive(connection, 147471)
    return ActitoClient(connection, Work(event, AttemptTrail(event)).trail)


def refusal(connection: ActitoConnection, profile: str = "147471") -> ApiError:
    with pytest.raises(ApiError) as caught:
        with_trail(connection).read_profile(profile)
    error = caught.value
    assert error.sentence.endswith(".")
    assert "Actito" in error.sentence
    assert ACTITO_KEY not in error.sentence
    return error


# Against the sandbox


@pytest.mark.parametrize("style", ActitoConnection.PathStyle.values)
def test_a_profile_is_read_in_each_path_style(actito: ActitoSandbox, style: str) -> None:
    found = ActitoClient(connect(actito.url, path_style=style)).read_profile("1")
    assert found
    assert found.profile_id == "1"
    assert found.document() | {"attributes.points": 420, "subscriptions.Newsletter": True} == found.document()
    path = actito.requests[-1]["path"]
    assert path.startswith(
        {"categorised": "/profiles/v4/", "flat": "/v4/", "legacy": "/ActitoWebServices/ws/v4/"}[style]
    )


@pytest.mark.parametrize("address", ["anna.peeters@example.com", "a+b/c d%é=1@example.com"])
def test_a_profile_is_found_by_a_unique_attribute(actito: ActitoSandbox, address: str) -> None:
    actito.set_attribute("demo", "Profiles", 1, "emailAddress", address)
    found = ActitoClient(connect(actito.url)).read_profile(f"emailAddress={address}")
    assert found
    assert found.profile_id == "1"


def test_one_token_serves_many_calls(actito: ActitoSandbox) -> None:
    client = ActitoClient(connect(actito.url))
    for _ in range(5):
        client.read_profile("1")
    assert [request["path"] for request in actito.requests].count("/auth/token") == 1


def test_many_threads_fetch_one_token(actito: ActitoSandbox) -> None:
    connection = connect(actito.url)
    actito.switches.throttle = False
    actito.switches.latency = 0.05
    threads = [threading.Thread(target=ActitoClient(connection).read_profile, args=("1",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [request["path"] for request in actito.requests].count("/auth/token") == 1


def test_an_expired_token_is_renewed_once(actito: ActitoSandbox) -> None:
    client = ActitoClient(connect(actito.url))
    client.read_profile("1")
    actito._tokens.clear()
    assert client.read_profile("1")
    assert [request["status"] for request in actito.requests] == [200, 200, 401, 200, 200]


def test_a_token_that_another_thread_renewed_is_not_dropped(actito: ActitoSandbox) -> None:
    connection = connect(actito.url)
    fresh = tokens.get(connection, None)
    tokens.forget(connection, "an older token")
    assert tokens.get(connection, None) == fresh


def test_the_slow_token_service_of_one_tenant_holds_up_no_other(actito: ActitoSandbox, double: Double) -> None:
    slow, released = make_connection(make_tenant("slow"), double.url), threading.Event()
    double.token = lambda line: line.sendall(token()) if released.wait(5) else None
    threading.Thread(target=tokens.get, args=(slow, None), daemon=True).start()
    while not double.seen:
        time.sleep(0.01)
    started = time.monotonic()
    assert ActitoClient(connect(actito.url)).read_profile("1")
    assert time.monotonic() - started < 1
    released.set()


def test_a_short_lived_token_is_used_for_half_its_life(double: Double) -> None:
    double.token, double.profile = token("40s"), answer(200, PROFILE)
    client = ActitoClient(connect(double.url))
    client.read_profile("147471")
    client.read_profile("147471")
    assert double.paths().count("/auth/token") == 1


@pytest.mark.parametrize("lifetime", [900, "900", "900s", "900.5s", None, "soon", "²", "-5s", "9" * 400, [], True])
def test_any_spelling_of_a_tokens_lifetime_is_survived(double: Double, lifetime: Any) -> None:
    double.token, double.profile = token(lifetime), answer(200, PROFILE)
    assert ActitoClient(connect(double.url)).read_profile("147471")


def test_an_unknown_profile_is_none(actito: ActitoSandbox) -> None:
    assert ActitoClient(connect(actito.url)).read_profile("999") is None


def test_a_wrong_api_key_pauses_with_a_sentence(actito: ActitoSandbox) -> None:
    connection = connect(actito.url, api_key="wrong-key")
    error = refusal(connection)
    assert error.decision is Decision.PAUSE
    assert error.sentence == f"Actito does not accept the API key of “{connection.name}”. Enter a valid one."


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "clé", "\u2019", " \t"])
def test_an_api_key_that_no_header_can_carry_pauses_and_is_not_sent(double: Double, key: str) -> None:
    error = refusal(connect(double.url, api_key=key))
    assert error.decision is Decision.PAUSE
    assert "empty or misspelt" in error.sentence
    assert not double.seen


def test_an_api_key_that_cannot_be_decrypted_pauses(actito: ActitoSandbox, settings: Any) -> None:
    connection = ActitoConnection.objects.get(pk=connect(actito.url).pk)
    settings.ENCRYPTION_KEYS = ["A" * 43 + "="]
    error = refusal(connection)
    assert error.decision is Decision.PAUSE
    assert "ENCRYPTION_KEYS" in error.sentence


STATUSES = [
    # status, Retry-After, decision
    (400, "", Decision.DEAD),
    (401, "", Decision.PAUSE),
    (403, "", Decision.PAUSE),
    (405, "", Decision.DEAD),
    (408, "", Decision.RETRY),
    (409, "", Decision.DEAD),
    (410, "", Decision.DEAD),
    (425, "", Decision.RETRY),
    (429, "", Decision.RETRY),
    (429, "17", Decision.DEFER),
    (429, "0", Decision.RETRY),
    (429, "-3", Decision.RETRY),
    (429, "soon", Decision.RETRY),
    (500, "", Decision.RETRY),
    (500, "17", Decision.RETRY),
    (502, "", Decision.RETRY),
    (503, "17", Decision.DEFER),
    (504, "", Decision.RETRY),
]


@pytest.mark.parametrize(("status", "wait", "decision"), STATUSES)
def test_each_status_has_its_decision(actito: ActitoSandbox, status: int, wait: str, decision: Decision) -> None:
    actito.arm(Fault("status", "/profile/", times=2, status=status, retry_after=wait))
    error = refusal(connect(actito.url))
    assert (error.decision, error.status) == (decision, status)
    assert str(status) in error.sentence
    if decision is Decision.DEFER:
        assert error.wait == timedelta(seconds=17)


def test_retry_after_may_be_a_date_and_never_exceeds_an_hour(actito: ActitoSandbox) -> None:
    connection = connect(actito.url)
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    actito.arm(Fault("status", "/profile/", status=429, retry_after=soon))
    wait = refusal(connection).wait
    assert wait
    assert timedelta(seconds=80) < wait <= timedelta(seconds=90)
    actito.arm(Fault("status", "/profile/", status=429, retry_after="86400"))
    assert refusal(connection).wait == timedelta(hours=1)


def test_a_refusal_keeps_the_vendors_words(double: Double) -> None:
    double.profile = answer(400, {"code": "X", "message": "The table Profiles has no attribute points"})
    error = refusal(connect(double.url))
    assert error.decision is Decision.DEAD
    assert error.sentence == "Actito answered 400: The table Profiles has no attribute points."


@pytest.mark.parametrize("status", [302, 400, 404, 405, 410])
def test_a_token_service_that_is_not_there_kills_no_event(double: Double, status: int) -> None:
    double.token = answer(status, {}, Location="/login")
    error = refusal(connect(double.url))
    assert error.decision is (Decision.RETRY if status == 302 else Decision.PAUSE)
    assert "Check" in error.sentence


@pytest.mark.parametrize("body", [{}, [], "text", None, {"accessToken": None}, {"accessToken": ""}, {"accessToken": 7}])
def test_an_answer_without_a_token_is_tried_again(double: Double, body: Any) -> None:
    double.token = answer(200, body)
    assert refusal(connect(double.url)).decision is Decision.RETRY


def test_a_token_with_a_line_break_cannot_smuggle_a_header(double: Double) -> None:
    double.token = answer(200, {"accessToken": "abc\r\nX-Evil: 1", "expiresIn": "900s"})
    assert refusal(connect(double.url)).decision is Decision.RETRY
    assert double.paths() == ["/auth/token"]


# Answers that are no profile


def drop(line: socket.socket) -> None:
    """Hangs up without a word."""


def half(line: socket.socket) -> None:
    line.sendall(answer(200, PROFILE)[:-40])


def endless(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52428800\r\n\r\n[")
    for _ in range(50):
        line.sendall(b" " * 1024 * 1024)


def endless_chunks(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(50):
        line.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")


def compressed_bomb(line: socket.socket) -> None:
    line.sendall(answer(200, gzip.compress(b" " * 50 * 1024 * 1024), Content_Encoding="gzip"))


def endless_head(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        line.sendall(b"X-Header-%d: %s\r\n" % (number, b"x" * 1000))


READABLE_SENTENCES: list[tuple[str, bytes | Callable[[socket.socket], None], str]] = [
    ("an HTML error page", answer(200, b"<html><h1>Down for maintenance</h1>", "text/html"), "is not JSON"),
    ("an empty body", answer(200), "an empty answer"),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", "an empty answer"),
    ("half a JSON body", answer(200, json.dumps(PROFILE).encode()[:60]), "is not JSON"),
    ("JSON with NaN", answer(200, b'{"attributes": {"points": NaN}}'), "is not JSON"),
    ("deep JSON", answer(200, b"[" * 100_000), "is not JSON"),
    ("a JSON list", answer(200, []), "not a profile"),
    ("a JSON text", answer(200, "profile"), "not a profile"),
    ("another document", answer(200, payload("not_a_profile")), "not a profile"),
    ("no attributes", answer(200, {"attributes": []}), "not a profile"),
    ("another profile", answer(200, payload("profile_of_somebody_else")), "profile 99 when asked for 147471"),
    ("a redirect", answer(302, b"", Location="http://127.0.0.1:1/elsewhere"), "not followed"),
    ("a dropped line", drop, "broke off"),
    ("half an answer", half, "broke off"),
    ("50 MB", endless, "more than 1024 KiB"),
    ("50 MB in chunks", endless_chunks, "more than 1024 KiB"),
    ("a compressed 50 MB", compressed_bomb, "more than 1024 KiB"),
    ("no HTTP at all", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "broke off"),
    ("headers without end", endless_head, "broke off"),
    ("a false gzip", answer(200, b"plain", Content_Encoding="gzip"), "could not be unpacked"),
]


@pytest.mark.parametrize(
    ("reply", "words"), [row[1:] for row in READABLE_SENTENCES], ids=[row[0] for row in READABLE_SENTENCES]
)
def test_an_answer_that_is_no_profile_is_tried_again(double: Double, reply: Any, words: str) -> None:
    double.profile = reply
    error = refusal(connect(double.url))
    assert error.decision is Decision.RETRY
    assert words in error.sentence
    assert len(double.seen) == 2  # the token, and one call that was not repeated or redirected


def test_a_port_where_nobody_listens_is_tried_again() -> None:
    error = refusal(connect("http://127.0.0.1:9"))
    assert error.decision is Decision.RETRY
    assert "could not be reached" in error.sentence


def slow(line: socket.socket) -> None:
    time.sleep(2)


def drip_the_body(line: socket.socket) -> None:
    whole = answer(200, PROFILE)
    line.sendall(whole[:-400])
    for sign in whole[-400:]:
        time.sleep(0.05)
        line.sendall(bytes([sign]))


def drip_the_head(line: socket.socket) -> None:
    for sign in answer(200, PROFILE):
        time.sleep(0.05)
        line.sendall(bytes([sign]))


@pytest.mark.parametrize("reply", [slow, drip_the_body, drip_the_head])
def test_a_slow_or_dripping_server_is_given_up_in_time(
    double: Double, reply: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActitoClient, "read_seconds", 0.4)
    double.profile = reply
    started = time.monotonic()
    error = refusal(connect(double.url))
    assert time.monotonic() - started < 1.5
    assert error.decision is Decision.RETRY
    assert "took too long" in error.sentence


# The other allowed ways of answering


@pytest.mark.parametrize(
    "case", ["profile_as_documented", "profile_with_strings", "profile_flat", "profile_with_extra_members"]
)
@pytest.mark.parametrize("status", [200, 201])
def test_every_allowed_shape_of_a_profile_is_read(double: Double, case: str, status: int) -> None:
    double.profile = answer(status, payload(case))
    found = ActitoClient(connect(double.url)).read_profile("147471")
    assert isinstance(found, ActitoProfile)
    assert found.profile_id == "147471"
    assert found.attributes["emailAddress"] == "anna.peeters@example.com"
    assert str(found.attributes["loyaltyPoints"]) in {"420", "420,5"}
    assert found.subscriptions
    assert found.subscriptions["Newsletter"] is True
    if case != "profile_with_extra_members":
        assert found.segmentations == {"Gold": True}


def test_a_part_that_the_answer_lacks_is_not_taken_for_an_empty_one(double: Double) -> None:
    double.profile = answer(200, {"attributes": PROFILE["attributes"]})
    found = ActitoClient(connect(double.url)).read_profile("147471")
    assert found
    assert not found.tells_of("subscriptions.Newsletter")
    assert found.tells_of("attributes.points")


@pytest.mark.parametrize("media_type", ["application/vnd.actito+json", "text/plain", ""])
def test_a_profile_is_read_whatever_its_media_type(double: Double, media_type: str) -> None:
    double.profile = answer(200, PROFILE, media_type)
    assert ActitoClient(connect(double.url)).read_profile("147471")


def test_a_cookie_of_one_tenants_call_is_not_sent_with_anothers(double: Double) -> None:
    double.profile = answer(200, PROFILE, Set_Cookie="JSESSIONID=of-verdi; Path=/")
    ActitoClient(make_connection(make_tenant("verdi"), double.url)).read_profile("147471")
    ActitoClient(make_connection(make_tenant("rivale"), double.url)).read_profile("147471")
    assert not [seen for seen in double.seen if "Cookie" in seen.headers]


# What is kept of a call


def test_an_attempt_is_written_before_the_call_and_completed_after_it(double: Double) -> None:
    double.profile = answer(200, PROFILE)
    opened: list[int] = []

    class Watching:
        def open(self, **more: Any) -> int:
            opened.append(len(double.seen))
            return 1

        def close(self, call: int, **more: Any) -> None:
            opened.append(len(double.seen) * 10 + more["status"])

    ActitoClient(connect(double.url), Watching()).read_profile("147471")
    assert opened == [0, 1 * 10 + 200, 1, 2 * 10 + 200]


def test_the_attempts_of_a_read_tell_target_status_and_time(actito: ActitoSandbox) -> None:
    with_trail(connect(actito.url)).read_profile("1")
    first, second = Attempt.objects.all()
    assert (first.target, first.status, first.method) == ("Actito's token service", 200, "GET")
    assert (second.target, second.status) == ("Actito", 200)
    assert second.url.endswith("/profiles/v4/entity/demo/table/Profiles/profile/1")
    assert second.milliseconds is not None
    assert second.finished_at
    assert "anna.peeters@example.com" in second.response_excerpt


def test_the_attempt_of_a_call_that_failed_tells_why(double: Double) -> None:
    double.profile = drop
    error = refusal(connect(double.url))
    last = Attempt.objects.latest("pk")
    assert (last.status, last.error, last.response_excerpt) == (None, error.sentence, "")
    assert last.finished_at


LEAKY = [
    answer(200, {"accessToken": TOKEN, "note": f"issued for {ACTITO_KEY}"}),
    answer(200, f'{{"accessToken":"{TOKEN}'.encode()),  # cut off inside the token
    answer(500, f"<pre>Authorization: {ACTITO_KEY}</pre>".encode(), "text/html"),
    answer(400, {"message": f"Unknown API key {ACTITO_KEY}"}),
    answer(403, {"message": f"No rights for Bearer {TOKEN}", "echo": json.dumps({"accessToken": TOKEN})}),
    answer(200, b"x" * 1990 + TOKEN.encode() + b"x" * 100),
]


@pytest.mark.parametrize("reply", LEAKY, ids=range(len(LEAKY)))
@pytest.mark.parametrize("where", ["token", "profile"])
def test_neither_the_api_key_nor_a_token_is_found_in_any_row_or_log(
    double: Double, reply: bytes, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    setattr(double, where, reply)
    connection = connect(double.url)
    event = arrive(connection, 147471)
    (claimed,) = ledger.claim(1, "tests")
    ledger.run(claimed)
    assert Event.objects.get(pk=event.pk).attempts <= 1
    assert Attempt.objects.exists()
    assert_nowhere(ACTITO_KEY)
    if where == "profile" or reply != LEAKY[-1]:  # a page of the token service that is not JSON tells no token
        assert_nowhere(TOKEN)
        assert TOKEN not in caplog.text
    assert ACTITO_KEY not in caplog.text


def assert_nowhere(secret: str) -> None:
    for model in apps.get_models():
        for row in model._base_manager.values():
            assert secret not in repr(row), f"{model.__name__}: {row}"


# Accounts of old licences


def test_an_account_of_an_old_licence_asks_with_http_basic_and_no_token(actito: ActitoSandbox) -> None:
    actito.seed(account="verdi/webservices:pass wörd")
    connection = connect(actito.url, path_style="legacy", account="verdi/webservices", api_key="pass wörd")
    assert with_trail(connection).read_profile("1")
    assert [request["path"] for request in actito.requests] == [
        "/ActitoWebServices/ws/v4/entity/demo/table/Profiles/profile/1"
    ]
    connection.api_key = "another"
    connection.save()
    with pytest.raises(ApiError) as caught:
        with_trail(connection).read_profile("1")
    assert (caught.value.decision, caught.value.status) == (Decision.PAUSE, 401)
    assert not Attempt.objects.filter(request_excerpt__contains="pass").exists()
