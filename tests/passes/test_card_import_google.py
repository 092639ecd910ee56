"""What a file says of cards in Google Wallet, before anything is done with it. Google itself: google/test_import.py."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from passes.card_import.cards import NoCards
from passes.models import CardImport, CardImportPart, GoogleIssuer, GoogleObject, PassTemplate, WalletPass
from portal.models import Customer, Event, Lane
from tests import factories as make
from tests.passes import cards, world
from tests.passes.cards import TOKEN
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
ISSUER = "3388000000012345678"
BOTH = ("serialNumber", "authenticationToken", "googleObjectId", "customer")
GOOGLE = ("googleObjectId", "customer")


@pytest.fixture
def issuer() -> GoogleIssuer:
    return make.IssuerFactory.make(tenant=world.tenant(), issuer_id=ISSUER)


@pytest.fixture
def design(issuer: GoogleIssuer) -> PassTemplate:
    return world.template(issue=PassTemplate.Issue.BY_HAND, google=issuer)


@pytest.fixture(autouse=True)
def _people(design: PassTemplate) -> None:
    for key in ("anna", "bram"):
        Customer.objects.create(tenant=design.tenant, key=key, values={"points": 10})


def person(key: str) -> Customer:
    return Customer.objects.get(key=key)


def looked_at(design: PassTemplate, *lines: tuple[str, ...], head: tuple[str, ...] = GOOGLE) -> CardImport:
    return cards.looked_at(design, cards.export(*lines, head=head))


def imported(
    design: PassTemplate, *lines: tuple[str, ...], head: tuple[str, ...] = GOOGLE, makes_customers: bool = False
) -> CardImport:
    """Without what follows at Google, which is not there."""
    seen = looked_at(design, *lines, head=head)
    Lane.objects.filter(pk=design.google.lane_id).update(paused_at=timezone.now())
    Worker().until_ended(cards.begun(seen, makes_customers=makes_customers))
    seen.refresh_from_db()
    return seen


def waiting() -> list[str]:
    return json.loads(CardImportPart.objects.get().cards)[0]


def told(seen: CardImport) -> list[tuple[int, str]]:
    return list(seen.problems.values_list("line", "problem"))


@pytest.mark.parametrize(
    "name", ["googleObjectId", "objectId", "google_object_id", "Google Object", "Google pass ID", "object id"]
)
def test_the_column_is_known_by_its_usual_names(design: PassTemplate, name: str) -> None:
    seen = looked_at(design, ("old-1", "anna"), head=(name, "customer"))
    assert (seen.found, seen.unused) == ({"new": 1}, [])


@pytest.mark.parametrize("given", [f"{ISSUER}.2024.7", "2024.7"])
def test_a_suffix_alone_is_of_the_templates_issuer(design: PassTemplate, given: str) -> None:
    looked_at(design, (given, "anna"))
    assert waiting()[-1] == f"{ISSUER}.2024.7"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("3388000000087654321.old", f"issuer 3388000000087654321, and the template of issuer {ISSUER}"),
        (f"{ISSUER}.", "letters, digits, dots"),
        ("old card", "letters, digits, dots"),
        ("ä", "letters, digits, dots"),
        ("x" * 200, "longer than 150 signs"),
        ("", "neither a serial number nor a Google object ID"),
    ],
)
def test_an_id_that_google_cannot_have_is_told(design: PassTemplate, given: str, said: str) -> None:
    seen = looked_at(design, (given, "anna"))
    ((line, problem),) = told(seen)
    assert (line, seen.found) == (2, {"bad": 1})
    assert said in problem


def test_a_template_without_what_a_line_needs_is_told(issuer: GoogleIssuer, design: PassTemplate) -> None:
    lines = (("1001", TOKEN, "", "anna"), ("", "", "old-1", "bram"))
    for without, said in (("apple", "no Apple certificate"), ("google", "no Google issuer")):
        made = world.template(name=without, **{"google": issuer, without: None})
        seen = looked_at(made, *lines, head=BOTH)
        assert seen.found == {"new": 1, "bad": 1}
        assert said in told(seen)[0][1]


@pytest.mark.parametrize(
    ("head", "without", "missing"),
    [
        (("serialNumber", "googleObjectId", "customer"), None, "authenticationToken"),
        (("googleObjectId",), None, "customer"),
        (("customer",), None, "serialNumber, authenticationToken"),
        (("customer",), "apple", "googleObjectId"),
    ],
)
def test_columns_that_are_missing_are_named(
    issuer: GoogleIssuer, design: PassTemplate, head: tuple[str, ...], without: str | None, missing: str
) -> None:
    made = world.template(name="Other", google=issuer, **({without: None} if without else {}))
    with pytest.raises(NoCards, match=f"missing: {missing}\\."):
        looked_at(made, tuple("x" for _ in head), head=head)


class TestLinesTogether:
    def test_one_object_for_two_customers_is_the_firsts(self, design: PassTemplate) -> None:
        seen = looked_at(design, ("old-1", "anna"), (f"{ISSUER}.old-1", "bram"), ("old-1", "anna"))
        assert seen.found == {"new": 1, "repeated": 1, "here": 1}
        assert told(seen) == [(3, "An earlier line has the same card, with another token or customer.")]

    def test_a_customer_has_one_object(self, design: PassTemplate) -> None:
        seen = looked_at(design, ("old-1", "anna"), ("old-2", "ANNA"))
        assert seen.found == {"new": 1, "second_object": 1}

    def test_a_customer_has_a_card_in_each_wallet_from_lines_of_their_own(self, design: PassTemplate) -> None:
        lines = (("1001", TOKEN, "", "anna"), ("", "", "old-1", "anna"))
        seen = imported(design, *lines, head=BOTH)
        assert seen.found == seen.done == {"new": 1, "joins": 1}
        one = WalletPass.objects.get()
        assert (one.card_serial, one.google.object_id) == ("1001", f"{ISSUER}.old-1")

    def test_what_stands_against_one_card_of_a_line_leaves_out_the_other(self, design: PassTemplate) -> None:
        imported(design, ("1001", TOKEN, "", "anna"), head=BOTH)
        seen = imported(design, ("1001", "another-token-of-theirs", "old-1", "anna"), head=BOTH)
        assert (seen.found, GoogleObject.objects.count()) == ({"other": 1}, 0)

    def test_another_customers_object_is_left_out(self, design: PassTemplate) -> None:
        imported(design, ("old-1", "anna"))
        for key in ("bram", "nobody"):
            seen = looked_at(design, ("old-1", key))
            assert told(seen) == [(2, "This Google object is here already, on another pass.")]

    def test_an_object_of_another_tenant_is_not_seen(self, design: PassTemplate) -> None:
        imported(design, ("old-1", "anna"))
        other = make.IssuerFactory.make(tenant=world.tenant("other"), issuer_id=ISSUER)
        theirs = world.template(other.tenant, google=other)
        Customer.objects.create(tenant=other.tenant, key="anna")
        assert looked_at(theirs, ("old-1", "anna")).found == {"new": 1}


class TestTheJob:
    def test_the_pass_of_a_card_is_made_and_google_is_asked_once(self, design: PassTemplate) -> None:
        imported(design, ("old-1", "anna"))
        held = GoogleObject.objects.get()
        assert (held.wallet_pass.customer.key, held.type, held.sent, held.imported) == ("anna", "loyalty", None, True)
        event = Event.objects.get(kind="google.pass")
        assert (event.subject, event.lane_id) == (f"google:{ISSUER}.old-1", design.google.lane_id)
        assert event.parent.kind == "pass.import"

    def test_a_pass_on_an_iphone_gets_the_object_and_keeps_its_identity(self, design: PassTemplate) -> None:
        held = world.wallet_pass(design, person("anna"))
        world.Phone().register(held)
        before = (held.card_serial, held.authentication_token, held.update_tag)
        assert imported(design, ("old-1", "anna")).done == {"joins": 1}
        held.refresh_from_db()
        assert (held.card_serial, held.authentication_token, held.update_tag) == before
        assert held.google.imported
        assert not world.pushes()

    def test_values_stand_only_where_the_portal_knows_none(self, design: PassTemplate) -> None:
        imported(design, ("old-1", "anna", "99", "Zoë"), head=(*GOOGLE, "points", "first_name"))
        shown = {field["key"]: field["value"] for field in WalletPass.objects.get().content["fields"]}
        assert shown == {"points": 10, "member": "Zoë"}

    def test_customers_are_made_where_that_was_chosen(self, design: PassTemplate) -> None:
        seen = imported(design, ("old-1", "chloe"), ("old-2", "chloe"), makes_customers=True)
        assert (seen.found, seen.done) == ({"unknown": 1, "second_object": 1}, {"new": 1})
        assert person("chloe").passes.get().google.object_id == f"{ISSUER}.old-1"

    def test_a_second_run_changes_nothing(self, design: PassTemplate) -> None:
        imported(design, ("old-1", "anna"))
        before = (WalletPass.objects.values().get(), GoogleObject.objects.values().get(), Event.objects.filter(
            kind="google.pass").count())  # fmt: skip
        assert imported(design, ("old-1", "anna")).done == {"here": 1}
        assert before == (WalletPass.objects.values().get(), GoogleObject.objects.values().get(), Event.objects.filter(
            kind="google.pass").count())  # fmt: skip

    def test_an_issuer_that_is_another_meanwhile_fails_and_is_told(self, design: PassTemplate) -> None:
        seen = looked_at(design, ("old-1", "anna"))
        other = make.IssuerFactory.make(tenant=design.tenant, issuer_id="3388000000087654321")
        PassTemplate.objects.update(google=other)
        Worker().until_ended(cards.begun(seen))
        outcome = Event.objects.get(kind="pass.import", status="failed").outcome
        assert "the template of issuer 3388000000087654321. Mend the template" in outcome
        assert CardImportPart.objects.exists()
