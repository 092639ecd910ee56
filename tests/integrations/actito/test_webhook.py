"""Actito's profile webhook, as careful, careless and hostile senders use it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.actito import speakers
from portal.access import make_key
from portal.models import ApiKey, Event, Scope
from tests.world import Speaker, make_connection, make_speaker, payload, post

pytestmark = pytest.mark.django_db

MINIMAL = {"data": {"profileId": 147471}}


@pytest.fixture
def speaker() -> Speaker:
    return make_speaker()


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    """It is a problem as RFC 9457 has it, and nothing was stored."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.content)
    assert told["type"] == "about:blank"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert not Event.objects.exists()
    return told


# Who is let in


def revoke(key: ApiKey) -> None:
    key.revoked_at = timezone.now()


def expire(key: ApiKey) -> None:
    key.expires_at = timezone.now() - timedelta(seconds=1)


def no_key(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret=None)


def empty_key(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret="")


def invented_key(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret="awp_00000000_" + "x" * 43)


def key_with_a_wrong_end(speaker: Speaker) -> Any:
    wrong = speaker.secret[:-1] + ("A" if speaker.secret[-1] != "A" else "B")
    return post(MINIMAL, tenant="verdi", secret=wrong)


def key_in_strange_letters(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret="awp_clé")


def key_of_another_tenant(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret=make_speaker("rivale").secret)


def key_at_an_unknown_tenant(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="nobody", secret=speaker.secret)


def tenant_in_capitals(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="VERDI", secret=speaker.secret)


