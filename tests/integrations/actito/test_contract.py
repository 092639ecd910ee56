"""What we publish, held against the contract that senders know, and what we answer, held against what we publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator
from pytest_django import Settings

from integrations.actito.openapi_examples import ACTIONS, PROFILES
from portal import api
from portal.access import ScopePermission
from portal.models import ApiKey, Event, Tenant
from portal.rate import Buckets
from tests.contracts.compare import differences, prepared
from tests.world import PAYLOADS, Speaker, make_speaker, payload

CONTRACT = Path(__file__).parents[2] / "contracts" / "actito-listeners.openapi.json"
LISTENERS = "/api/{tenantId}/webhooks/listeners/actito"
ACTION, PROFILE = f"{LISTENERS}/custom-actions/updatePass", f"{LISTENERS}/profile/{{eventType}}"
REQUEST_TYPES = ("application/json", "text/json", "application/*+json")
ANSWER_TYPES = ("application/json", "text/json", "text/plain")


def of(path: str, *places: str) -> list[str]:
    return [f"{place[:2]}$.paths.{path}.post.{place[2:]}" for place in places]


def of_both(*places: str) -> list[str]:
    return [*of(ACTION, *places), *of(PROFILE, *places)]


def bodies(path: str, sign: str, member: str) -> list[str]:
    return of(path, *(f"{sign} requestBody.content.{each}.schema.{member}" for each in REQUEST_TYPES))


def problems(path: str, status: int, sign: str, member: str) -> list[str]:
    return of(path, *(f"{sign} responses.{status}.content.{each}.schema.{member}" for each in ANSWER_TYPES))


def of_schema(*places: str) -> list[str]:
    return [f"{place[:2]}$.components.schemas.{place[2:]}" for place in places]


PASSES = ("LinkPage", "Pass", "PassChange", "PassChangeAccepted", "PassCreation", "PassPage", "PassValue", "PassValues")
# Reason -> where. Everything else is the contract's, word for word.
DEVIATIONS: dict[str, list[str]] = {
    "oneOf can never hold: whatever is one of its two schemas is the other one too. A 400 may be either, so anyOf": [
        *problems(ACTION, 400, "-", "oneOf"),
        *problems(ACTION, 400, "+", "anyOf"),
    ],
    "For the same reason; a 401 is never about members of a body": [
        place
        for path in (ACTION, PROFILE)
        for place in (*problems(path, 401, "-", "oneOf"), *problems(path, 401, "+", "$ref"))
    ],
    "We say more: problem details under their own media type, unless another one is asked for": [
        *of(ACTION, "+ responses.400.content.application/problem+json"),
        *of_both("+ responses.401.content.application/problem+json", "+ responses.500.content"),
    ],
    "We say more: how to authenticate": of_both("+ responses.401.headers"),
    "We say more: answers that the contract does not name": [
        *of(ACTION, "+ responses.208"),
        *of(PROFILE, "+ responses.400", "+ responses.404"),
        *(place for status in (403, 405, 413, 415, 429, 503) for place in of_both(f"+ responses.{status}")),
    ],
    "We say more: the scope by its name": of_both("≠ security.apiKey", "≠ security.admin-bearer"),
    "Tokens come from the installation's own issuer; no page of ours or theirs is needed to get one": [
        "≠ $.components.securitySchemes.admin-bearer.type",
        "- $.components.securitySchemes.admin-bearer.flows",
        "+ $.components.securitySchemes.admin-bearer.scheme",
        "+ $.components.securitySchemes.admin-bearer.bearerFormat",
    ],
    "We say more: the contract takes any JSON, but a body that names nobody cannot be used": [
        *bodies(ACTION, "+", "anyOf"),
        *of_both("+ requestBody.required"),
        *of_schema("+ CustomAction", "+ CustomActionWrapper", "+ CustomerNames"),
    ],
    "We take more: a profile without its wrapper, as scenarios push it, and several at once": [
        *bodies(PROFILE, "-", "$ref"),
        *bodies(PROFILE, "+", "anyOf"),
        *of_schema(
            "- NewProfileActitoWrapper.properties.data.$ref",
            "+ NewProfileActitoWrapper.properties.data.anyOf",
            "+ ProfileAttributes",
        ),
    ],
    "We take more: a profile's number may be a string of digits": of_schema(
        "- NewProfile.properties.profileId.type",
        "- NewProfile.properties.profileId.format",
        "+ NewProfile.properties.profileId.$ref",
        "+ ProfileId",
    ),
    "We take more: members that nobody knows yet; eventType and operation of any type": of_schema(
        "- NewProfileActitoWrapper.additionalProperties",
        "- NewProfile.additionalProperties",
        "- NewProfileActitoWrapper.properties.eventType.type",
        "- NewProfileActitoWrapper.properties.operation.type",
    ),
    "We serve more: the API for passes": [
        "+ $.tags.Passes",
        *(f"+ $.paths./api/{{tenantId}}/{rest}" for rest in ("links", "passes", "passes/{passId}")),
        *of_schema(*(f"+ {name}" for name in PASSES)),
    ],
    "We serve more: tokens, and what Didomi calls": [
        "+ $.tags.Tokens",
        "+ $.tags.Didomi",
        "+ $.paths./api/{tenantId}/oauth/token",
        "+ $.paths./api/{tenantId}/webhooks/listeners/didomi/events",
        *of_schema("+ Token", "+ TokenRefusal", "+ TokenRequest", "+ DidomiEvent"),
    ],
    "We say more: without a profile's number nothing can be done": of_schema(
        "+ NewProfileActitoWrapper.required", "+ NewProfile.required"
    ),
}


def contract() -> dict[str, Any]:
    return dict(json.loads(CONTRACT.read_text(encoding="utf-8")))


def test_each_deviation_from_the_contract_is_known_and_has_a_reason() -> None:
    listed = [place for places in DEVIATIONS.values() for place in places]
    assert len(listed) == len(set(listed))
    found = list(differences(prepared(contract()), prepared(api.document())))
    assert sorted(found) == sorted(listed)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda ours: ours["paths"].pop(ACTION), f"- $.paths.{ACTION}"),
        (lambda ours: ours["paths"][PROFILE]["post"]["parameters"].pop(0), f"- $.paths.{PROFILE}.post.parameters"),
        (
            lambda ours: ours["paths"][PROFILE]["post"]["responses"].pop("208"),
            f"- $.paths.{PROFILE}.post.responses.208",
        ),
        (
            lambda ours: ours["paths"][ACTION]["post"]["requestBody"]["content"].pop("text/json"),
            f"- $.paths.{ACTION}.post.requestBody.content.text/json",
        ),
        (
            lambda ours: ours["components"]["schemas"]["ProblemDetails"]["properties"]["title"].update(type="string"),
            "≠ $.components.schemas.ProblemDetails.properties.title.type",
        ),
        (
            lambda ours: ours["components"]["schemas"]["ProfileEventType"]["enum"].append("Delete"),
            "≠ $.components.schemas.ProfileEventType.enum",
        ),
    ],
)
def test_the_comparison_sees_what_is_missing_or_not_the_same(
    change: Callable[[dict[str, Any]], Any], expected: str
) -> None:
    ours = contract()
    change(ours)
    (found,) = differences(prepared(contract()), prepared(ours))
    assert found.startswith(expected)


# The description itself


def described(path: str) -> dict[str, Any]:
    return dict(api.document()["paths"][path]["post"])


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator({**schema, "components": api.document()["components"]})


def taken(path: str) -> Draft202012Validator:
    return validator(described(path)["requestBody"]["content"]["application/json"]["schema"])


def test_the_examples_are_the_payloads_of_the_tests() -> None:
    assert {name: body for name, (_, body) in {**PROFILES, **ACTIONS}.items()} == {
        name: payload(name) for name in (*PROFILES, *ACTIONS)
    }


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PROFILE, ACTION])
@pytest.mark.parametrize("case", sorted(file.stem for file in PAYLOADS.glob("*.json")))
def test_a_payload_fits_the_description_exactly_when_it_is_taken(path: str, case: str) -> None:
    answer = send(make_speaker(), path, payload(case))
    assert answer.status_code in {200, 400}
    assert taken(path).is_valid(payload(case)) == (answer.status_code == 200)


# Answers


def send(speaker: Speaker, path: str, body: Any, **more: Any) -> Any:
    address = path.format(tenantId=speaker.tenant.slug, eventType=more.pop("event_type", "Update"))
    headers = {"X-API-KEY": speaker.secret, **more.pop("headers", {})}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content_type": "application/json", **more}
    client = Client(raise_request_exception=False)
    return getattr(client, sent.pop("method", "post"))(address, data, headers=headers, **sent)


GOOD: Any = {"data": {"profileId": 147471}}


def stored(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, GOOD, **more)


def reported(speaker: Speaker, path: str, **more: Any) -> Any:
    pushed = {"id": "95f1cebc-4dd7-4246-83a1-164d8da8c583", **GOOD}
    send(speaker, path, pushed)
    return send(speaker, path, pushed, **more)


def bad_body(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, {"data": 7}, **more)


def wrong_key(speaker: Speaker, path: str, *, headers: dict[str, str]) -> Any:
    return send(speaker, path, GOOD, headers={**headers, "X-API-KEY": "wrong"})


def no_scope(speaker: Speaker, path: str, **more: Any) -> Any:
    ApiKey.objects.update(scopes=[])
    return send(speaker, path, GOOD, **more)


def no_event_type(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, GOOD, event_type="Delete", **more)


def wrong_method(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, b"", method="put", **more)


def too_large(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, b" " * 300_000, **more)


def wrong_type(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, GOOD, content_type="text/csv", **more)


def flood(speaker: Speaker, path: str, **more: Any) -> Any:
    send(speaker, path, GOOD)
    return send(speaker, path, GOOD, **more)


def failing(speaker: Speaker, path: str, **more: Any) -> Any:
    return send(speaker, path, GOOD, **more)


def suspended(speaker: Speaker, path: str, **more: Any) -> Any:
    Tenant.objects.update(suspended_at=timezone.now())
    return send(speaker, path, GOOD, **more)


CASES = {
    200: stored, 208: reported, 400: bad_body, 401: wrong_key, 403: no_scope, 404: no_event_type, 405: wrong_method,
    413: too_large, 415: wrong_type, 429: flood, 500: failing, 503: suspended,
}  # fmt: skip
EVERY = [(path, status) for path in (PROFILE, ACTION) for status in CASES if (path, status) != (ACTION, 404)]
SURE_HEADERS = {401: {"WWW-Authenticate"}, 405: {"Allow"}, 429: {"Retry-After"}, 503: {"Retry-After"}}


def test_every_answer_that_is_described_is_tried() -> None:
    assert {(path, int(status)) for path in (PROFILE, ACTION) for status in described(path)["responses"]} == set(EVERY)


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["", "application/json", "text/json", "text/plain"])
@pytest.mark.parametrize(("path", "status"), EVERY)
def test_what_we_answer_is_what_we_publish(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, path: str, status: int, accept: str
) -> None:
    monkeypatch.setattr("portal.rate._buckets", Buckets())  # keys of other tests had the same numbers
    if status == 429:
        settings.WEBHOOK_RATE, settings.WEBHOOK_BURST = 0.001, 1
    if status == 500:
        monkeypatch.setattr(ScopePermission, "has_permission", lambda *_: 1 / 0)
    answer = CASES[status](make_speaker(), path, headers={"accept": accept} if accept else {})
    assert answer.status_code == status, answer.content
    published = described(path)["responses"][str(status)]
    assert published["description"]
    assert SURE_HEADERS.get(status, set()) <= set(published.get("headers", {}))
    assert all(name in answer.headers for name in SURE_HEADERS.get(status, ()))
    if status < 300:
        assert answer.content == b""
        assert "content" not in published
        assert Event.objects.exists()
        return
    media_type = answer.headers["Content-Type"].split(";")[0]
    assert media_type == (accept or "application/problem+json")
    told = json.loads(answer.content)
    validator(published["content"][media_type]["schema"]).validate(told)
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert told["title"]
    assert told["detail"]
    assert bool(told.get("errors")) == (status == 400)
