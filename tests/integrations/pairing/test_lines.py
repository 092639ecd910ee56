"""Which customer values a tenant's pairings decide: readings of profiles leave those alone."""

from __future__ import annotations

import pytest
from django.db import transaction

from integrations.pairing import hub
from integrations.pairing.lines import decided_names
from integrations.pairing.models import Pairing
from portal import customers
from portal.customers import Profile
from portal.models import Customer, Identity, Tenant
from tests import factories as make
from tests.integrations.pairing.pairing_world import CONSENTS, KEY, NEWSLETTER, PROFILES, START, cause, paired, said

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("phase", "decided"), [
    ("draft", set()), ("comparing", set()), ("on", {NEWSLETTER}), ("paused", set()),
])  # fmt: skip
def test_a_pairing_decides_while_it_is_on(brand: Tenant, phase: str, decided: set[str]) -> None:
    paired(brand, phase=phase)
    paired(make.TenantFactory.make())
    assert decided_names(brand.pk) == decided


def test_a_profile_that_was_read_before_it_was_written_does_not_undo_a_consent(brand: Tenant, anna: Customer) -> None:
    pairing = paired(brand)
    Identity.objects.create(tenant=brand, customer=anna, namespace=PROFILES, value="1")
    with transaction.atomic():
        hub.told(CONSENTS, said(True, START), cause(brand))
    read(brand, subscribed=False)
    assert Customer.objects.get(pk=anna.pk).values[NEWSLETTER] is True
    Pairing.objects.filter(pk=pairing.pk).update(phase=Pairing.Phase.PAUSED)
    read(brand, subscribed=False)
    assert Customer.objects.get(pk=anna.pk).values[NEWSLETTER] is False


def read(tenant: Tenant, *, subscribed: bool) -> None:
    event = cause(tenant)
    profile = Profile(PROFILES, {PROFILES: "1"}, KEY, "en", {NEWSLETTER: subscribed})
    with transaction.atomic():
        customers.apply_profile(profile, cause=event, number=event.pk)
