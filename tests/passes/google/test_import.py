"""Objects that another vendor made under the same issuer: their ids are imported, then Google gets our content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from passes.google.sandbox import GoogleSandbox, VirtualAndroid
from passes.google.wanted import wanted_for
from passes.models import CardImport, GoogleIssuer, GoogleObject, PassTemplate, WalletPass
from portal import ledger
from portal.models import Attempt, Customer, Event
from tests.passes import cards
from tests.passes import world as passes
from tests.passes.google import world
from tests.passes.google.sandbox_kit import ISSUER, OTHER_ISSUER, Account
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db(transaction=True)
OLD = f"{ISSUER}.anna_old"
HEAD = ("googleObjectId", "customer")


@pytest.fixture
def issuer(google: GoogleSandbox, portal: str) -> GoogleIssuer:
    return world.issuer(google)


@pytest.fixture
def design(issuer: GoogleIssuer) -> PassTemplate:
    return world.template(issuer, issue=PassTemplate.Issue.BY_HAND)


@pytest.fixture
def anna(design: PassTemplate) -> Customer:
    return Customer.objects.create(
        tenant=design.tenant, key="anna", language="en",
        values={"points": 10, "first_name": "Anna", "last_name": "Peeters", "tier": "Silver"},
    )  # fmt: skip


@pytest.fixture
def phone(google: GoogleSandbox, account: Account) -> VirtualAndroid:
    """It has a card of the other vendor's, made with a class of theirs."""
    account.make("loyalty", name="anna_old")
    found = google.phone("anna")
    found.add(account.link(OLD))
    return found


def imported(
    design: PassTemplate, *lines: Iterable[str], head: Iterable[str] = HEAD, makes_customers: bool = False
) -> CardImport:
    seen = cards.looked_at(design, cards.export(*lines, head=head))
    Worker().until_ended(cards.begun(seen, makes_customers=makes_customers))
    world.work()
    seen.refresh_from_db()
    return seen


def row(name: str = OLD) -> GoogleObject:
    return GoogleObject.objects.get(object_id=name)


def calls() -> list[str]:
    found = Attempt.objects.filter(event__kind="google.pass", target="Google Wallet").order_by("pk")
    return [f"{each.method} {each.url.rpartition('/v1/')[2]}" for each in found]


def points(body: dict[str, Any]) -> str:
    return next(str(each["body"]) for each in body["textModulesData"] if each["id"] == "points")


def dead_letters() -> list[str]:
    return [str(each.outcome) for each in Event.objects.filter(status="failed")]


def replay() -> list[str]:
    for event in Event.objects.filter(status="failed"):
        ledger.replay(event.pk, by="anna")
    return world.work()


