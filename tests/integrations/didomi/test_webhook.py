"""Didomi's webhook: who is let in, what is stored, what is known already, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from integrations.didomi import speakers
from portal.access import make_key
from portal.models import Event, Scope
from tests.integrations.didomi.arrivals_world import (
    ANNA,
    Organisation,
    make_organisation,
    make_organisation_that_speaks,
    payload,
    post,
)
from tests.world import make_speaker, make_tenant

pytestmark = pytest.mark.django_db
CASES = [
    "event_created_as_documented", "event_updated_as_documented", "event_deleted_minimal", "event_deleted_with_user",
    "event_pending_approval", "event_of_another_regulation", "event_of_another_organisation", "event_of_nobody",
    "event_from_the_future", "event_without_a_time", "event_flattened_by_number", "event_flattened_by_id",
    "user_updated", "user_deleted", "unknown_type",
]  # fmt: skip


@pytest.fixture
def speaker() -> Organisation:
    return make_organisation_that_speaks()


# Who is let in


def test_a_key_or_a_token_of_the_tenant_is_let_in(speaker: Organisation) -> None:
    assert speaker.post(payload("event_created_as_documented")).status_code == 200
    assert post(payload("user_updated"), token=speaker.token()).status_code == 200
    assert Event.objects.count() == 2


@pytest.mark.parametrize("scopes", [[], [Scope.ACTITO_LISTENER.value], [Scope.PASS_WRITE.value]])
def test_a_key_without_the_scope_is_told_which_one_it_lacks(scopes: list[str]) -> None:
    speaker = make_organisation_that_speaks(scopes=scopes)
    answer = speaker.post(payload("user_updated"))
    assert answer.status_code == 403
    assert "DidomiListener.Write" in answer.json()["detail"]


def test_nobody_else_is_let_in_and_nothing_is_stored(speaker: Organisation) -> None:
    rival = make_organisation_that_speaks("rivale")
    body = payload("event_created_as_documented")
    for answer in (post(body), post(body, secret="awp_wrong"), post(body, secret=rival.secret),
                   post(body, token=rival.token()), post(body, token="x.y.z"),
                   post(body, tenant="nobody", secret=speaker.secret)):  # fmt: skip
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]
    assert not Event.objects.exists()


def test_a_key_of_actitos_connection_does_not_speak_for_didomis() -> None:
    actito = make_speaker(scopes=[Scope.ACTITO_LISTENER, Scope.DIDOMI_LISTENER])
    make_organisation(actito.tenant)
    answer = post(payload("user_updated"), secret=actito.secret)
    assert (answer.status_code, "no longer exists" in answer.json()["detail"]) == (403, True)


def test_an_unbound_key_serves_while_the_tenant_has_one_connection_only() -> None:
    speaker = make_organisation_that_speaks(bound=False)
    assert speaker.post(payload("event_created_as_documented")).status_code == 200
    assert Event.objects.get().source == speaker.connection.source
    make_organisation(speaker.tenant, "Second", organization_id="other")
    speakers._speakers._kept.clear()
    assert speaker.post(payload("user_updated")).status_code == 403


# What is stored


@pytest.mark.parametrize("case", CASES)
def test_whatever_has_a_type_is_stored_as_it_came(speaker: Organisation, case: str) -> None:
    body = payload(case)
    answer = speaker.post(body)
    assert (answer.status_code, answer.content) == (200, b"")
    event = Event.objects.get()
    assert (event.kind, event.status, event.source) == ("didomi.event", "waiting", speaker.connection.source)
    assert (event.payload["connection"], event.payload["type"]) == (speaker.connection.pk, body["type"])
    assert event.payload["body"] == body
    assert event.lane_id == speaker.connection.lane_id


def test_an_arrival_is_one_statement(speaker: Organisation) -> None:
    speaker.post(payload("user_updated"))
    with CaptureQueriesContext(database) as asked:
        speaker.post(payload("event_created_as_documented"))
    assert len(asked) == 1


@pytest.mark.parametrize("case", ["event_created_as_documented", "event_flattened_by_number", "event_flattened_by_id",
                                  "event_updated_as_documented", "user_updated", "user_deleted"])  # fmt: skip
def test_the_subject_is_the_person_however_it_is_spelled(speaker: Organisation, case: str) -> None:
    speaker.post(payload(case))
    assert Event.objects.get().subject == f"{speaker.connection.source}:profile:{ANNA}"


def test_an_event_of_nobody_has_a_subject_of_its_own(speaker: Organisation) -> None:
    speaker.post(payload("event_of_nobody"))
    speaker.post({"type": "event.created"})
    first, second = Event.objects.order_by("pk").values_list("subject", flat=True)
    assert first == f"{speaker.connection.source}:event:c1f3a0de-0001-4a5e-9d6b-1f2e3d4c5b6a"
    assert second.startswith(f"{speaker.connection.source}:event:")


# What came before


def test_a_repeat_is_answered_200_and_stored_once(speaker: Organisation) -> None:
    for _ in range(3):
        assert speaker.post(payload("event_created_as_documented")).status_code == 200
    assert Event.objects.get().repeats == 2


def test_a_repeat_is_answered_208_where_the_connection_says_so() -> None:
    speaker = make_organisation_that_speaks(answer_already_reported=True)
    body = payload("event_created_as_documented")
    assert [speaker.post(body).status_code for _ in range(2)] == [200, 208]
    assert [speaker.post(payload("unknown_type")).status_code for _ in range(2)] == [200, 208]


def test_another_version_or_type_of_the_same_event_is_news(speaker: Organisation) -> None:
    body = payload("event_created_as_documented")
    changed = {**body, "parameters": {"entity": {**body["parameters"]["entity"], "updated_at": "2026-02-01T00:00:00Z"}}}
    for each in (body, changed, {**body, "type": "event.updated"}, payload("event_without_a_time")):
        speaker.post(each)
    assert Event.objects.count() == 4


def test_the_same_version_with_other_contents_is_news_too(speaker: Organisation) -> None:
    body = payload("event_created_as_documented")
    other = json.loads(json.dumps(body).replace('"enabled": true', '"enabled": false'))
    for each in (body, other, body, other):
        speaker.post(each)
    assert [event.payload["body"] for event in Event.objects.order_by("pk")] == [body, other]


def test_two_tenants_may_be_told_the_same(speaker: Organisation) -> None:
    rival = make_organisation_that_speaks("rivale")
    for each in (speaker, rival):
        assert each.post(payload("event_created_as_documented")).status_code == 200
    assert Event.objects.count() == 2


# What is refused


@pytest.mark.parametrize(
    ("body", "path"),
    [(b" ", "$"), (b"{", "$"), (b"[]", "$"), (b'[{"type": "event.created"}]', "$"), (b'"event.created"', "$"),
     (b"null", "$"), (b"{}", "$.type"), (b'{"type": ""}', "$.type"), (b'{"type": null}', "$.type"),
     (b'{"type": {}}', "$.type"), (b'{"type": "' + b"x" * 300 + b'"}', "$.type")],
)  # fmt: skip
def test_what_is_no_object_with_a_type_is_refused(speaker: Organisation, body: bytes, path: str) -> None:
    answer = speaker.post(body)
    assert answer.status_code == 400
    assert path in answer.json()["errors"]
    assert not Event.objects.exists()


def test_a_body_beyond_the_limit_is_refused(speaker: Organisation) -> None:
    assert speaker.post({"type": "event.created", "x": "y" * 300_000}).status_code == 413


ODD: list[Any] = [
    {"type": "event.created", "parameters": []},
    {"type": "event.created", "parameters": {"entity": [1]}},
    {"type": "event.created", "parameters": {"entity": {"id": {}, "updated_at": [], "user": "Anna"}}},
    {"type": "event.created", "parameters": {"entity": {"id": "x" * 5000, "updated_at": "y" * 250}}},
    {"type": "event.created", "parameters": {"entity": {"id": "x" * 250, "updated_at": "y" * 250}}},
    {"type": "event.created", "parameters": {"entity": {"user": {"organization_user_id": "a\u0000b" * 80}}}},
    {"type": "event.created", "parameters": {"entity": {"user": {"organization_user_id": "\ud800"}}}},
    {"type": "event.created", "entity__" + "a__" * 5000: 1},
    {"type": "t\u0000", "__": 1, "____": {"a": "b"}, "entity____id": 2},
    {"type": 7, "parameters": {"entity": {"id": 10**300, "user": {"organization_user_id": 12345}}}},
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_contents_are_no_reason_to_refuse(speaker: Organisation, body: Any) -> None:
    assert [speaker.post(body).status_code for _ in range(2)] == [200, 200]
    assert Event.objects.get().repeats == 1


def test_a_tenant_without_a_connection_is_told_so() -> None:
    tenant = make_tenant()
    secret = make_key(tenant, "Didomi", [Scope.DIDOMI_LISTENER.value])[1]
    answer = post(payload("user_updated"), secret=secret)
    assert (answer.status_code, "the tenant has none, or several" in answer.json()["detail"]) == (403, True)
