"""The mapping editor: lines that are told what is wrong, and a preview that reads one profile and stores nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.actito.actions import writes_of
from integrations.actito.customer_import.lines import columns_of, read_line
from integrations.actito.models import ActitoConnection, AttributeMapping, ParameterMapping
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.structure import ACTITO_STRUCTURE, ask
from portal.models import Attempt, Event
from portal.sandbox import Fault
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.actito.double import Double, answer
from tests.portal.admin_world import client_of
from tests.world import make_connection, make_tenant, map_value, run_due

pytestmark = pytest.mark.django_db
ANNA = "anna.peeters@example.com"


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    connection = make_connection(make_tenant(), actito.url)
    ask(connection)
    run_due(ACTITO_STRUCTURE)
    return connection


def person(connection: ActitoConnection, role: Role = Role.MARKETER) -> Client:
    return client_of(make.MembershipFactory.make(tenant=connection.tenant, role=role).user)


def lines(*each: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the browser posts: new lines of the editor."""
    posted = {f"{inline}-{count}_FORMS": 0 for inline in ("mappings", "parameters") for count in ("TOTAL", "INITIAL")}
    plain = {"part": "attributes", "value_type": "text"}
    fields = {f"mappings-{n}-{name}": value for n, one in enumerate(each) for name, value in {**plain, **one}.items()}
    return {**posted, **fields, "mappings-TOTAL_FORMS": len(each), **more}


def line(attribute: str, value: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "value_name": value, "value_type": kind, **more}


def preview(connection: ActitoConnection, *each: dict[str, Any], by: Client | None = None, **more: Any) -> Any:
    url = reverse("admin:actito_actitoconnection_preview", args=[connection.pk])
    return (by or person(connection)).post(url, lines(*each, **more))


def made(response: Any) -> dict[str, tuple[str, str]]:
    """Value -> what Actito has, and what becomes of it."""
    return {each.name: (each.raw, each.value or each.problem) for each in response.context["shown"]}


def save(connection: ActitoConnection, *each: dict[str, Any]) -> Any:
    return person(connection).post(reverse("admin:actito_actitoconnection_change", args=[connection.pk]), lines(*each))


# The preview


@pytest.mark.parametrize("asked", ["1", ANNA, f"emailAddress={ANNA}"])
def test_the_preview_maps_a_real_profile_with_what_stands_in_the_form(verdi: ActitoConnection, asked: str) -> None:
    before = (0, Event.objects.count(), Attempt.objects.count())
    response = preview(
        verdi, line("firstName", "first_name"), line("points", "credit", "money", currency="EUR"),
        line("motherLanguage", "language", "choice", answers="NL = Nederlands\nFR = Français"),
        line("tier", "tier", default="Bronze"), line("lastName", "last_name", keep_if_empty="on"),
        line("Newsletter", "news", "yes_no", part="subscriptions"), line("firstName", "age", "number"),
        line("pionts", "typo", "number"), preview_profile=asked, read="1",
    )  # fmt: skip
    assert made(response) == {
        "first_name": ("Anna", "Anna"), "credit": ("420", "420 EUR"), "language": ("NL", "Nederlands"),
        "tier": ("–", "Bronze"), "last_name": ("–", "stays as it is"), "news": ("Yes", "Yes"),
        "age": ("Anna", "“age” was kept as it was: “Anna” is not a number."), "typo": ("–", "stays as it is"),
    }  # fmt: skip
    assert (AttributeMapping.objects.count(), Event.objects.count(), Attempt.objects.count()) == before


