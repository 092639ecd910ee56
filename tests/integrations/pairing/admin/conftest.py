from __future__ import annotations

import pytest

from integrations.actito.models import ActitoConnection
from integrations.pairing import registry
from integrations.pairing.models import Pairing
from portal.models import Customer, Tenant
from tests import factories as make
from tests.integrations.pairing import sides
from tests.integrations.pairing.admin.paired_world import connected, known, paired


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> type[sides.Paper]:
    """A consent platform that has received nothing yet."""
    monkeypatch.setitem(registry._consent_sides, "paper", f"{sides.__name__}.Paper")
    monkeypatch.delitem(registry._consent_sides, "didomi")  # whose connections it bears
    monkeypatch.setattr(sides.Paper, "received_ones", [])
    return sides.Paper


@pytest.fixture
def brand() -> Tenant:
    return make.TenantFactory.make()


@pytest.fixture
def actito(brand: Tenant) -> ActitoConnection:
    return connected(brand)


@pytest.fixture
def pairing(brand: Tenant, actito: ActitoConnection) -> Pairing:
    return paired(brand, actito)


@pytest.fixture
def anna(brand: Tenant, actito: ActitoConnection) -> Customer:
    return known(brand, actito, "anna@example.com", news=False)
