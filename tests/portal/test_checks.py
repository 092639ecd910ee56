"""System checks: each finding has an id and a hint that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.checks import Error, run_checks
from pytest_django import Settings

from portal import checks
from portal.checks import INSTALLATION, check_metrics_token, check_sandbox, check_tenant_paths


def test_this_installation_has_no_findings() -> None:
    assert run_checks(tags=[INSTALLATION]) == []


def test_every_finding_says_what_to_do(settings: Settings) -> None:
    settings.PRODUCTION, settings.SANDBOX = True, True
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "local-only-x", ["nonsense"]
    settings.PUBLIC_URL = "nowhere"
    found = run_checks(tags=[INSTALLATION])
    assert {message.id for message in found} >= {"portal.E001", "portal.E003", "portal.E004", "portal.W001"}
    assert all(message.hint for message in found)


@pytest.mark.parametrize(("production", "sandbox", "count"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_the_sandbox_in_production_is_a_warning(
    settings: Settings, production: bool, sandbox: bool, count: int
) -> None:
    settings.PRODUCTION, settings.SANDBOX = production, sandbox
    assert len(check_sandbox()) == count


@pytest.mark.parametrize(
    ("token", "count"),
    [("", 0), ("a-token-of-sixteen", 0), ("short", 1), ("a token of sixteen", 1), ("ééééééééééééééééé", 1)],
)
def test_a_token_that_could_be_guessed_or_not_be_sent_is_an_error(settings: Settings, token: str, count: int) -> None:
    settings.METRICS_TOKEN = token
    assert [message.id for message in check_metrics_token()] == ["portal.E016"] * count


def test_every_model_says_how_it_reaches_its_tenant() -> None:
    assert check_tenant_paths() == []


def test_a_model_that_does_not_say_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(**attributes: Any) -> Any:
        meta = type("Meta", (), {"app_label": "portal"})
        return type("Made", (), {"_meta": meta, **attributes})

    made = [
        model(),
        model(tenant_path=None),
        model(tenant_path=None, tenant_path_reason="All tenants share it."),
        model(tenant_path="tenant"),
    ]
    monkeypatch.setattr(apps, "get_models", lambda: made)
    found = check_tenant_paths()
    assert [(type(message), message.id) for message in found] == [(Error, "portal.E007"), (Error, "portal.E008")]


def test_every_app_of_our_own_is_looked_at() -> None:
    storeys = {"portal", "passes", "integrations"}
    own = {config.label for config in apps.get_app_configs() if config.name.split(".")[0] in storeys}
    assert own <= checks.OWN_APPS
