"""The proof of consents on the portal's pages, and as files."""

from __future__ import annotations

import csv
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.consents import Entry, chain
from portal.consents.heads import GENESIS
from portal.models import Change, ConsentHead, ConsentRecord, Customer
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.portal.consents_world import ACTITO, decide, entry, withdrawn

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Verdi's Anna has a chain of her own; what the factories made is not in it."""
    make_world("Other")
    world = make_world("Verdi")
    ConsentRecord._base_manager.filter(tenant=world.tenant).delete()
    ConsentHead.objects.filter(tenant=world.tenant).delete()
    return world


def record(world: World, *entries: Entry) -> list[ConsentRecord]:
    decide(world.rows[Customer], entries, make.EventFactory.make(tenant=world.tenant))
    return list(ConsentRecord.objects.filter(tenant=world.tenant).order_by("number"))


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def shown(client: Client, query: str = "") -> list[int]:
    """Numbers of the records that the list shows."""
    return [each.number for each in client.get(url(ConsentRecord, "changelist") + query).context["cl"].result_list]


def body(client: Client, name: str, query: str = "") -> str:
    response = client.get(url(ConsentRecord, name) + query)
    assert "no-store" in response["Cache-Control"]
    return b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", list(Role))
def test_everybody_of_the_team_reads_why_somebody_is_subscribed(world: World, role: Role) -> None:
    [made] = record(world, entry())
    said = page(client_of(member(world, role)), url(Customer, "change", world.rows[Customer].pk))
    assert "Anna said yes in didomi:1 on 3 Feb 2026" in said
    assert url(ConsentRecord, "change", made.pk) in said
    assert f"{url(ConsentRecord, 'changelist')}?customer={world.rows[Customer].pk}" in said


def test_nobody_without_consents_has_the_panel(world: World, owner: Client) -> None:
    assert "Whole history" not in page(owner, url(Customer, "change", world.rows[Customer].pk))


def test_the_list_answers_questions(world: World, owner: Client) -> None:
    record(world, entry(source=ACTITO), withdrawn(source="portal"), entry("overruled", source="portal"))
    assert shown(owner) == [3, 2, 1]
    assert shown(owner, "?kind=withdrawn") == [2]
    assert shown(owner, "?source=portal") == [3, 2]
    assert shown(owner, "?source=portal&kind=overruled") == [3]
    assert shown(owner, "?kind=perhaps") == [3, 2, 1]
    assert shown(owner, "?q=verdi@") == [3, 2, 1]
    assert shown(owner, "?q=other@") == []


def test_the_list_of_one_customer(world: World, owner: Client) -> None:
    record(world, entry())
    bert = make.CustomerFactory.make(tenant=world.tenant)
    assert shown(owner, f"?customer={world.rows[Customer].pk}") == [1]
    assert shown(owner, f"?customer={bert.pk}") == []


def test_a_record_tells_what_was_shown_and_where_it_stands(world: World, owner: Client) -> None:
    first, second = record(world, entry(), withdrawn(details={"who": "Anna", "shown": "We write <weekly>."}))
    said = page(owner, url(ConsentRecord, "change", second.pk))
    for text in ("We write &lt;weekly&gt;.", "Withdrawn", second.hash, second.content_hash, first.hash,
                 url(ConsentRecord, "change", first.pk)):  # fmt: skip
        assert text in said
    assert second.contents["salt"] not in said


def test_a_record_without_contents_says_so(world: World, owner: Client) -> None:
    [made] = record(world, entry())
    ConsentRecord._base_manager.filter(pk=made.pk).update(contents_text="", emptied_at=made.recorded_at)
    assert "The contents were removed on" in page(owner, url(ConsentRecord, "change", made.pk))


def test_nobody_changes_a_record(world: World, owner: Client) -> None:
    [made] = record(world, entry())
    assert owner.post(url(ConsentRecord, "change", made.pk), {"name": "other"}).status_code == 403
    assert owner.get(url(ConsentRecord, "delete", made.pk)).status_code == 403
    assert owner.get(url(ConsentRecord, "add")).status_code == 403


def test_the_json_file_holds_what_is_needed_to_check_it(world: World, owner: Client) -> None:
    record(world, entry(), withdrawn())
    found = json.loads(body(owner, "json"))
    second, first = found["records"]
    previous = GENESIS
    for each in (first, second):
        assert chain.sha256(each["contents_text"]) == each["content_hash"]
        link = {name: each[name] for name in LINKED} | {"previous": previous}
        assert chain.sha256(chain.canonical(link)) == each["hash"]
        previous = each["hash"]
    assert found["heads"] == [
        {"tenant": world.tenant.pk, "name": world.tenant.slug, "number": 2, "hash": second["hash"]}
    ]
    assert (second["contents"]["who"], second["customer_key"]) == ("Anna", "Verdi@example.com")


LINKED = ("tenant", "number", "customer", "kind", "name", "source", "recorded_at", "content_hash")


def test_the_csv_file_is_a_table_for_people(world: World, owner: Client) -> None:
    details = {"who": "=1+1", "regulation": "gdpr"}
    made, _ = record(world, entry(details=details), withdrawn())
    [row] = csv.DictReader(body(owner, "file", "?kind=given").splitlines())
    told = {name: row[name] for name in ("Number", "Customer", "What happened", "Consent", "Before", "After", "Who")}
    assert told == {"Number": "1", "Customer": "Verdi@example.com", "What happened": "Given", "Consent": "Newsletter",
                    "Before": "False", "After": "True", "Who": "'=1+1"}  # fmt: skip
    assert (row["Other details"], row["Fingerprint"]) == ('{"regulation": "gdpr"}', made.hash)
    assert row["End of the chain"] == "2:" + ConsentHead.objects.get(tenant=world.tenant).hash


def test_the_file_of_one_customer_holds_nobody_else(world: World, owner: Client) -> None:
    bert = make.CustomerFactory.make(tenant=world.tenant)
    record(world, entry())
    decide(bert, [entry()], make.EventFactory.make(tenant=world.tenant))
    found = json.loads(body(owner, "json", f"?customer={bert.pk}"))
    assert [each["customer"] for each in found["records"]] == [bert.pk]


def test_the_dialog_offers_both_files_with_the_lists_own_query(world: World, owner: Client) -> None:
    sent = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/portal/consentrecord/?kind=given"}
    dialog = url(ConsentRecord, "changelist") + "export/"
    said = owner.post(dialog, {"_form_submitted": "True"}, headers=sent).content.decode()
    for name in ("file", "json"):
        assert f'href="{url(ConsentRecord, name)}?kind=given" download' in said


@pytest.mark.parametrize("name", ["file", "json"])
def test_that_a_file_was_taken_is_kept(world: World, owner: Client, name: str) -> None:
    body(owner, name)
    assert Change.objects.get(tenant=world.tenant, model="portal.tenant").sentence == "Exported the proof of consents."


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
@pytest.mark.parametrize("name", ["file", "json"])
def test_files_take_a_right_of_their_own(world: World, role: Role, name: str) -> None:
    assert client_of(member(world, role)).get(url(ConsentRecord, name)).status_code == 403


def test_the_list_asks_as_often_for_one_record_as_for_fifty(world: World, owner: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            owner.get(url(ConsentRecord, "changelist"))
        return len(queries)

    record(world, entry())
    asked()
    of_one = asked()
    record(world, *(entry() for _ in range(50)))
    assert asked() == of_one
