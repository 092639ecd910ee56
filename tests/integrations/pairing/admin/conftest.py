from __future__ import annotations

import pytest

from integrations.actito.models import ActitoConnection
from integrations.pairing import registry
from integrations.pairing.models import Pairing
from portal.models import Customer, Tenant
from tests import factories as make
from tests.integrations.pairing import sides
from tests.integrations.pairing.admin.paired_world import connected, known, paired


@pytest.fixture(autouse=True, name="sides")
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Actito, and a consent platform that has received nothing yet. Others there are none."""
    monkeypatch.setattr(registry, "_consent_sides", {"paper": f"{sides.__name__}.Paper"})
    monkeypatch.setattr(registry, "_profile_sides", {"actito": registry._profile_sides["actito"]})
    monkeypatch.setattr(sides.Paper, "received_ones", [])


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
