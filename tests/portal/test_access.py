"""API keys: made once, checked in constant time, forgotten within seconds."""

from __future__ import annotations

import hmac
import time
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import access
from portal.access import KEY_FORM, NotReplaceable, Suspended, check_key, make_key, replace_key
from portal.caching import BriefCache
from portal.models import ApiKey, Scope, Tenant
from tests.portal.ledger_world import at
from tests.world import make_tenant

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_only_its_digest_is_stored() -> None:
    key, secret = make_key(make_tenant(), "Actito", [Scope.ACTITO_LISTENER])
    assert KEY_FORM.match(secret)
    assert len(key.digest) == 64
    for model in apps.get_models():
        for row in model._base_manager.values():
            assert secret not in repr(row)
            assert secret.split("_", 2)[-1] not in repr(row)
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


# Replacing and suspending


def test_a_successor_may_do_the_same_and_both_work_for_the_overlap() -> None:
    tenant = make_tenant()
    key, old = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER], bound_to="actito:3")
    successor, new = replace_key(key, timedelta(days=7))
    assert (successor.name, successor.scopes, successor.bound_to) == (key.name, key.scopes, key.bound_to)
    assert check_key(old, tenant.slug)
    assert check_key(new, tenant.slug)
    with at(timezone.now() + timedelta(days=7, seconds=1)):
        assert check_key(old, tenant.slug) is None
        assert check_key(new, tenant.slug)


def test_without_an_overlap_the_old_key_goes_on_until_it_is_revoked() -> None:
    tenant = make_tenant()
    key, old = make_key(tenant, "Actito", [])
    replace_key(key, None)
    with at(timezone.now() + timedelta(days=3000)):
        assert check_key(old, tenant.slug)


def test_an_overlap_never_makes_a_key_live_longer() -> None:
    end = timezone.now() + timedelta(days=2)
    key, _ = make_key(make_tenant(), "Actito", [], expires_at=end)
    replace_key(key, timedelta(days=7))
    key.refresh_from_db()
    assert key.expires_at == end


def test_two_keys_of_a_line_are_live_at_a_time() -> None:
    key, _ = make_key(make_tenant(), "Actito", [])
    second, _ = replace_key(key, timedelta(days=1))
    for each in (key, second):
        with pytest.raises(NotReplaceable, match="Two keys of this line"):
            replace_key(each, timedelta(days=1))
    with at(timezone.now() + timedelta(days=1, seconds=1)):
        third, _ = replace_key(second, timedelta(days=1))
        assert third.line == key.line
        with pytest.raises(NotReplaceable, match="no longer valid"):
            replace_key(key, timedelta(days=1))
    assert ApiKey.objects.count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite lets one transaction write at a time anyway")
def test_two_replacements_at_once_make_one_successor() -> None:
    key, _ = make_key(make_tenant(), "Actito", [])
    outcomes: list[str] = []

    def replace() -> None:
        try:
            replace_key(key, timedelta(days=1))
            outcomes.append("made")
        except NotReplaceable:
            outcomes.append("refused")
        finally:
            database.close()

    threads = [Thread(target=replace) for _ in range(4)]
    with transaction.atomic():
        ApiKey.objects.select_for_update().get(pk=key.pk)
        for thread in threads:
            thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]
    assert ApiKey.objects.count() == 2


def test_a_suspended_tenant_is_told_only_to_whoever_holds_its_key() -> None:
    tenant = make_tenant()
    key, secret = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER])
    Tenant.objects.update(suspended_at=timezone.now())
    with pytest.raises(Suspended):
        check_key(secret, tenant.slug)
    assert check_key(secret[:-1] + ("A" if secret[-1] != "A" else "B"), tenant.slug) is None
    assert check_key(secret, "rivale") is None
    ApiKey.objects.update(revoked_at=timezone.now())
    access._keys.clear()
    assert check_key(secret, tenant.slug) is None
    key.refresh_from_db()
    assert key.last_used_at is None


def test_a_suspension_works_within_the_time_that_keys_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()
    _, secret = make_key(tenant, "Actito", [])
    assert check_key(secret, tenant.slug)
    Tenant.objects.update(suspended_at=timezone.now())
    now = time.monotonic()
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now + 5.01)
    with pytest.raises(Suspended):
        check_key(secret, tenant.slug)
    Tenant.objects.update(suspended_at=None)
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now + 10.02)
    assert check_key(secret, tenant.slug)
