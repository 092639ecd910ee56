"""Errors under /api/ are problem details, Django's own ones too."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import path
from rest_framework.exceptions import Throttled

from portal import problems
from portal.problems import BadBody, PlainView
from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401 - read from this module
from portal.webhook import Webhook

API = Client(raise_request_exception=False)


def raising(error: Exception) -> Any:
    def view(request: Any) -> Any:
        raise error

    return view


class Listener(Webhook):
    """Refuses in DRF's ways whoever gets past the method."""

    authentication_classes = permission_classes = []

    def post(self, request: Any, how: str, tenant: str = "") -> Any:
        raise {
            "body": BadBody({"$.data": ["Wrong."]}),
            "wait": Throttled(wait=7),
            "database": OperationalError("geheim"),
        }[how]


class Shown(PlainView):
    def get(self, request: Any) -> Any:
        raise Http404


urlpatterns = [
    path("api/listener/<str:how>", Listener.as_view()),
    path("api/<str:tenant>/guarded/<str:how>", type("Guarded", (Webhook,), {"post": Listener.post}).as_view()),
    path("api/shown", Shown.as_view()),
]
urlpatterns += [
    path(f"{where}{name}", raising(error))
    for where in ("api/", "pages/")
    for name, error in {
        "400": SuspiciousOperation("geheim"),
        "403": PermissionDenied("geheim"),
        "404": Http404("geheim"),
        "500": RuntimeError("geheim"),
        "503": OperationalError("geheim"),
    }.items()
]


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
@pytest.mark.urls("tests.portal.test_problems")
def test_an_error_of_djangos_own_is_a_problem_under_api(status: int) -> None:
    answer = API.get(f"/api/{status}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = json.loads(answer.content)
    assert set(told) == {"type", "title", "status", "detail"}
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert "geheim" not in answer.content.decode()


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
@pytest.mark.urls("tests.portal.test_problems")
def test_an_error_elsewhere_is_a_page(status: int) -> None:
    answer = API.get(f"/pages/{status}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "geheim" not in answer.content.decode()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("text/json", "text/json; charset=utf-8"),
        ("text/plain;q=0.9, */*;q=0.1", "text/plain; charset=utf-8"),
        ("*/*", "application/problem+json"),
        ("text/html", "application/problem+json"),
    ],
)
@pytest.mark.parametrize("address", ["/api/500", "/api/nowhere", "/api/listener/body"])
@pytest.mark.urls("tests.portal.test_problems")
def test_a_problem_bears_the_name_that_was_asked_for(address: str, accept: str, expected: str) -> None:
    asked, plain = (API.post(address, headers=headers) for headers in ({"accept": accept}, {}))
    assert asked.headers["Content-Type"] == expected
    assert plain.headers["Content-Type"] == "application/problem+json"
    assert json.loads(asked.content) == json.loads(plain.content)
    assert "Accept" in asked.headers["Vary"]


@pytest.mark.urls("tests.portal.test_problems")
def test_errors_of_a_body_stand_by_their_json_path() -> None:
    answer = API.post("/api/listener/body")
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"] == {"$.data": ["Wrong."]}


@pytest.mark.urls("tests.portal.test_problems")
def test_whoever_has_to_wait_is_told_how_long() -> None:
    answer = API.post("/api/listener/wait")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("address", ["/api/listener/database", "/api/503", "/pages/503"])
@pytest.mark.urls("tests.portal.test_problems")
def test_what_a_database_cannot_store_now_may_be_sent_again_later(address: str) -> None:
    answer = API.post(address)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "geheim" not in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
@pytest.mark.urls("tests.portal.test_problems")
def test_another_method_is_refused_before_anybody_is_asked_who_they_are(method: str) -> None:
    answer = getattr(API, method)("/api/verdi/guarded/body")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.headers["Content-Type"] == "application/problem+json"
    if method != "head":
        assert json.loads(answer.content)["detail"] == f"{method.upper()} is not taken here. Use POST."
    assert API.post("/api/verdi/guarded/body").status_code == 401


@pytest.mark.urls("tests.portal.test_problems")
def test_a_method_that_nobody_knows_is_no_error_of_ours() -> None:
    answer = API.generic("BREW", "/api/verdi/guarded/body")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["put", "delete"])
@pytest.mark.urls("tests.portal.test_problems")
def test_a_view_of_djangos_own_refuses_methods_with_a_problem(method: str) -> None:
    answer = getattr(API, method)("/api/shown", headers={"accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/json")
    assert "GET" in answer.headers["Allow"]
    assert json.loads(answer.content)["status"] == 405


def test_a_wrong_host_is_a_problem_under_api() -> None:
    answer = API.post("/api/verdi/webhooks/listeners/actito/profile/Update", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path_", ["/api/", "/api/verdi", "/api/verdi/webhooks/listeners/actito/profile/", "/api/%00"])
def test_an_unknown_address_under_api_is_a_problem(path_: str) -> None:
    answer = API.post(path_)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_database_out_of_reach_is_a_problem_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(*_: Any) -> None:
        raise ConnectionError("db.internal:5432 refused")

    monkeypatch.setattr("portal.access.check_key", unreachable)
    with caplog.at_level(logging.ERROR):
        answer = API.post("/api/verdi/webhooks/listeners/actito/profile/Update")
    assert answer.status_code == 500
    assert json.loads(answer.content)["title"] == "Internal Server Error"
    assert "db.internal" not in answer.content.decode()
    assert "db.internal" in caplog.text


def test_a_detail_that_is_no_sentence_is_spelled_out() -> None:
    assert problems._sentence({"a": ["b"]}) == '{"a": ["b"]}'
    assert problems._sentence(None) == ""
    assert problems.page(RequestFactory().get("/api/x"), 404, "Nothing.").status_code == 404