def tenant_with_a_nul(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi%00", secret=speaker.secret)


def revoked_key(speaker: Speaker) -> Any:
    revoke(speaker.key)
    speaker.key.save()
    return speaker.post(MINIMAL)


def expired_key(speaker: Speaker) -> Any:
    expire(speaker.key)
    speaker.key.save()
    return speaker.post(MINIMAL)


def bearer_instead_of_a_key(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="verdi", secret=None, HTTP_AUTHORIZATION=f"Bearer {speaker.secret}")


@pytest.mark.parametrize(
    "send",
    [
        no_key,
        empty_key,
        invented_key,
        key_with_a_wrong_end,
        key_in_strange_letters,
        key_of_another_tenant,
        key_at_an_unknown_tenant,
        tenant_in_capitals,
        tenant_with_a_nul,
        revoked_key,
        expired_key,
        bearer_instead_of_a_key,
    ],
)
def test_whoever_has_no_valid_key_of_this_tenant_hears_the_same_401(
    speaker: Speaker, send: Callable[[Speaker], Any]
) -> None:
    answer = send(speaker)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("ApiKey ")
    reference = no_key(speaker)
    assert answer.content == reference.content
    assert {**answer.headers} == {**reference.headers}


def test_a_key_without_the_scope_is_told_so() -> None:
    told = assert_problem(make_speaker(scopes=[]).post(MINIMAL), 403)
    assert "ActitoListener.Write" in told["detail"]


def test_an_unbound_key_serves_while_the_tenant_has_one_connection_only() -> None:
    speaker = make_speaker(bound=False)
    assert speaker.post(MINIMAL).status_code == 200
    Event.objects.all().delete()
    make_connection(speaker.tenant, name="Second", licence="second")
    make_speaker("rivale")
    other = make_key(speaker.tenant, "Fresh", [Scope.ACTITO_LISTENER])[1]
    speakers._speakers._kept.clear()
    told = assert_problem(post(MINIMAL, tenant="verdi", secret=other), 403)
    assert "bound to one Actito connection" in told["detail"]


@pytest.mark.parametrize("bound_to", ["actito:99999", "actito:x", "didomi:1", "actito:", "٣"])
def test_a_key_bound_to_a_connection_that_is_gone_is_told_so(speaker: Speaker, bound_to: str) -> None:
    ApiKey.objects.update(bound_to=bound_to)
    told = assert_problem(speaker.post(MINIMAL), 403)
    assert "no longer exists" in told["detail"]


def test_a_key_bound_to_another_tenants_connection_does_not_speak_for_it(speaker: Speaker) -> None:
    rival = make_speaker("rivale")
    ApiKey.objects.filter(pk=speaker.key.pk).update(bound_to=rival.connection.source)
    assert_problem(speaker.post(MINIMAL), 403)


def test_a_revocation_works_within_five_seconds(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert speaker.post(MINIMAL).status_code == 200
    revoke(speaker.key)
    speaker.key.save()
    now = time.monotonic()
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now + 5.01)
    assert speaker.post(MINIMAL).status_code == 401


def test_the_last_use_of_a_key_is_noted(speaker: Speaker) -> None:
    speaker.post(MINIMAL)
    assert ApiKey.objects.get().last_used_at


# What is taken


@pytest.mark.parametrize("event_type", ["Create", "Update", "CREATE", "update", "uPdAtE"])
def test_the_event_type_is_taken_in_any_case(speaker: Speaker, event_type: str) -> None:
    answer = speaker.post(MINIMAL, event_type)
    assert answer.status_code == 200
    assert answer.content == b""
    assert Event.objects.get().payload["event_type"] == event_type.upper()


@pytest.mark.parametrize("event_type", ["Delete", "Creat", "Create%20", "UPDATED_SUBSCRIPTION", "%00", "Create/more"])
def test_an_unknown_event_type_is_not_found(speaker: Speaker, event_type: str) -> None:
    assert_problem(speaker.post(MINIMAL, event_type), 404)


@pytest.mark.parametrize(
    "case",
    [
        "minimal",
        "v1_profile_created",
        "v1_profile_updated",
        "v1_values_as_strings",
        "v2_profile_updated",
        "v2_values_as_strings",
        "subscription_changed",
        "unknown_members",
    ],
)
def test_every_payload_version_becomes_work_for_its_profile(speaker: Speaker, case: str) -> None:
    assert speaker.post(payload(case)).status_code == 200
    event = Event.objects.get()
    profile = "147472" if case == "v1_profile_created" else "147471"
    assert event.subject == f"{speaker.connection.source}:profile:{profile}"
    assert event.payload["profile"] == profile
    assert event.lane_id == speaker.connection.lane_id
    sent = payload(case).get("id")
    assert event.source_id == (f"actito.profile:{sent}" if sent else None)


@pytest.mark.parametrize(
    "content_type", ["text/json", "application/vnd.actito+json", "Application/JSON; charset=utf-8"]
)
def test_every_name_of_json_is_taken(speaker: Speaker, content_type: str) -> None:
    assert speaker.post(MINIMAL, content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "", "json", "é/json"],
)
def test_another_media_type_is_refused(speaker: Speaker, content_type: str) -> None:
    assert_problem(speaker.post(MINIMAL, content_type=content_type), 415)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", "nonsense"])
def test_a_sender_need_not_accept_json(speaker: Speaker, accept: str) -> None:
    assert speaker.post(MINIMAL, HTTP_ACCEPT=accept).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head", "options"])
def test_another_method_is_not_allowed(speaker: Speaker, method: str) -> None:
    url = "/api/verdi/webhooks/listeners/actito/profile/Update"
    answer = getattr(Client(raise_request_exception=False), method)(url, headers={"X-API-KEY": speaker.secret})
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert not Event.objects.exists()
    if method != "head":
        assert_problem(answer, 405)


# Profile ids

GOOD_IDS = [1, 147471, 7.0, 2**63 - 1, "1", "147471", str(2**63 - 1), "007"]
BAD_IDS = [
    *(True, False, 1.5, -5, 0, 2**63, 2**64, 10**400, None, [], [7], {}),
    *("abc", "", " 7", "7 ", "+7", "-7", "0", "7.0", "1e3", "0x7", "٣", "²", "9" * 19, "9" * 5000, str(2**63)),
]


@pytest.mark.parametrize("profile", GOOD_IDS)
def test_a_profile_id_is_an_integer_or_a_string_of_digits(speaker: Speaker, profile: Any) -> None:
    assert speaker.post({"data": {"profileId": profile}}).status_code == 200
    assert Event.objects.get().payload["profile"] == str(int(profile))


