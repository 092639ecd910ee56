"""The catalogue of an organisation: from Didomi's answer, through the ledger, to the connection's page."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from integrations.didomi.answers import Value, parse_preferences, parse_purposes
from integrations.didomi.catalogue import DIDOMI_CATALOGUE, ask, ask_all, kept_of
from integrations.didomi.models import DidomiCatalogue, DidomiConnection
from integrations.didomi.sandbox import DidomiSandbox
from integrations.pairing.registry import consent_side_of
from portal.admin.readings import reading_of
from portal.models import Event
from portal.sandbox import Fault
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.didomi.arrivals_world import payload
from tests.integrations.didomi.didomi_world import make_didomi
from tests.integrations.didomi.double import Double, Said, Seen, refusal
from tests.portal.admin_world import client_of
from tests.world import make_tenant, run_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(didomi: DidomiSandbox) -> DidomiConnection:
    return make_didomi(didomi.url)


@pytest.fixture
def doubled(double: Double) -> DidomiConnection:
    return make_didomi(double.url)


def read(connection: DidomiConnection) -> Event:
    """The catalogue is asked for, and a worker reads it."""
    ask(connection)
    (event,) = run_due(DIDOMI_CATALOGUE)
    return event


def page_of(connection: DidomiConnection) -> str:
    person = make.MembershipFactory.make(tenant=connection.tenant, role=Role.MARKETER).user
    url = reverse("admin:didomi_didomiconnection_change", args=[connection.pk])
    return client_of(person).get(url).content.decode()


def test_a_catalogue_is_read_kept_and_shown(connection: DidomiConnection) -> None:
    assert kept_of(connection) is None
    assert "Not read yet" in page_of(connection)
    event = read(connection)
    assert (event.status, event.outcome) == (Event.Status.DONE, "5 purposes, 3 preferences.")
    kept = kept_of(connection)
    assert kept
    assert [each.id for each in kept.purposes][:2] == ["newsletter", "promotions"]
    assert kept.purposes[0].regulations == ("gdpr",)
    assert kept.preferences
    assert kept.preferences[1].values == (Value("weekly", "Weekly"), Value("monthly", "Monthly"))
    page = page_of(connection)
    for words in ("5 purposes, 3 preferences.", "Partner offers", "partner_offers", "frequency: weekly, monthly"):
        assert words in page


def test_what_was_removed_in_didomi_is_gone_after_the_next_reading(
    didomi: DidomiSandbox, connection: DidomiConnection
) -> None:
    read(connection)
    didomi._store.catalogue.remove("events")
    assert read(connection).outcome == "4 purposes, 3 preferences."
    kept = kept_of(connection)
    assert kept
    assert "events" not in {each.id for each in kept.purposes}


def test_a_connection_turned_to_another_organisation_knows_nothing_of_it(connection: DidomiConnection) -> None:
    read(connection)
    connection.organization_id = "another"
    assert kept_of(connection) is None


def test_preferences_that_are_hidden_leave_the_purposes(double: Double, doubled: DidomiConnection) -> None:
    def answering(seen: Seen) -> Said:
        shown = seen.path == "/v1/metadata/purposes"
        return Said(200, payload("purposes_as_documented")) if shown else refusal(403, "Forbidden", "No")

    double.answers = answering
    event = read(doubled)
    assert event.status == Event.Status.DONE
    assert event.outcome.startswith("2 purposes. The API key of “Didomi” may not read preferences.")
    kept = kept_of(doubled)
    assert kept
    assert (len(kept.purposes), kept.preferences) == (2, None)
    assert not Event.objects.filter(lane__paused_at__isnull=False).exists()


@pytest.mark.parametrize("status", [403, 404])
def test_a_catalogue_that_is_hidden_is_told_and_no_failure(
    didomi: DidomiSandbox, connection: DidomiConnection, status: int
) -> None:
    read(connection)
    didomi.arm(Fault("status", "/metadata/purposes", status=status))
    event = read(connection)
    assert event.status == Event.Status.IGNORED
    assert "purposes" in event.outcome
    connection.lane.refresh_from_db()
    assert connection.lane.paused_at is None
    kept = kept_of(connection)
    assert kept
    assert len(kept.purposes) == 5  # what was known stays


def test_a_failed_reading_is_tried_again_and_loses_nothing(didomi: DidomiSandbox, connection: DidomiConnection) -> None:
    read(connection)
    didomi.arm(Fault("malformed", "/preferences"))
    event = read(connection)
    assert (event.status, event.retries) == (Event.Status.WAITING, 1)
    assert kept_of(connection)


def test_a_wrong_key_pauses_the_connection_with_words(didomi: DidomiSandbox) -> None:
    connection = make_didomi(didomi.url, api_secret="wrong")
    event = read(connection)
    connection.lane.refresh_from_db()
    assert event.status == Event.Status.WAITING
    assert connection.lane.paused_at
    assert connection.lane.pause_reason.startswith("Didomi does not accept the API key and secret")


def test_readings_that_wait_are_one(connection: DidomiConnection) -> None:
    for _ in range(3):
        ask(connection)
    assert len(run_due(DIDOMI_CATALOGUE)) == 1
    assert sorted(Event.objects.values_list("status", flat=True)) == ["done", "merged", "merged"]
    for event in Event.objects.all():
        shown = reading_of(connection, event).event
        assert shown is not None
        assert shown.status == Event.Status.DONE


def test_purposes_and_channels_are_offered_before_what_lies_within_them(connection: DidomiConnection) -> None:
    ask(connection)
    run_due(DIDOMI_CATALOGUE)
    offered = [each.value for each in consent_side_of(connection.source).paths(connection.source)]
    assert offered.index("consents_purposes_promotions_enabled") < offered.index(
        "consents_purposes_cookies_channels_email_enabled"
    )


def test_every_connection_of_these_tenants_is_asked_for_daily(connection: DidomiConnection) -> None:
    other = make_didomi(connection.host, make_tenant("other"))
    ask_all([connection.tenant_id])
    assert list(Event.objects.values_list("tenant_id", "source")) == [(connection.tenant_id, "portal")]
    ask_all([connection.tenant_id, other.tenant_id])
    assert Event.objects.filter(tenant_id=other.tenant_id).count() == 1


def test_a_connection_that_was_deleted_meanwhile_is_told(connection: DidomiConnection) -> None:
    ask(connection)
    connection.delete()
    (event,) = run_due(DIDOMI_CATALOGUE)
    assert (event.status, "was deleted" in event.outcome) == (Event.Status.IGNORED, True)
    assert not DidomiCatalogue.objects.exists()


# Shapes


@pytest.mark.parametrize("values", [
    [{"id": "weekly", "name": {"en": "Every week"}}], [{"value": "weekly", "label": "Every week"}],
    {"weekly": "Every week"}, {"weekly": {"name": {"nl": "Every week"}}}, [{"id": "weekly", "name": "Every week"}, {}],
])  # fmt: skip
def test_values_of_any_shape_are_the_same(values: Any) -> None:
    (found,) = parse_preferences([{"id": "frequency", "values": values}, None, {"name": "without id"}])
    assert found.values == (Value("weekly", "Every week"),)


@pytest.mark.parametrize("raw", [
    {"regulations_id": ["gdpr"]}, {"regulations_id": "gdpr"}, {"regulations": [{"id": "gdpr"}]},
    {"regulations_id": ["gdpr", None, {}]},
])  # fmt: skip
def test_regulations_of_any_shape_are_the_same(raw: dict[str, Any]) -> None:
    (found,) = parse_purposes([{"id": 7, **raw}, "text", {"id": ""}, {"id": "x" * 500}])
    assert (found.id, found.title, found.regulations) == ("7", "7", ("gdpr",))
