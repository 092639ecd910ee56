"""Which ids an organisation uses, and what that says of values that were not chosen."""

from __future__ import annotations

import pytest

from integrations.didomi.answers import Preference, Purpose, Value
from integrations.didomi.catalogue import Catalogue
from integrations.didomi.consents import known_of, received_of
from integrations.didomi.models import DidomiCatalogue
from integrations.didomi.paths import KnownPreference, Target, readings
from integrations.didomi.vocabulary import vocabulary_of
from portal.models import Event
from tests.integrations.didomi.arrivals_world import make_organisation_that_speaks, payload

CATALOGUE = Catalogue(
    [Purpose("newsletter", "Newsletter", preferences=("frequency",)), Purpose("cookies", "Cookies")],
    [Preference("frequency", "How often", (Value("weekly", "Weekly"), Value("daily", "Daily"))),
     Preference("topic", "About what")],
)  # fmt: skip


def test_the_catalogue_and_the_events_are_put_together() -> None:
    known = vocabulary_of(CATALOGUE, [payload("event_created_as_documented")["parameters"]["entity"]])
    assert known.purposes == ("newsletter", "cookies")
    assert known.channels == ("email", "sms")
    assert known.preferences == (
        KnownPreference("frequency", ("weekly", "daily", "monthly"), ("newsletter",)),
        KnownPreference("topic"),
        KnownPreference("offers", (), ("cookies",)),
    )
    assert readings("consents_preferences_offers_channel_email_enabled", known) == [
        Target("cookies", "offers", channel="email")
    ]


def test_events_alone_and_odd_ones_are_enough() -> None:
    odd = [{}, {"consents": []}, {"consents": {"channels": "x", "purposes": [1, {"id": {}}, {"id": "p", "values": 1}]}}]
    assert vocabulary_of(None, odd).purposes == ("p",)


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
    told = received_of(Event.objects.get(), connection, known_of(connection)).told
    assert told
    assert told.leaves["consents_purposes_newsletter_values_frequency_daily_enabled"] is False
