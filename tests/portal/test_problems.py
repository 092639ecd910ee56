"""Errors under /api/ are problem details, Django's own ones too."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import path

from portal import problems
from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401 - read from this module

API = Client(raise_request_exception=False)


def raising(error: Exception) -> Any:
    def view(request: Any) -> Any:
        raise error

    return view


urlpatterns = [
    path(f"{where}{name}", raising(error))
    for where in ("api/", "pages/")
    for name, error in {
        "400": SuspiciousOperation("geheim"),
        "403": PermissionDenied("geheim"),
        "404": Http404("geheim"),
        "500": RuntimeError("geheim"),
    }.items()
]


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.urls("tests.portal.test_problems")
def test_an_error_of_djangos_own_is_a_problem_under_api(status: int) -> None:
    answer = API.get(f"/api/{status}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = json.loads(answer.content)
    assert set(told) == {"type", "title", "status", "detail"}
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert "geheim" not in answer.content.decode()


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.urls("tests.portal.test_problems")
def test_an_error_elsewhere_is_a_page(status: int) -> None:
    answer = API.get(f"/pages/{status}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "geheim" not in answer.content.decode()


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
