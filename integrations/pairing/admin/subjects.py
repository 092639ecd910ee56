"""What Events are about in pairings: the customer's page shows them, and an erasure takes them along."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.pairing.models import Pairing
from integrations.pairing.registry import consent_side_of, is_known, profile_side_of
from portal.admin.extend import extensions
from portal.models import Customer


def names(customer: Customer) -> Iterator[str]:
    """As a consent platform and what looks for profiles name them: by their unique key."""
    for pairing in Pairing.objects.for_tenant(customer.tenant_id):
        if not (is_known(pairing.consents) and is_known(pairing.profiles)):
            continue
        if key := profile_side_of(pairing.profiles).key_of(pairing.profiles, customer):
            yield consent_side_of(pairing.consents).subject(pairing.consents, key)
            yield f"{pairing.profiles}:key:{key}"


def subjects(customer: Customer) -> list[str]:
    pairings = Pairing.objects.for_tenant(customer.tenant_id).values_list("pk", flat=True)
    return [f"pairing:{pairing}:customer:{customer.pk}" for pairing in pairings]


extensions.customer_names.append(names)
extensions.customer_subjects.append(subjects)
