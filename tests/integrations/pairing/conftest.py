from __future__ import annotations

import pytest

from integrations.pairing import registry
from portal.models import Customer, Tenant
from tests import factories as make
from tests.integrations.pairing.pairing_world import KEY


@pytest.fixture(autouse=True)
def sides(monkeypatch: pytest.MonkeyPatch) -> None:
    played = "tests.integrations.pairing.pairing_world.PlayedSide"
    monkeypatch.setitem(registry._consent_sides, "platform", played)
    monkeypatch.setitem(registry._profile_sides, "system", played)


@pytest.fixture
def brand() -> Tenant:
    return make.TenantFactory.make()


@pytest.fixture
def anna(brand: Tenant) -> Customer:
    return make.CustomerFactory.make(tenant=brand, key=KEY)
