"""The configuration of Didomi's connector becomes a pairing, and a pairing is given out in its shape."""

from __future__ import annotations

import pytest

from integrations.actito.models import ActitoConnection
from integrations.actito.transfer import document_of
from integrations.pairing import connector
from integrations.pairing.models import Pairing
from portal.models import Tenant
from tests.integrations.pairing.admin.paired_world import paired
from tests.integrations.pairing.sides import EMAIL, NEWSLETTER, PROMOTIONS

pytestmark = pytest.mark.django_db
KEPT = {
    "mappings": [
        {"id": "Catalogue", "value": EMAIL}, {"id": "city", "value": "user_metadata_city"},
        {"id": "Newsletter", "value": PROMOTIONS}, {"id": "Gone", "value": "consents_purposes_gone_enabled"},
    ],
    "upsert_mode": True, "enable_webhooks": True, "enable_emailing": True,
}  # fmt: skip


@pytest.fixture
def imported(actito: ActitoConnection) -> ActitoConnection:
    actito.connector = KEPT
    actito.save()
    return actito


def test_lines_that_there_are_stay_and_what_is_wrong_is_left_out_with_its_reason(
    imported: ActitoConnection, pairing: Pairing
) -> None:
    offer = connector.offered(pairing)
    assert offer is not None
    assert [(each.part, each.target, bool(each.problem)) for each in offer.lines] == [
        ("subscriptions", "Catalogue", False), ("attributes", "city", False), ("subscriptions", "Gone", True),
    ]  # fmt: skip
    assert "no subscription “Gone”" in offer.lines[2].problem


def test_taking_over_makes_the_lines_and_the_settings(imported: ActitoConnection, pairing: Pairing) -> None:
    assert connector.take_over(pairing) == 2
    pairing.refresh_from_db()
    assert (pairing.upsert_mode, pairing.enable_webhooks) == (True, True)
    assert list(pairing.mappings.values_list("target", "path")) == [
        ("Newsletter", NEWSLETTER), ("Promotions", PROMOTIONS), ("Catalogue", EMAIL), ("city", "user_metadata_city"),
    ]  # fmt: skip
    assert connector.take_over(pairing) == 0


def test_a_connection_that_was_not_imported_offers_nothing(pairing: Pairing) -> None:
    assert connector.offered(pairing) is None


def test_the_export_of_the_connection_has_the_lines_of_its_pairing(imported: ActitoConnection, brand: Tenant) -> None:
    assert document_of(imported)["mappings"] == KEPT["mappings"]
    draft = paired(brand, imported)
    on = paired(brand, imported, name="On", phase=Pairing.Phase.ON, upsert_mode=False)
    on.mappings.filter(target="Promotions").delete()
    given = document_of(imported)
    assert given["mappings"] == [{"id": "Newsletter", "value": NEWSLETTER}]
    assert (given["upsert_mode"], given["enable_webhooks"], given["enable_emailing"]) == (False, False, True)
    on.delete()
    assert len(document_of(imported)["mappings"]) == draft.mappings.count()


def test_a_pairing_without_lines_keeps_what_was_imported(imported: ActitoConnection, brand: Tenant) -> None:
    paired(brand, imported).mappings.all().delete()
    assert document_of(imported)["mappings"] == KEPT["mappings"]
