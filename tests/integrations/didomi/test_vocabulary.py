"""What the catalogue says of values that were not chosen."""

from __future__ import annotations

import pytest

from integrations.didomi.consents import received_of
from integrations.didomi.models import DidomiCatalogue
from portal.models import Event
from tests.integrations.didomi.arrivals_world import make_organisation_that_speaks, payload


@pytest.mark.django_db
def test_a_value_of_the_catalogue_that_was_not_chosen_was_refused() -> None:
    speaker = make_organisation_that_speaks()
    connection = speaker.connection
    DidomiCatalogue.objects.create(
        connection=connection, tenant=speaker.tenant, host=connection.host, read_at=connection.created_at,
        organization_id=connection.organization_id, purposes=[],
        preferences=[{"id": "frequency", "title": "", "values": [{"id": "daily", "title": ""}], "purposes": []}],
    )  # fmt: skip
    speaker.post(payload("event_created_as_documented"))
    told = received_of(Event.objects.get(), connection).told
    assert told
    assert told.leaves["consents_purposes_newsletter_values_frequency_daily_enabled"] is False
