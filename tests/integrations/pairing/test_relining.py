"""A line that is about another consent now begins anew: nobody is subscribed by what they said about the old one."""

from __future__ import annotations

import pytest

from integrations.pairing import hub, relining
from integrations.pairing.lines import lines_of
from integrations.pairing.models import ConsentMapping, ConsentReview, PairedPerson, Pairing
from portal.models import Customer, Tenant
from tests.integrations.pairing.pairing_world import (
    CONSENTS,
    NEWSLETTER,
    PATH,
    PROFILES,
    START,
    cause,
    paired,
    said,
    stands,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pairing(brand: Tenant, anna: Customer) -> Pairing:
    """Anna said yes, and is asked about."""
    made = paired(brand)
    ConsentMapping.objects.update(value_name=NEWSLETTER)
    hub.told(CONSENTS, said(True, START), cause(brand))
    ConsentReview.objects.create(tenant=brand, pairing=made, customer=anna, reason="conflict", name=NEWSLETTER)
    PairedPerson.objects.update(compared={PROFILES: {NEWSLETTER: True, "other": True}})
    return made


def changed(pairing: Pairing, **values: str) -> list[str]:
    before = lines_of(pairing)
    pairing.mappings.update(**values)
    return relining.forget_changed(Pairing.objects.get(pk=pairing.pk), before)


@pytest.mark.parametrize("values", [{"target": "promotions"}, {"path": "consents_purposes_promotions_enabled"},
                                    {"value_name": "other"}])  # fmt: skip
def test_what_stood_by_a_line_that_was_changed_is_forgotten(
    pairing: Pairing, anna: Customer, values: dict[str, str]
) -> None:
    assert changed(pairing, **values) == [NEWSLETTER]
    assert stands(pairing, anna) is None
    assert PairedPerson.objects.get().compared == {PROFILES: {"other": True}}
    assert not ConsentReview.objects.exists()
    fresh = Pairing.objects.get(pk=pairing.pk)
    assert hub.plan(fresh, anna, PROFILES, {NEWSLETTER: False, "other": False}).states == {}


@pytest.mark.parametrize("values", [{"path": PATH.replace("_", ".")}, {"policy": "hold"}])
def test_another_spelling_or_policy_of_the_same_consent_changes_nothing_about_people(
    pairing: Pairing, anna: Customer, values: dict[str, str]
) -> None:
    assert changed(pairing, **values) == []
    assert stands(pairing, anna) is True
    assert ConsentReview.objects.exists()