@pytest.mark.parametrize("profile", BAD_IDS, ids=lambda value: repr(value)[:20])
def test_nothing_else_is_a_profile_id(speaker: Speaker, profile: Any) -> None:
    told = assert_problem(speaker.post({"data": {"profileId": profile}}), 400)
    assert list(told["errors"]) == ["$.data.profileId"]
    assert told["errors"]["$.data.profileId"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.data.profileId"),
        ({"data": []}, "$.data"),
        ({"data": [{"profileId": n} for n in range(1001)]}, "$.data"),
        ({"data": None}, "$.data"),
        ({"data": 7}, "$.data"),
        ({"data": "profileId"}, "$.data"),
        ({"data": {}}, "$.data.profileId"),
        ({"data": {"profileid": 7}}, "$.data.profileId"),
        ([{"data": {"profileId": n}} for n in range(1001)], "$"),
        ([], "$"),
        ("text", "$"),
        (7, "$"),
        (None, "$"),
    ],
)
def test_a_missing_part_is_named_by_its_json_path(speaker: Speaker, body: Any, path: str) -> None:
    assert list(assert_problem(speaker.post(body), 400)["errors"]) == [path]


# Hostile bodies

ODD_BODIES = {
    "nothing": b"",
    "white space": b"   \n",
    "not JSON": b"profileId=7",
    "half an object": b'{"data": {"profileId": 7}',
    "two objects": b'{"data": {"profileId": 7}}{"data": {"profileId": 8}}',
    "NaN": b'{"data": {"profileId": 7, "points": NaN}}',
    "infinity": b'{"data": {"profileId": -Infinity}}',
    "invalid UTF-8": b'{"data": {"profileId": 7, "name": "\xff\xfe"}}',
    "a number of 5000 digits": b'{"data": {"profileId": 7, "points": ' + b"9" * 5000 + b"}}",
    "lists nested 100,000 deep": b'{"data": {"profileId": 7}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects nested 40,000 deep": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "lists nested 900 deep": b'{"data": {"profileId": 7}, "x": ' + b"[" * 900 + b"]" * 900 + b"}",
    "lists nested 300 deep": b'{"data": {"profileId": 7}, "x": ' + b"[" * 300 + b"]" * 300 + b"}",
    "a raw control sign": b'{"data": {"profileId": 7, "name": "a\x00b"}}',
    "latin-1": '{"data": {"profileId": 7, "name": "Zoë"}}'.encode("latin-1"),
}
HARMLESS_BODIES = {
    "a byte order mark": b"\xef\xbb\xbf" + b'{"data": {"profileId": 7}}',
    "an escaped NUL": rb'{"id": "a\u0000b", "data": {"profileId": 7, "na\u0000me": "a\u0000b"}}',
    "a lone surrogate": rb'{"id": "a\ud800b", "data": {"profileId": 7, "name": "\ud800"}}',
    "a surrogate in bytes": b'{"id": "\xed\xa0\x80", "data": {"profileId": 7}}',
    "a very large float": b'{"data": {"profileId": 7, "points": 1e999}}',
    "a duplicate key": b'{"data": {"profileId": 8}, "data": {"profileId": 7}}',
    "an id of 300 letters": b'{"id": "' + b"x" * 300 + b'", "data": {"profileId": 7}}',
    "an id that is a number": b'{"id": 12, "data": {"profileId": 7}}',
    "UTF-16": '{"data": {"profileId": 7}}'.encode("utf-16"),
    "an emoji": '{"data": {"profileId": 7, "name": "🎉"}}'.encode(),
}


@pytest.mark.parametrize("case", ODD_BODIES)
def test_what_is_not_plain_json_is_refused(speaker: Speaker, case: str) -> None:
    assert list(assert_problem(speaker.post(ODD_BODIES[case]), 400)["errors"]) == ["$"]


@pytest.mark.parametrize("case", HARMLESS_BODIES)
def test_odd_but_readable_json_is_stored(speaker: Speaker, case: str) -> None:
    assert speaker.post(HARMLESS_BODIES[case]).status_code == 200
    assert Event.objects.get().payload["profile"] == "7"


def big_body(size: int) -> bytes:
    start, end = b'{"data": {"profileId": 7}, "x": "', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


def test_a_body_of_256_kib_is_taken_and_one_byte_more_is_not(speaker: Speaker) -> None:
    assert speaker.post(big_body(256 * 1024)).status_code == 200
    Event.objects.all().delete()
    assert_problem(speaker.post(big_body(256 * 1024 + 1)), 413)


def test_a_declared_length_over_the_limit_is_refused_unread(speaker: Speaker) -> None:
    assert_problem(speaker.post(big_body(1000), CONTENT_LENGTH="300000"), 413)


@pytest.mark.parametrize("length", ["²", "-1", "many", "0"])
def test_a_wrong_content_length_is_no_error_of_ours(speaker: Speaker, length: str) -> None:
    assert_problem(speaker.post(big_body(1000), CONTENT_LENGTH=length), 400)


def chunked(speaker: Speaker, body: bytes) -> Any:
    more = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return speaker.post(body, **more, **{"wsgi.input": io.BytesIO(body)})


def test_a_body_without_a_declared_length_is_read_to_its_end(speaker: Speaker) -> None:
    assert chunked(speaker, big_body(100_000)).status_code == 200
    Event.objects.all().delete()
    assert_problem(chunked(speaker, big_body(300_000)), 413)


# What is stored


def test_secrets_in_a_payload_are_not_stored(speaker: Speaker) -> None:
    speaker.post(payload("secret_in_the_payload"))
    stored = json.dumps(Event.objects.get().payload)
    assert "147471" in stored
    assert "hunter2" not in stored
    assert "abcdef0123456789" not in stored


def test_an_arrival_costs_one_insert_and_no_other_query_once_caches_are_warm(speaker: Speaker) -> None:
    speaker.post(payload("v2_profile_updated"))
    for case in ("v1_profile_updated", "v1_profile_created", "v2_values_as_strings", "v2_profile_updated"):
        with CaptureQueriesContext(
            database,
        ) as queries:
            assert speaker.post(payload(case)).status_code in {200, 208}
        assert [query["sql"].split()[0] for query in queries] == ["INSERT"]


def test_200_first_and_208_while_an_earlier_arrival_waits(speaker: Speaker) -> None:
    assert speaker.post(MINIMAL).status_code == 200
    assert speaker.post(MINIMAL).status_code == 208
    assert speaker.post({"data": {"profileId": 5}}).status_code == 200
    assert Event.objects.count() == 3
    Event.objects.update(status=Event.Status.DONE)
    assert speaker.post(MINIMAL).status_code == 200


def test_208_and_no_second_row_when_the_same_vendors_id_came_before(speaker: Speaker) -> None:
    assert speaker.post(payload("v2_profile_updated")).status_code == 200
    Event.objects.update(status=Event.Status.DONE)
    assert speaker.post(payload("v2_profile_updated")).status_code == 208
    assert Event.objects.get().repeats == 1


def test_an_id_that_comes_again_with_other_news_loses_nothing(speaker: Speaker) -> None:
    speaker.post({"id": "the same", "data": {"profileId": 1}})
    assert speaker.post({"id": "the same", "data": {"profileId": 2}}).status_code == 200
    assert [event.payload["profile"] for event in Event.objects.order_by("pk")] == ["1", "2"]


def test_other_news_under_a_known_id_has_repeats_of_its_own(speaker: Speaker) -> None:
    one, other = ({"id": "the same", "data": {"profileId": number}} for number in (1, 2))
    assert [speaker.post(body).status_code for body in (one, other, other, one, other)] == [200, 200, 208, 208, 208]
    assert Event.objects.count() == 2


def test_the_same_id_from_another_tenant_is_no_repeat(speaker: Speaker) -> None:
    speaker.post(payload("v2_profile_updated"))
    rival = make_speaker("rivale")
    assert rival.post(payload("v2_profile_updated")).status_code == 200
    assert Event.objects.for_tenant(rival.tenant).count() == 1
