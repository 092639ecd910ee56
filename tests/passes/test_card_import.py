"""Taking over another vendor's cards: what a file says of them, and what the job makes of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from passes.card_import.cards import NoCards
from passes.card_import.job import tidy
from passes.models import CardImport, CardImportPart, Device, PassTemplate, Registration, UpdateCounter, WalletPass
from portal import customers, jobs
from portal.customers import Profile
from portal.models import Customer, Event, Identity
from portal.sheets import NoTable
from tests.passes import cards, world
from tests.passes.cards import TOKEN, line
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def design() -> PassTemplate:
    return world.template(issue=PassTemplate.Issue.BY_HAND)


def person(design: PassTemplate, key: str, **values: object) -> Customer:
    return Customer.objects.create(tenant=design.tenant, key=key, values={"points": 10, **values})


def imported(design: PassTemplate, *lines: tuple[str, ...], makes_customers: bool = False) -> CardImport:
    seen = cards.looked_at(design, cards.export(*lines))
    Worker().until_ended(cards.begun(seen, makes_customers=makes_customers))
    seen.refresh_from_db()
    return seen


def problems(seen: CardImport) -> list[tuple[int, str]]:
    return list(seen.problems.values_list("line", "verdict"))


class TestTheFirstLook:
    def test_every_line_is_counted_and_nothing_is_done(self, design: PassTemplate) -> None:
        for key in ("anna", "bram", "chloe"):
            person(design, key)
        world.wallet_pass(design, Customer.objects.get(key="bram"))
        seen = cards.looked_at(
            design,
            cards.export(
                line("1001", "anna"), line("1002", "bram"), line("1003", "nobody"), line("1004", "chloe", "short"),
                line("1001", "chloe"), line("1005", "anna"), line("1001", "anna", device="d1", push_token="ab" * 32),
                ("1006", "broken"), line("", "chloe"),
            ),
        )  # fmt: skip
        assert (seen.lines, seen.found) == (
            9, {"new": 1, "takes_over": 1, "unknown": 1, "bad": 3, "repeated": 1, "second": 1, "here": 1},
        )  # fmt: skip
        assert problems(seen) == [
            (4, "unknown"), (5, "bad"), (6, "repeated"), (7, "second"), (9, "bad"), (10, "bad"),
        ]  # fmt: skip
        assert (WalletPass.objects.count(), Customer.objects.count(), Device.objects.count()) == (1, 3, 0)

    def test_what_waits_is_encrypted_and_forgotten_after_a_week(self, design: PassTemplate) -> None:
        person(design, "anna")
        seen = cards.looked_at(design, cards.export(line("1001", "anna")))
        [part] = CardImportPart.objects.all()
        assert TOKEN in part.cards
        assert TOKEN not in str(part.__dict__["cards"])
        tidy([design.tenant_id])
        assert CardImportPart.objects.exists()
        CardImport.objects.filter(pk=seen.pk).update(created_at=timezone.now() - timedelta(days=8))
        tidy([design.tenant_id])
        assert not CardImportPart.objects.exists()

    @pytest.mark.parametrize(
        "head",
        [
            ("serial", "token", "key"),
            ("Serial Number", "Authentication Token", "E-mail address"),
            ("pass_serial", "auth_token", "customer_key"),
            ("numéro de série", "authenticationToken", "email"),
        ],
    )
    def test_columns_are_known_by_their_usual_names(self, design: PassTemplate, head: tuple[str, ...]) -> None:
        person(design, "anna")
        seen = cards.looked_at(design, cards.export(("1001", TOKEN, "anna"), head=head))
        assert (seen.found, seen.unused) == ({"new": 1}, [])

    def test_values_that_the_template_shows_are_taken_and_other_columns_named(self, design: PassTemplate) -> None:
        person(design, "anna", points=None)
        head = ("serial", "token", "key", "first_name", "shoe size")
        seen = cards.looked_at(design, cards.export(("1001", TOKEN, "anna", "Zoë", "38"), head=head))
        assert seen.unused == ["shoe size"]
        assert json.loads(CardImportPart.objects.get().cards)[0][6] == {"first_name": "Zoë"}

    @pytest.mark.parametrize(
        ("file", "error"), [(b"", NoTable), (b"PK\x03\x04", NoTable), (b"serial,token\n1,2\n", NoCards)]
    )
    def test_a_file_without_cards_leaves_nothing(
        self, design: PassTemplate, file: bytes, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            cards.looked_at(design, file)
        assert not CardImport.objects.exists()

    @pytest.mark.parametrize(
        "bad",
        [
            line("x" * 256, "anna"), line("a\u200bb", "anna"), line("1", "k" * 256), line("1", "anna", "é" * 20),
            line("1", "anna", "t" * 1001), line("1", "anna", device="d1"), line("1", "anna", push_token="ab"),
            line("1", "anna", device="d" * 101, push_token="ab"), line("1", "anna", device="d", push_token="a b"),
        ],
    )  # fmt: skip
    def test_what_no_phone_could_have_is_told(self, design: PassTemplate, bad: tuple[str, ...]) -> None:
        seen = cards.looked_at(design, cards.export(bad, line("2", "nobody")))
        assert seen.found == {"bad": 1, "unknown": 1}

    def test_customers_are_found_in_upper_or_lower_case_where_one_is_meant(self, design: PassTemplate) -> None:
        for key in ("Anna@x.be", "bram", "BRAM"):
            person(design, key)
        seen = cards.looked_at(
            design, cards.export(line("1", "anna@X.be"), line("2", "Bram"), line("3", "BRAM"))
        )  # fmt: skip
        assert problems(seen) == [(3, "unknown")]

    def test_another_tenants_customers_and_cards_are_not_seen(self, design: PassTemplate) -> None:
        other = world.template(world.tenant("other"), issue=PassTemplate.Issue.BY_HAND)
        person(other, "anna")
        imported(other, line("1001", "anna"))
        assert cards.looked_at(design, cards.export(line("1001", "anna"))).found == {"unknown": 1}


class TestTheJob:
    def test_each_card_becomes_a_pass_with_the_templates_content(self, design: PassTemplate) -> None:
        for number in range(120):
            person(design, f"c{number}", points=number)
        seen = imported(design, *(line(f"card {n}", f"c{n}", f"{TOKEN}-{n}") for n in range(120)))

        assert seen.done == {"new": 120}
        one = WalletPass.objects.get(imported_serial="card 7")
        assert (one.card_serial, one.authentication_token, one.customer.key) == ("card 7", f"{TOKEN}-7", "c7")
        assert one.content["fields"][0]["value"] == 7
        assert not CardImportPart.objects.exists()
        assert Event.objects.filter(kind="pass.import").count() == 3

    def test_a_second_run_changes_nothing(self, design: PassTemplate) -> None:
        person(design, "anna")
        known = line("1001", "anna", device="d1", push_token="ab" * 32)
        imported(design, known)
        before = WalletPass.objects.values().get()

        assert imported(design, known).done == {"here": 1}

        assert WalletPass.objects.values().get() == before
        assert (Device.objects.count(), Registration.objects.count()) == (1, 1)

    def test_several_phones_of_one_card_are_all_told(self, design: PassTemplate) -> None:
        person(design, "anna")
        imported(design, *(line("1001", "anna", device=f"d{n}", push_token=f"{n}b" * 32) for n in (1, 2)))
        world.change(Customer.objects.get(), points=60)
        assert len(world.pushes()) == 2

    def test_a_phone_that_came_by_itself_keeps_its_newer_token(self, design: PassTemplate) -> None:
        person(design, "anna")
        imported(design, line("1001", "anna", device="device-1", push_token="ab" * 32))
        Device.objects.update(push_token="cd" * 32)
        imported(design, line("1001", "anna", device="device-1", push_token="ab" * 32))
        assert Device.objects.get().push_token == "cd" * 32

    def test_a_pass_on_no_phone_becomes_the_card_and_one_in_use_stays(self, design: PassTemplate) -> None:
        free, used = (world.wallet_pass(design, person(design, key)) for key in ("anna", "bram"))
        world.Phone().register(used)
        seen = imported(design, line("1001", "anna"), line("1002", "bram"))

        assert (seen.done, problems(seen)) == ({"takes_over": 1}, [(3, "second")])
        before, changed = free.update_tag, free.changed_at
        free.refresh_from_db()
        used.refresh_from_db()
        assert (free.card_serial, free.authentication_token) == ("1001", TOKEN)
        assert world.seconds(free.changed_at) > world.seconds(changed)
        assert free.update_tag > before
        assert used.card_serial == str(used.serial_number)

    def test_customers_are_made_where_that_was_chosen_and_the_first_profile_is_theirs(
        self, design: PassTemplate
    ) -> None:
        seen = imported(design, line("1001", "anna"), line("1002", "anna"), makes_customers=True)
        assert (seen.done, problems(seen)) == ({"new": 1}, [(3, "second")])
        [made] = Customer.objects.all()

        profile = Profile("actito:1", {"actito:1": "7", "actito:1:key": "anna"}, "anna", "fr", {"points": 60})
        applied = customers.apply_profile(profile, cause=world.cause(design.tenant), number=10**6)

        assert (applied.customer.pk, applied.created) == (made.pk, False)
        assert set(Identity.objects.values_list("namespace", flat=True)) == {"actito:1", "actito:1:key"}

    def test_a_profile_that_spells_the_address_otherwise_is_theirs_too(self, design: PassTemplate) -> None:
        imported(design, line("1001", "Anna@Example.com"), makes_customers=True)
        profile = Profile("actito:1", {"actito:1": "7"}, "anna@example.com", "fr", {"points": 60})
        applied = customers.apply_profile(profile, cause=world.cause(design.tenant), number=10**6)
        assert (applied.customer, applied.created) == (Customer.objects.get(), False)

    def test_unknown_customers_are_left_out_otherwise(self, design: PassTemplate) -> None:
        seen = imported(design, line("1001", "anna"))
        assert (seen.done, problems(seen)) == ({"unknown": 1}, [(2, "unknown")])
        assert not Customer.objects.exists()

    def test_imported_values_stand_only_where_the_portal_knows_none(self, design: PassTemplate) -> None:
        person(design, "anna", points=10)
        file = cards.export(("1", TOKEN, "anna", "99", "Zoë"), head=("serial", "token", "key", "points", "first_name"))
        Worker().until_ended(cards.begun(cards.looked_at(design, file)))
        shown = {field["key"]: field["value"] for field in WalletPass.objects.get().content["fields"]}
        assert shown == {"points": 10, "member": "Zoë"}

    def test_a_card_that_cannot_be_worked_out_is_told_and_the_others_are_imported(self) -> None:
        field = ("header", "points", "Points", "{{ points|date:'Y' }}", "")
        design = world.template(fields=[field], issue=PassTemplate.Issue.BY_HAND, expires="{{ until }}")
        person(design, "anna", points="", until="never")
        person(design, "bram", points="", until="2027-01-01")
        seen = imported(design, line("1", "anna"), line("2", "bram"))
        assert (seen.done, problems(seen)) == ({"bad": 1, "new": 1}, [(2, "bad")])
        assert "not a date" in seen.problems.get().problem

    def test_a_card_of_a_template_that_has_another_certificate_now_holds_up_no_other_card(
        self, design: PassTemplate
    ) -> None:
        person(design, "anna")
        person(design, "bram")
        imported(design, line("1001", "anna"))
        other = world.template(issue=PassTemplate.Issue.BY_HAND, tenant=design.tenant, apple=design.apple)
        PassTemplate.objects.filter(pk=design.pk).update(apple=None)
        seen = imported(other, line("1001", "anna"), line("1002", "bram"))
        assert (seen.found, seen.done) == ({"here": 1, "new": 1}, {"here": 1, "new": 1})

    def test_a_template_that_lost_its_certificate_meanwhile_fails_and_is_retried(self, design: PassTemplate) -> None:
        person(design, "anna")
        seen, apple, worker = cards.looked_at(design, cards.export(line("1001", "anna"))), design.apple, Worker()
        PassTemplate.objects.update(apple=None)
        job = worker.until_ended(cards.begun(seen))
        assert "no Apple certificate" in Event.objects.get(kind="pass.import", status="failed").outcome
        PassTemplate.objects.update(apple=apple)
        jobs.retry_failed(job, by="anna")
        worker.until_ended(job)
        assert WalletPass.objects.get().card_serial == "1001"

    def test_only_the_first_who_starts_it_does(self, design: PassTemplate) -> None:
        person(design, "anna")
        seen = cards.looked_at(design, cards.export(line("1001", "anna")))
        cards.begun(seen)
        with pytest.raises(AssertionError):
            cards.begun(seen)

    def test_update_tags_begin_above_any_time(self, design: PassTemplate) -> None:
        person(design, "anna")
        imported(design, line("1001", "anna"))
        now = timezone.now().timestamp()
        assert WalletPass.objects.get().update_tag > now * 1000
        assert UpdateCounter.objects.get().value < 10**18
