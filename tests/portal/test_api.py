"""The published description: for tools and for people, open to all, the same whoever asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from portal import api, api_page
from tests.live import Server, serving

PAGE = "/api/docs/"
TELL_VIOLATIONS = (
    """document.addEventListener("securitypolicyviolation", event => console.error(event.effectiveDirective))"""
)


def get(path: str, **headers: str) -> Any:
    return Client(raise_request_exception=False).get(path, headers=headers)


def test_tools_get_openapi_3_1_as_json_or_as_yaml() -> None:
    told = get("/api/schema/")
    assert (told.status_code, told.headers["Content-Type"]) == (200, "application/json")
    document = json.loads(told.content)
    assert document["openapi"].startswith("3.1")
    assert document == api.document()
    as_yaml = get("/api/schema/?format=yaml")
    assert as_yaml.headers["Content-Type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.content) == document


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/vnd.oai.openapi", "application/yaml"),
        ("application/yaml, application/json;q=0.5", "application/yaml"),
        ("image/png", "application/json"),
    ],
)
def test_the_accept_header_decides_where_the_address_does_not(accept: str, expected: str) -> None:
    assert get("/api/schema/", accept=accept).headers["Content-Type"] == expected
    assert get("/api/schema/?format=json", accept=accept).headers["Content-Type"] == "application/json"
    assert get("/api/schema/", accept=accept).headers["Vary"].startswith("Accept,")


def test_only_views_that_describe_themselves_stand_in_it() -> None:
    passes = {"/api/{tenantId}/links", "/api/{tenantId}/passes", "/api/{tenantId}/passes/{passId}",
              "/api/{tenantId}/oauth/token"}  # fmt: skip
    assert all(path.startswith("/api/{tenantId}/webhooks/") or path in passes for path in api.document()["paths"])


@pytest.mark.parametrize("language", ["fr", "nl"])
def test_it_is_the_same_in_every_language(language: str) -> None:
    before = get("/api/schema/").content
    api.document.cache_clear()
    api._written.cache_clear()
    assert get("/api/schema/", accept_language=language).content == before


@pytest.mark.parametrize("path", ["/api/schema/", PAGE])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_both_are_only_read(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert json.loads(answer.content)["status"] == 405
    assert Client().head(path).status_code == 200


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    first, second = get(PAGE), get(PAGE)
    html = first.content.decode()
    policy = dict(part.strip().split(" ", 1) for part in first.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    (nonce,) = re.findall(r"<style nonce=\"([^\"]+)\">", html)
    assert policy["style-src"] == f"'nonce-{nonce}'"
    assert nonce not in second.content.decode()
    assert "<script" not in html
    assert not re.findall(r"(?:src|url)\s*[=(]", html)
    assert set(re.findall(r'href="([^"#][^"]*)"', html)) == {"data:,", "/api/schema/", "/api/schema/?format=yaml"}


def test_everything_that_is_described_stands_on_the_page() -> None:
    html = get(PAGE).content.decode()
    document = api.document()
    for name in document["components"]["schemas"]:
        assert html.count(f'id="{name}"') == 1
    for path, methods in document["paths"].items():
        assert path in html
        for method, operation in methods.items():
            assert f'<span class="method">{method.upper()}</span>' in html
            for status in operation["responses"]:
                assert f">{status}</span>" in html
    assert "curl -i -X POST" in html
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets <= set(re.findall(r'id="([^"]+)"', html))


def test_an_operation_without_a_body_or_examples_can_stand_there_too() -> None:
    reading = {
        "operationId": "read", "tags": ["T"], "summary": "Read", "description": "One.\n\nTwo `<b>`.",
        "responses": {"200": {"description": "OK"}},
    }  # fmt: skip
    document = {**api.document(), "paths": {"/x": {"get": reading}}, "tags": [{"name": "T"}]}
    ((_, (operation,)),) = api_page.context(document)["groups"]
    assert operation.paragraphs == ["One.", "Two <code>&lt;b&gt;</code>."]
    assert (operation.media_types, operation.components, operation.examples) == ([], [], [])
    assert "-d" not in operation.curl


@pytest.fixture
def server(tmp_path: Path, own_database: str) -> Iterator[Server]:
    with serving(tmp_path, own_database) as one:
        yield one


@pytest.mark.slow
def test_a_browser_shows_the_page_wide_and_narrow_light_and_dark(server: Server) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        backgrounds = {
            (width, scheme): _look(
                browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme), server
            )
            for width in (1280, 375)
            for scheme in ("light", "dark")
        }
        browser.close()
    assert backgrounds[1280, "light"] == backgrounds[375, "light"] != backgrounds[375, "dark"]


def _look(page: Page, server: Server) -> str:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.add_init_script(TELL_VIOLATIONS)
    page.goto(f"http://127.0.0.1:{server.port}{PAGE}")
    assert page.locator("details").nth(1).get_attribute("open") is None
    page.locator("summary").nth(1).click()
    assert page.locator("details").nth(1).get_attribute("open") is not None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