class TestTheCardOnThePhone:
    def test_goes_on_with_our_content_and_nothing_of_the_other_vendors(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        seen = imported(design, (OLD, "anna"))

        assert seen.done == {"new": 1}
        held = row()
        body = world.body(google, held)
        assert (held.wallet_pass.customer, held.generation, held.imported) == (anna, 1, True)
        assert (body["classId"], points(body)) == (held.class_id, "10")
        assert "accountName" not in body
        assert len(phone.cards()) == 1
        assert calls() == [f"PATCH loyaltyObject/{OLD}"]

    def test_is_told_of_the_next_change_and_not_of_the_import(
        self, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        imported(design, (OLD, "anna"))
        assert phone.screen == []
        passes.change(anna, tier="Gold")
        world.work()
        assert [each["text"] for each in phone.screen] == ["Welcome to Gold"]

    def test_counts_as_added_without_starting_what_follows_an_addition(
        self, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        imported(design, (OLD, "anna"))
        assert row().installed
        assert not Event.objects.filter(kind__startswith="pass.installed").exists()

    def test_is_heard_of_when_it_is_removed(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        imported(design, (OLD, "anna"))
        phone.remove(OLD)
        world.heard(google)
        assert not row().installed

    def test_a_second_import_calls_google_no_more(
        self, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        imported(design, (OLD, "anna"))
        before, made = calls(), GoogleObject.objects.values().get()
        assert imported(design, (OLD, "anna")).done == {"here": 1}
        assert (calls(), GoogleObject.objects.values().get()) == (before, made)


class TestWhatGoogleHas:
    def test_an_object_that_nobody_made_is_made(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer
    ) -> None:
        imported(design, ("never-made", "anna"))
        held = row(f"{ISSUER}.never-made")
        assert world.body(google, held)["state"].upper() == "ACTIVE"
        assert not held.installed

    def test_a_card_that_was_asked_for_and_never_sent_gives_way(self, design: PassTemplate, anna: Customer) -> None:
        held = passes.wallet_pass(design, anna)
        mine = GoogleObject.objects.create(
            tenant=design.tenant, wallet_pass=held, issuer=design.google, type="loyalty", object_id=f"{ISSUER}.ours"
        )
        assert imported(design, (OLD, "anna")).done == {"joins": 1}
        mine.refresh_from_db()
        assert (mine.object_id, mine.imported) == (OLD, True)

    def test_a_card_of_ours_that_google_has_stays_and_the_line_is_left_out(
        self, design: PassTemplate, anna: Customer, phone: VirtualAndroid
    ) -> None:
        mine = world.asked(passes.wallet_pass(design, anna))
        seen = imported(design, (OLD, "anna"))
        assert (seen.done, list(seen.problems.values_list("serial", "verdict"))) == ({}, [(OLD, "second_object")])
        assert GoogleObject.objects.get().object_id == mine.object_id

    def test_a_card_that_is_being_sent_while_another_is_imported_is_not_taken_for_it(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer, phone: VirtualAndroid,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """The import is committed after Google has our object, and before that is noted."""
        held = passes.wallet_pass(design, anna)
        insert = google.resources.insert

        def insert_and_import(email: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
            made = insert(email, kind, body)
            if kind == "loyaltyObject":
                GoogleObject.objects.update(object_id=OLD, imported=True)
            return made

        monkeypatch.setattr(google.resources, "insert", insert_and_import)
        world.asked(held)
        assert row().sent is None
        Event.objects.filter(status="waiting").update(due_at="2020-01-01T00:00:00Z")
        world.work()
        assert row().sent["id"] == OLD  # type: ignore[index]


class TestAnotherKind:
    """Ids are unique across Google's types, and an object never changes its own."""

    @pytest.fixture
    def offer(self, account: Account) -> str:
        return account.make("offer", name="anna_old")

    def test_is_a_dead_letter_that_says_so(self, design: PassTemplate, anna: Customer, offer: str) -> None:
        imported(design, (offer, "anna"))
        (said,) = dead_letters()
        assert said.startswith(f"At Google, “{OLD}” belongs to another kind of card than “loyalty”")
        assert not Event.objects.filter(status="waiting").exists()

    def test_goes_on_once_the_template_is_of_its_kind(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer, offer: str
    ) -> None:
        imported(design, (offer, "anna"))
        PassTemplate.objects.filter(pk=design.pk).update(kind="offer")
        passes.published(PassTemplate.objects.get(pk=design.pk))
        passes.change(anna, points=11)
        world.work()
        replay()
        assert world.body(google, row())["classId"] == row().class_id
        assert (row().type, row().generation) == ("offer", 1)

    def test_or_is_imported_with_a_template_of_its_kind(
        self, google: GoogleSandbox, issuer: GoogleIssuer, design: PassTemplate, anna: Customer, offer: str
    ) -> None:
        imported(design, (offer, "anna"))
        other = world.template(issuer, name="Offer", kind="offer", issue=PassTemplate.Issue.BY_HAND)
        assert imported(other, (offer, "anna")).done == {"new": 1}
        assert (row().wallet_pass.template, row().type) == (other, "offer")
        assert row().sent is not None


class TestTheClass:
    """Whether Google lets an object change its class is not known: see docs/decisions.md."""

    @pytest.fixture(autouse=True)
    def fixed(self, google: GoogleSandbox, phone: VirtualAndroid) -> None:
        google.switches.class_change = False

    def test_stays_the_other_vendors_where_google_wants_it_and_values_follow(
        self, google: GoogleSandbox, design: PassTemplate, anna: Customer
    ) -> None:
        imported(design, (OLD, "anna"))
        body = world.body(google, row())
        assert (body["classId"], points(body)) == (f"{ISSUER}.loyalty", "10")
        assert (row().class_id, row().keeps_class, row().installed) == (f"{ISSUER}.loyalty", True, True)
        assert "keeps the look that the other vendor gave it" in world.outcomes("google.pass")[-1]

    def test_is_asked_about_once(self, google: GoogleSandbox, design: PassTemplate, anna: Customer) -> None:
        imported(design, (OLD, "anna"))
        before = len(calls())
        passes.change(anna, points=20)
        world.work()
        assert calls()[before:] == [f"PATCH loyaltyObject/{OLD}"]
        assert points(world.body(google, row())) == "20"

    def test_stays_in_a_move_to_another_template_too(
        self, google: GoogleSandbox, issuer: GoogleIssuer, design: PassTemplate, anna: Customer
    ) -> None:
        imported(design, (OLD, "anna"))
        other = world.template(issuer, name="Gold", logo_text="Gold", apple=design.apple)
        world.moved(WalletPass.objects.get(), other)
        world.work()
        assert world.body(google, row())["state"].upper() == "ACTIVE"
        assert GoogleObject.objects.get().object_id == OLD

    def test_a_card_that_had_taken_our_class_is_not_replaced_either(
        self, google: GoogleSandbox, issuer: GoogleIssuer, design: PassTemplate, anna: Customer
    ) -> None:
        google.switches.class_change = True
        imported(design, (OLD, "anna"))
        ours = row().class_id
        google.switches.class_change = False
        other = world.template(issuer, name="Gold", logo_text="Gold", apple=design.apple)
        world.moved(WalletPass.objects.get(), other)
        world.work()
        assert (row().class_id, row().keeps_class) == (ours, True)

    @pytest.mark.parametrize("class_change", [True, False])
    def test_is_not_blamed_for_another_fault(
        self, google: GoogleSandbox, issuer: GoogleIssuer, anna: Customer, class_change: bool
    ) -> None:
        google.switches.class_change = class_change
        additions = {"object": {"linkedObjectIds": [f"{OTHER_ISSUER}.card"]}}
        imported(world.template(issuer, name="Linked", google_additions=additions), (OLD, "anna"))
        (said,) = dead_letters()
        assert "is of another issuer" in said
        assert (row().sent, row().keeps_class) == (None, False)

    def test_is_not_blamed_either_where_google_has_changed_it_and_the_answer_got_lost(
        self, google: GoogleSandbox, issuer: GoogleIssuer, design: PassTemplate, anna: Customer
    ) -> None:
        google.switches.class_change = True
        imported(design, (OLD, "anna"))
        additions = {"object": {"linkedObjectIds": [f"{OTHER_ISSUER}.card"]}}
        other = world.template(issuer, name="Linked", apple=design.apple, google_additions=additions)
        world.moved(WalletPass.objects.get(), other)
        world.body(google, row())["classId"] = wanted_for(row(), issuer).class_id
        world.work()
        assert "is of another issuer" in dead_letters()[0]
        assert GoogleObject.objects.get().object_id == OLD


def test_a_line_may_have_a_card_for_each_wallet(
    google: GoogleSandbox, issuer: GoogleIssuer, anna: Customer, phone: VirtualAndroid
) -> None:
    design = world.template(issuer, name="Both", issue=PassTemplate.Issue.BY_HAND)
    head = (*cards.HEAD, "object_id")
    known = ("1001", cards.TOKEN, "anna")
    seen = imported(design, (*known, "d1", "ab" * 32, OLD), (*known, "d2", "cd" * 32, OLD), head=head)
    assert seen.done == {"new": 1, "here": 1}
    one = WalletPass.objects.get()
    assert (one.card_serial, one.google.object_id, one.registrations.count()) == ("1001", OLD, 2)
    assert world.body(google, one)["classId"] == row().class_id
