"""Customers from an export of the profile table: what the look says, and what the job makes of it."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.actito.customer_import import look
from integrations.actito.customer_import.job import begin, tidy
from integrations.actito.customer_import.lines import NoProfiles
from integrations.actito.customer_import.upload import receive
from integrations.actito.models import ActitoConnection, CustomerImport, CustomerImportPart
from integrations.mapping import ValueType
from portal import customers, ledger
from portal.customers import Profile
from portal.models import Customer, Event, Identity, Job
from portal.sheets import NoTable
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, member, url
from tests.portal.jobs_world import Worker
from tests.world import arrive, make_connection, make_tenant, map_value

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
HEAD = "profileId;emailAddress;loyaltyPoints"


@pytest.fixture
def actito() -> ActitoConnection:
    made = make_connection(make_tenant())
    map_value(made, "loyaltyPoints", "points", ValueType.NUMBER)
    return made


def export(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines]).encode()


def looked_at(actito: ActitoConnection, *lines: str, head: str = HEAD, ago: timedelta = timedelta(0)) -> CustomerImport:
    seen = uploaded(actito, export(*lines, head=head), timezone.now() - ago)
    look_through(seen)
    return seen


def uploaded(actito: ActitoConnection, file: bytes, exported_at: datetime | None = None) -> CustomerImport:
    moment = exported_at or timezone.now()
    return receive(actito, io.BytesIO(file), name="profiles.csv", who="anna@example.com", exported_at=moment)


def look_through(seen: CustomerImport) -> int:
    """A worker looks at the file to its end. Returns in how many runs."""
    worker, runs = Worker(), 0
    while not seen.looked_at:
        runs += worker.turn()
        seen.refresh_from_db()
    return runs


def imported(actito: ActitoConnection, *lines: str, **more: Any) -> CustomerImport:
    seen = looked_at(actito, *lines, **more)
    job = begin(seen, by=make.UserFactory.make())
    assert job
    Worker().until_ended(job)
    seen.refresh_from_db()
    return seen


def read(actito: ActitoConnection, profile: int, key: str, **values: Any) -> Event:
    """A reading of the profile, as its webhook brings about."""
    event, source = arrive(actito, profile), actito.source
    told = Profile(source, {source: str(profile), f"{source}:key": key}, key, "", values)
    customers.apply_profile(told, cause=event, number=event.pk)
    return event


def people() -> list[tuple[str, Any]]:
    return [(each.key, each.values.get("points")) for each in Customer.objects.order_by("key")]


def changes() -> int:
    return Event.objects.filter(kind="customer.changed/passes").count()


def told(seen: CustomerImport) -> list[tuple[int, str]]:
    return [(each.line, str(each.problem)) for each in seen.problems.all()]


class TestTheLook:
    def test_every_line_is_counted_and_nothing_is_done(self, actito: ActitoConnection) -> None:
        read(actito, 1, "anna@example.com", points=10)
        read(actito, 2, "bram@example.com", points=20)
        before = people(), changes()
        seen = looked_at(
            actito, "1;anna@example.com;420", "2;bram@example.com;20", "3;chloe@example.com;1 234,5",
            "4;dora@example.com;many", "5;emma@example.com", "x;fien@example.com;1", ";;7", "1;anna@example.com;9",
        )  # fmt: skip
        assert seen.found == {"new": 2, "changed": 1, "same": 1, "partly": 1, "bad": 3, "repeated": 1}
        assert told(seen) == [
            (5, "“points” was kept as it was: “many” is not a number."),
            (6, "Cells in this line: 2; in the first line: 3."),
            (7, "“x” is not a profile id."),
            (8, "There is no profileId."),
            (9, "An earlier line is about the same customer."),
        ]
        assert seen.differences[0] == {"customer": "anna@example.com", "values_changed": [["points", 10, 420]]}
        assert (people(), changes()) == before

    def test_columns_are_found_in_any_case_and_the_others_named(self, actito: ActitoConnection) -> None:
        map_value(actito, "tier", "tier")
        seen = looked_at(actito, "anna@example.com;5;38", head="EMAILADDRESS;LoyaltyPoints;shoe size")
        assert (seen.found, seen.unused, seen.missing) == ({"new": 1}, ["shoe size"], ["tier"])

    @pytest.mark.parametrize(
        ("head", "error", "said"),
        [("", NoTable, "empty"), ("name;age", NoProfiles, "emailAddress, profileId. The file has: name, age.")],
    )
    def test_a_file_that_names_nobody_leaves_nothing(
        self, actito: ActitoConnection, head: str, error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error) as caught:
            looked_at(actito, head=head)
        assert said in str(caught.value.sentence)  # type: ignore[attr-defined]
        assert not CustomerImport.objects.exists()

    def test_a_long_file_is_looked_at_in_parts_and_each_line_once(
        self, actito: ActitoConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(look, "SECONDS_AT_ONCE", 0.0)
        monkeypatch.setattr(look, "AT_ONCE", 3)
        lines = [f"{number};c{number}@example.com;{number}" for number in range(1, 11)]
        lines[3:3] = ['11;"c11@example.com";"a cell\nover lines"', "2;c2@example.com;9", "12;short"]
        seen = uploaded(actito, export(*lines, "1;c1@example.com;8"))
        assert look_through(seen) == 7  # the lines are counted first, and the end is found behind the last
        assert seen.found == {"new": 11, "repeated": 2, "bad": 1, "partly": 1}
        assert [line for line, _ in told(seen)] == [5, 7, 8, 16]
        assert (seen.lines, seen.lines_in_all, seen.chunks.count()) == (14, 14, 0)

    def test_a_mapping_that_changes_meanwhile_begins_it_anew(
        self, actito: ActitoConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(look, "SECONDS_AT_ONCE", 0.0)
        monkeypatch.setattr(look, "AT_ONCE", 1)
        seen = uploaded(actito, export("1;a@example.com;7;gold", "2;b@example.com;many;gold", head=f"{HEAD};tier"))
        while CustomerImport.objects.get().lines < 2:
            for event in ledger.claim(1, "tester"):
                ledger.run(event)
        map_value(actito, "tier", "tier")
        look_through(seen)
        assert (seen.found, seen.unused, len(told(seen))) == ({"new": 2, "partly": 1}, [], 1)
        values = [each[3] for part in seen.parts.order_by("pk") for each in part.profiles]
        assert values == [{"points": 7, "tier": "gold"}, {"tier": "gold"}]

    def test_a_file_of_too_many_lines_says_so(self, actito: ActitoConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(look, "LINES_LIMIT", 1)
        seen = looked_at(actito, "1;a@example.com;1", "2;b@example.com;1")
        assert str(seen.refused) == "The file has more than 1 lines. Cut it into several."
        assert (seen.found, seen.chunks.count()) == ({}, 0)

    def test_an_import_that_is_removed_meanwhile_ends_its_look(self, actito: ActitoConnection) -> None:
        uploaded(actito, export("1;a@example.com;1")).delete()
        Worker().turn()
        assert Event.objects.get(kind="actito.look").status == Event.Status.IGNORED

    def test_what_nobody_went_on_with_is_forgotten_after_a_week(self, actito: ActitoConnection) -> None:
        read(actito, 1, "anna@example.com", points=10)
        seen = looked_at(actito, "1;anna@example.com;420")
        tidy([actito.tenant_id])
        assert CustomerImportPart.objects.exists()
        CustomerImport.objects.update(created_at=timezone.now() - timedelta(days=8))
        tidy([actito.tenant_id])
        seen.refresh_from_db()
        assert (seen.parts.count(), seen.differences) == (0, [])


class TestTheJob:
    def test_who_changed_is_written_and_announced_and_nobody_else(self, actito: ActitoConnection) -> None:
        read(actito, 1, "anna@example.com", points=10)
        read(actito, 2, "bram@example.com", points=20)
        before = changes()
        seen = imported(actito, "1;anna@example.com;420", "2;bram@example.com;20", "3;chloe@example.com;7")
        assert people() == [("anna@example.com", 420), ("bram@example.com", 20), ("chloe@example.com", 7)]
        assert changes() - before == 2
        assert seen.done == {"new": 1, "changed": 1}
        assert not CustomerImportPart.objects.exists()
        assert imported(actito, "1;anna@example.com;420", "3;chloe@example.com;7").found == {"same": 2}

    def test_what_was_read_after_the_export_stays(self, actito: ActitoConnection) -> None:
        read(actito, 1, "anna@example.com", points=10)
        Event.objects.update(created_at=timezone.now() - timedelta(hours=2))
        read(actito, 1, "anna@example.org", points=420)
        lines = "1;anna@example.com;9", "2;bram@example.com;7"
        assert imported(actito, *lines, ago=timedelta(hours=1)).found == {"same": 1, "new": 1}
        assert people() == [("anna@example.org", 420), ("bram@example.com", 7)]
        assert customers.find(actito.tenant_id, f"{actito.source}:key", "anna@example.org")

    def test_what_is_read_between_the_look_and_the_job_stays(self, actito: ActitoConnection) -> None:
        seen = looked_at(actito, "1;anna@example.com;9")
        read(actito, 1, "anna@example.org", points=420)
        job = begin(seen, by=make.UserFactory.make())
        assert job
        Worker().until_ended(job)
        assert people() == [("anna@example.org", 420)]

    def test_an_older_reading_that_comes_late_does_not_undo_it(self, actito: ActitoConnection) -> None:
        early = read(actito, 1, "anna@example.com", points=10)
        imported(actito, "1;anna@example.com;420")
        told = Profile(actito.source, {actito.source: "1"}, None, None, {"points": 11})
        customers.apply_profile(told, cause=early, number=early.pk - 1)
        assert people() == [("anna@example.com", 420)]

    def test_a_file_with_keys_alone_finds_people_and_those_it_makes_get_their_id_later(
        self, actito: ActitoConnection
    ) -> None:
        read(actito, 1, "anna@example.com", points=10)
        imported(actito, "anna@example.com;420", "bram@example.com;7", head="emailAddress;loyaltyPoints")
        assert customers.find(actito.tenant_id, actito.source, "1")
        read(actito, 2, "bram@example.com", points=8)
        assert people() == [("anna@example.com", 420), ("bram@example.com", 8)]
        imported(actito, "cees@example.com;1", head="emailAddress;loyaltyPoints")
        imported(actito, "3;cees@example.com;1")
        found = customers.find(actito.tenant_id, actito.source, "3")
        assert found
        assert found.key == "cees@example.com"
        assert Customer.objects.count() == 3

    def test_a_file_with_ids_alone_leaves_keys_and_languages(self, actito: ActitoConnection) -> None:
        read(actito, 1, "anna@example.com", points=10)
        Customer.objects.update(language="nl")
        imported(actito, "1;420", "2;7", head="profileid;loyaltyPoints")
        assert people() == [("2", 7), ("anna@example.com", 420)]
        assert Customer.objects.get(key="anna@example.com").language == "nl"
        assert Identity.objects.filter(namespace=f"{actito.source}:key", value="anna@example.com").exists()

    def test_an_address_that_changed_hands_goes_to_its_new_owner(self, actito: ActitoConnection) -> None:
        read(actito, 1, "shop@example.com", points=10)
        imported(actito, "2;shop@example.com;7", "1;anna@example.com;10")
        found = customers.find(actito.tenant_id, f"{actito.source}:key", "shop@example.com")
        assert found == customers.find(actito.tenant_id, actito.source, "2")

    def test_whoever_was_known_by_the_key_alone_is_known_better(self, actito: ActitoConnection) -> None:
        customers.known_by_key("anna@example.com", cause=arrive(actito, 9))
        imported(actito, "1;Anna@example.com;7")
        assert people() == [("Anna@example.com", 7)]
        assert not Identity.objects.filter(namespace=customers.KEY_ONLY).exists()

    def test_a_broken_line_in_the_middle_is_told_and_the_statements_are_few(self, actito: ActitoConnection) -> None:
        lines = [f"{number};c{number}@example.com;{number}" for number in range(1, 401)]
        lines[200] = '201;"broken;1'
        seen = looked_at(actito, *lines)
        assert (seen.found, told(seen)) == (
            {"new": 399, "bad": 1}, [(202, "The line is broken: look at its quotation marks.")],
        )  # fmt: skip
        job = begin(seen, by=make.UserFactory.make())
        assert job
        with CaptureQueriesContext(database) as asked:
            Worker().until_ended(job)
        written = [each["sql"] for each in asked.captured_queries if 'INTO "portal_customer"' in (each["sql"] or "")]
        assert len(written) <= 8
        assert (Customer.objects.count(), changes()) == (399, 399)


class TestInTheAdmin:
    def upload(self, client: Client, actito: ActitoConnection, file: bytes, **more: str) -> Any:
        given = {**SUBMIT, "exported_at": timezone.localtime().strftime("%Y-%m-%dT%H:%M"), **more}
        address = f"{url(ActitoConnection, 'changelist')}{actito.pk}/import-customers/"
        return client.post(address, {**given, "file": SimpleUploadedFile("profiles.csv", file)})

    def test_a_file_is_looked_at_then_imported(self, world: World) -> None:
        CustomerImport.objects.all().delete()
        actito = world.rows[ActitoConnection]
        client = client_of(member(world, Role.MARKETER))
        self.upload(client, actito, export("7;gust@example.com;1", "x;hans@example.com;2"))
        seen = CustomerImport.objects.get()
        address = url(CustomerImport, "change", seen.pk)
        page = client.get(address).content.decode()
        assert "The lines are counted." in page
        assert f"{url(CustomerImport, 'changelist')}{seen.pk}/begin/" not in page
        assert not client.get(address, headers={"HX-Request": "true"}).headers.get("HX-Refresh")
        look_through(seen)
        assert client.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
        page = client.get(url(CustomerImport, "change", seen.pk)).content.decode()
        for part in ("What would happen", "New customers", "“x” is not a profile id.", "Nothing is imported yet."):
            assert part in page, part
        client.post(f"{url(CustomerImport, 'changelist')}{seen.pk}/begin/", SUBMIT)
        Worker().until_ended(Job.objects.get(kind="actito.importing"))
        assert Customer.objects.filter(tenant=world.tenant, key="gust@example.com").exists()
        answer = client.get(url(CustomerImport, "problems", seen.pk))
        assert b"is not a profile id" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("file", "more", "said"),
        [
            (b"name;age\nAnna;38\n", {}, "No column says whom a line is about."),
            (b"PK\x03\x04", {}, "This is a workbook"),
            (b"profileId\n1\n", {"exported_at": "2999-01-01T10:00"}, "This moment is still to come."),
        ],
    )
    def test_what_is_wrong_stands_in_the_dialog(
        self, world: World, owner: Client, file: bytes, more: dict[str, str], said: str
    ) -> None:
        before = CustomerImport.objects.count()
        assert said in self.upload(owner, world.rows[ActitoConnection], file, **more).content.decode()
        assert CustomerImport.objects.count() == before

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
    def test_only_who_may_configure_may_import(self, world: World, role: Role) -> None:
        before = CustomerImport.objects.count()
        self.upload(client_of(member(world, role)), world.rows[ActitoConnection], export("1;a@example.com;1"))
        assert CustomerImport.objects.count() == before
