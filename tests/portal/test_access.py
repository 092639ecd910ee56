"""API keys: made once, checked in constant time, forgotten within seconds."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from portal import access
from portal.access import KEY_FORM, check_key, make_key
from portal.caching import BriefCache
from portal.models import ApiKey, Scope
from tests.world import make_tenant

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_only_its_digest_is_stored() -> None:
    key, secret = make_key(make_tenant(), "Actito", [Scope.ACTITO_LISTENER])
    assert KEY_FORM.match(secret)
    assert len(key.digest) == 64
    for model in apps.get_models():
        for row in model._base_manager.values():
            assert secret not in repr(row)
            assert secret.rsplit("_", 1)[-1] not in repr(row)
    assert secret not in f"{key} {key!r}"


def test_two_keys_of_a_tenant_work_side_by_side() -> None:
    tenant = make_tenant()
    secrets = [make_key(tenant, "Actito", [Scope.ACTITO_LISTENER])[1] for _ in range(2)]
    assert all(check_key(secret, tenant.slug) for secret in secrets)


def test_a_caller_knows_its_tenant_scopes_and_connection() -> None:
    tenant = make_tenant()
    key, secret = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER], bound_to="actito:3")
    caller = check_key(secret, tenant.slug)
    assert caller == access.Caller(tenant.pk, frozenset({Scope.ACTITO_LISTENER}), "actito:3", key.pk)


def test_the_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or False)
    _, secret = make_key(make_tenant(), "Actito", [])
    assert check_key(secret, "verdi") is None
    assert [len(part) for part in compared[0]] == [64, 64]


@pytest.mark.parametrize(
    "text",
    ["", "awp_", "awp_12345678_short", "awp_12345678_" + "x" * 44, "awp_12345678_" + "x" * 43 + "\n", "x" * 10_000],
)
def test_what_does_not_look_like_a_key_costs_no_query(text: str) -> None:
    with CaptureQueriesContext(database) as queries:
        assert check_key(text, "verdi") is None
    assert len(queries) == 0


def test_a_key_that_is_known_costs_no_query() -> None:
    _, secret = make_key(make_tenant(), "Actito", [])
    check_key(secret, "verdi")
    with CaptureQueriesContext(database) as queries:
        assert check_key(secret, "verdi")
    assert len(queries) == 0


def test_a_key_works_at_once_after_it_was_made() -> None:
    tenant = make_tenant()
    assert check_key("awp_12345678_" + "x" * 43, tenant.slug) is None
    ApiKey.objects.create(tenant=tenant, name="x", prefix="12345678", digest=access._digest("awp_12345678_" + "x" * 43))
    assert check_key("awp_12345678_" + "x" * 43, tenant.slug)


def test_a_cache_keeps_values_for_its_time_and_never_grows_beyond_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    now = [0.0]
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now[0])
    cache: BriefCache[int, int] = BriefCache(lambda key: loaded.append(key) or (key or None), 5.0, size=10)
    assert [cache.get(1), cache.get(1), cache.get(0), cache.get(0)] == [1, 1, None, None]
    assert loaded == [1, 0, 0]
    now[0] = 5.1
    cache.get(1)
    assert loaded == [1, 0, 0, 1]
    for key in range(1, 100):
        cache.get(key)
        assert len(cache._kept) <= 10
    BriefCache.instances.remove(cache)  # type: ignore[arg-type]
