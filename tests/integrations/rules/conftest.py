from __future__ import annotations

import pytest

from portal.models import Customer, Tenant
from tests import factories as make


@pytest.fixture
def brand() -> Tenant:
    return make.TenantFactory.make()


@pytest.fixture
def anna(brand: Tenant) -> Customer:
    return make.CustomerFactory.make(tenant=brand, values={"points": 420, "tier": "Silver"})
