"""What stands about each consent of a person, found with two queries, however often they changed their mind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db.models import Max

from portal.consents.told import Why, why
from portal.models import ConsentRecord, Customer


def whys(customer: Customer, systems: Mapping[str, str]) -> list[Why]:
    """By title. The newest record of each kind that each system said, of each consent, is all that is told of."""
    asked = ConsentRecord.objects.filter(customer=customer).order_by().values("name", "kind", "source")
    newest = ConsentRecord.objects.in_bulk(list(asked.annotate(newest=Max("pk")).values_list("newest", flat=True)))
    by_name: dict[str, list[ConsentRecord]] = defaultdict(list)
    for record in newest.values():
        by_name[record.name].append(record)
    return sorted((why(each, customer.key, systems) for each in by_name.values()), key=lambda found: found.title)
