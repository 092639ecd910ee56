"""Exports: what the list shows, for those who may, noted in the history."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.test import Client

from portal.admin.export import _safe
from portal.models import Change, Customer
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def world() -> World:
    make_world("Other")
    return make_world("Verdi")


def file(client: Client, query: str = "") -> list[dict[str, Any]]:
    response = client.get(url(Customer, "file") + query)
    assert response["Content-Disposition"].startswith('attachment; filename="customer-')
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(text.splitlines()))


def test_the_file_has_a_column_for_each_value_and_no_row_of_others(owner: Client) -> None:
    [row] = file(owner)
    assert row["Key"] == "Verdi@example.com"
    assert (row["first_name"], row["points"]) == ("Verdi Anna", "120")


def test_the_dialog_offers_the_file_with_the_lists_own_query(world: World, owner: Client) -> None:
    make.CustomerFactory.make(tenant=world.tenant, key="bert@example.com")
    shown_at = "http://testserver/admin/portal/customer/?q=bert"
    sent = {"HX-Request": "true", "HX-Current-URL": shown_at}
    answer = owner.post(url(Customer, "changelist") + "export/", SUBMIT, headers=sent)
    assert answer["HX-Retarget"] == "#dialog"
    assert f'href="{url(Customer, "file")}?q=bert" download' in answer.content.decode()
    assert f'href="{url(Customer, "changelist")}?q=bert"' in answer.content.decode()
    assert not Change.objects.filter(sentence="Exported the list of customers.").exists()
    assert [row["Key"] for row in file(owner, "?q=bert")] == ["bert@example.com"]


def test_a_cell_is_never_a_formula(world: World, owner: Client) -> None:
    make.CustomerFactory.make(tenant=world.tenant, key="=1+1", values={"debt": -5, "say": "@SUM(A1)"})
    row = next(each for each in file(owner) if "1+1" in each["Key"])
    assert (row["Key"], row["debt"], row["say"]) == ("'=1+1", "-5", "'@SUM(A1)")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a;=1+1;b", "a;'=1+1;b"),
        ('a; "=1+1"', 'a;\' "=1+1"'),
        ("a\n@SUM(A1)", "a\n'@SUM(A1)"),
        ("\t=1+1", "'\t=1+1"),
        ("\tplain", "'\tplain"),
        ("＝1+1", "'＝1+1"),
        ("1+1; a-b, c=d", "1+1; a-b, c=d"),
    ],
)
def test_nor_is_what_is_left_of_a_cell_that_is_cut_at_its_semicolons(said: str, kept: str) -> None:
    """Excel in Belgium cuts our lines at semicolons, and takes our quotes for text where they do not begin a cell."""
    assert _safe(said) == kept


def test_each_cell_is_quoted(owner: Client) -> None:
    response = owner.get(url(Customer, "file"))
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())


def test_values_that_only_old_customers_have_are_not_lost(world: World, owner: Client,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("portal.admin.customers.VALUES_LOOKED_AT", 1)
    make.CustomerFactory.make(tenant=world.tenant, key="new@example.com", values={"shoe": 44})
    old = next(each for each in file(owner) if each["Key"].startswith("Verdi"))
    assert old["Other values"] == '{"points": 120, "first_name": "Verdi Anna"}' or "Verdi Anna" in old["Other values"]


def test_that_it_was_taken_is_kept(world: World, owner: Client) -> None:
    file(owner)
    change = Change.objects.get(tenant=world.tenant, model="portal.tenant")
    assert (change.who, change.sentence) == (world.owner.username, "Exported the list of customers.")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_it_takes_a_right_of_its_own(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.get(url(Customer, "file")).status_code == 403
    assert client.get(url(Customer, "changelist") + "export/").status_code == 403
    assert "export/" not in client.get(url(Customer, "changelist")).content.decode()


def test_an_odd_query_is_no_error(owner: Client) -> None:
    for query in ("?q=" + "x" * 5000, "?p=9999", "?nothing__exact=1", "?o=-9.9"):
        assert owner.get(url(Customer, "file") + query).status_code in {200, 302, 400}, query