def test_a_change_in_the_form_shows_without_reading_again(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    by = person(verdi)
    first = preview(verdi, line("points", "points"), by=by, preview_profile="1", read="1")
    actito.stop()
    kept = first.context["document"]
    again = preview(verdi, line("points", "points", "number", decimals="0"), by=by, preview_document=kept)
    assert made(again) == {"points": ("420", "420")}
    # What was not signed for this person and connection shows nothing.
    for stranger in (preview(verdi, line("points", "p"), preview_document=kept),
                     preview(verdi, line("points", "p"), by=by, preview_document=kept + "x")):  # fmt: skip
        assert stranger.context["shown"] == []


def test_a_profile_that_is_not_there_or_an_actito_that_hangs_is_told(
    verdi: ActitoConnection, actito: ActitoSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"preview_profile": "999", "read": "1"}
    assert "Actito knows no profile “999”" in preview(verdi, line("points", "p"), **asked).content.decode()
    monkeypatch.setattr("integrations.actito.mapping_admin._Impatient.read_seconds", 0.1)
    actito.arm(Fault(kind="slow", path="/profile/", seconds=1.0))
    asked["preview_profile"] = "1"
    assert "took too long to answer" in preview(verdi, line("points", "p"), **asked).content.decode()


def test_a_profile_of_the_other_dialect_is_mapped_the_same(double: Double) -> None:
    connection = make_connection(make_tenant(), double.url)
    double.profile = answer(201, {"attributes": {"points": "12,5"}, "profileId": "7"})
    response = preview(connection, line("points", "p", "money"), preview_profile="7", read="1")
    assert made(response) == {"p": ("12,5", "12.5")}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_only_who_may_map_sees_the_preview(verdi: ActitoConnection, role: Role, actito: ActitoSandbox) -> None:
    by = person(verdi, role)
    assert preview(verdi, line("points", "p"), by=by, preview_profile="1", read="1").status_code == 404
    page = by.get(reverse("admin:actito_actitoconnection_change", args=[verdi.pk])).content.decode()
    assert "mapping-preview" not in page
    stranger = client_of(make.MembershipFactory.make(role=Role.OWNER).user)
    assert preview(verdi, by=stranger, preview_profile="1", read="1").status_code == 404
    assert person(verdi).get(reverse("admin:actito_actitoconnection_preview", args=[verdi.pk])).status_code == 405


# What is wrong is told by line


def test_the_page_offers_what_the_table_has_and_tells_what_is_wrong_with_stored_lines(verdi: ActitoConnection) -> None:
    map_value(verdi, "pionts", "points", "number")
    page = person(verdi).get(reverse("admin:actito_actitoconnection_change", args=[verdi.pk]))
    text = page.content.decode()
    assert '<datalist id="mappings-subscriptions"><option value="Newsletter"' in text
    assert '<option value="points" label="points · INTEGER">' in text
    assert 'list="mappings-attributes"' in text
    assert "The table has no attribute “pionts”. Is it “points”?" in text
    assert 'data-field="id_mappings-0-attribute"' in text


def test_lines_that_contradict_each_other_are_all_told_and_nothing_is_saved(verdi: ActitoConnection) -> None:
    response = save(
        verdi, line("points", "value"), line("tier", "value"), line("customerId", "card", identifies="on"),
        line("customerId", "number", identifies="on", default="7"), line("points", "p", "money", currency="euro"),
        line("points", "q", "choice"), line("tier", "r", "date", default="soon"),
        line("tier", "s", default="x", keep_if_empty="on"), line("tier", "t", "choice", answers="= x"),
    )  # fmt: skip
    assert response.status_code == 200
    assert AttributeMapping.objects.count() == 0
    errors = response.context["inline_admin_formsets"][0].formset.errors
    assert {n: set(each) for n, each in enumerate(errors) if each} == {
        0: {"value_name"}, 1: {"value_name"}, 2: {"identifies"}, 3: {"identifies", "default"}, 4: {"currency"},
        5: {"answers"}, 6: {"default"}, 7: {"default"}, 8: {"answers"},
    }  # fmt: skip
    told = preview(verdi, line("points", "value"), line("tier", "value", "money", currency="euro"))
    assert [each["field"] for each in told.context["findings"]] == [
        "id_mappings-1-currency", "id_mappings-0-value_name", "id_mappings-1-value_name",
    ]  # fmt: skip


def test_a_name_that_actito_does_not_have_yet_is_warned_of_and_saved(verdi: ActitoConnection) -> None:
    assert save(verdi, line("notYet", "not_yet")).status_code == 302
    assert AttributeMapping.objects.get().attribute == "notYet"


def test_a_value_that_a_stored_line_fills_is_told_in_the_same_words(verdi: ActitoConnection) -> None:
    stored = map_value(verdi, "points", "points")
    posted = lines(line("points", "points", id=stored.pk), line("tier", "points"), **{"mappings-INITIAL_FORMS": 1})
    response = person(verdi).post(reverse("admin:actito_actitoconnection_change", args=[verdi.pk]), posted)
    errors = response.context["inline_admin_formsets"][0].formset.errors
    assert [list(each) for each in errors] == [["value_name"], ["value_name"]]


@pytest.mark.parametrize("posted", [{}, {"mappings-TOTAL_FORMS": "x"}, {"mappings-TOTAL_FORMS": "100000"}])
def test_a_hostile_form_breaks_nothing(verdi: ActitoConnection, posted: dict[str, str]) -> None:
    url = reverse("admin:actito_actitoconnection_preview", args=[verdi.pk])
    assert person(verdi).post(url, posted).status_code == 200


# The same reading everywhere


def test_files_and_custom_actions_are_read_by_the_same_formats_and_defaults(verdi: ActitoConnection) -> None:
    options = {"value_type": "money", "currency": "EUR", "default": "5"}
    AttributeMapping.objects.create(connection=verdi, attribute="points", value_name="credit", **options)
    columns = columns_of(["emailAddress", "points"], verdi)
    read = [read_line(1, {"emailAddress": "a@b.be", "points": cell}, columns) for cell in ("€ 1.234,50", "", "5 USD")]
    assert [each.profile.values for each in read] == [{"credit": 1234.5}, {"credit": 5}, {}]  # type: ignore[union-attr]
    parameter = ParameterMapping(connection=verdi, parameter="bonus", value_name="credit", mode="add", **options)
    parameter.full_clean()  # amounts can be added as numbers can


def test_an_action_is_read_by_the_format_of_its_parameter(verdi: ActitoConnection) -> None:
    parameter = ParameterMapping(connection=verdi, parameter="day", value_name="day", value_type="date",
                                 date_format="%m/%d/%Y", default="01/31/2026")  # fmt: skip
    for sent, value in (("12/11/2026", "2026-12-11"), ("", "2026-01-31"), (None, "2026-01-31")):
        assert [write.value for write in writes_of([parameter], {"day": sent})[0]] == [value]
    assert writes_of([parameter], {"day": "31/12/2026"})[0] == []
