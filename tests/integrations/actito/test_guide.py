"""Connecting step by step: what is read from Actito, what can be chosen, and what stops a connection."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.actito.models import ActitoConnection
from integrations.actito.sandbox import ActitoSandbox
from portal.models import Change, Event
from portal.sandbox import Fault
from portal.tenancy import Role
from tests.integrations.actito.double import Double, answer
from tests.portal.admin_world import World, action, client_of, make_world, member
from tests.world import ACTITO_KEY

pytestmark = pytest.mark.django_db
BEGIN = reverse("admin:actito_actitoconnection_connect")
PAGES = ["Which entity?", "Which profile table?", "What names a person?"]


def where(host: str, **more: Any) -> dict[str, Any]:
    return {"environment": "own", "host": host, "api_key": ACTITO_KEY, "account": "", "path_style": "", **more}


LAST = {"unique_key": "emailAddress", "language_attribute": "motherLanguage", "connection_name": "Shop",
        "licence": "verdi"}  # fmt: skip


def go(owner: Client, address: str, **given: Any) -> Any:
    """The page that a step leads to."""
    return owner.post(address, given, follow=True)


def begun(owner: Client, host: str, **more: Any) -> tuple[str, str]:
    """The address of the next step, and its page."""
    page = go(owner, BEGIN, **where(host, **more))
    assert page.redirect_chain, page.content.decode()
    return page.redirect_chain[-1][0], page.content.decode()


def made(world: World) -> ActitoConnection | None:
    return ActitoConnection.objects.filter(tenant=world.tenant, name="Shop").first()


def test_of_one_entity_and_one_table_only_the_unique_attribute_is_chosen(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    step, text = begun(owner, actito.url)
    assert PAGES[2] in text
    for option in ("emailAddress", "customerId"):
        assert f'<option value="{option}"' in text
    assert '<option value="firstName"' not in text  # not unique
    assert ACTITO_KEY not in text
    assert ACTITO_KEY not in str(owner.session.items())
    asked = len(actito.requests)
    owner.get(step)
    assert len(actito.requests) == asked  # a page that is looked at again asks nobody
    page = go(owner, step, **LAST)
    connection = made(world)
    assert connection
    assert page.redirect_chain[-1][0].endswith(f"/{connection.pk}/change/")
    assert (connection.host, connection.path_style, connection.entity, connection.table, connection.unique_key) == (
        actito.url, "categorised", "demo", "Profiles", "emailAddress"
    )  # fmt: skip
    assert connection.api_key == ACTITO_KEY
    assert Event.objects.filter(kind="actito.scenarios", payload__connection=connection.pk).exists()
    assert "actito_drafts" not in owner.session or not owner.session["actito_drafts"]
    assert "begun too long ago" in owner.get(step, follow=True).content.decode()


def test_entity_and_table_are_chosen_where_there_are_several(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    actito.seed(entity="brand", table="Members")
    actito.seed(entity="brand", table="Staff")
    step, text = begun(owner, actito.url)
    assert PAGES[0] in text
    text = go(owner, step, entity="brand").content.decode()
    assert PAGES[1] in text
    assert PAGES[0] in go(owner, step, back="1").content.decode()
    go(owner, step, entity="brand")
    assert PAGES[2] in go(owner, step, table="Members").content.decode()
    go(owner, step, **LAST)
    connection = made(world)
    assert connection
    assert (connection.entity, connection.table) == ("brand", "Members")


@pytest.mark.parametrize(
    ("hidden", "style"), [("", "categorised"), ("/entities/v", "flat"), ("/entities/v|/v", "legacy")]
)
def test_the_path_style_is_found_by_trying(
    world: World, owner: Client, actito: ActitoSandbox, hidden: str, style: str
) -> None:
    if hidden:
        actito.arm(Fault("status", f"^({hidden})", status=404, times=100))
    step, _ = begun(owner, actito.url)
    assert owner.session["actito_drafts"][step.partition("=")[2]]["path_style"] == style


def test_an_account_of_an_old_licence_connects_without_a_token(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    actito.seed(account="verdi/webservices:pass")
    step, text = begun(owner, actito.url, account="verdi/webservices", api_key="pass")
    assert 'value="verdi"' in text  # the licence
    go(owner, step, **LAST)
    connection = made(world)
    assert connection
    assert (connection.account, connection.path_style, connection.api_key) == ("verdi/webservices", "legacy", "pass")
    assert "/auth/token" not in {request["path"] for request in actito.requests}


# What is wrong is said, and nothing is stored


def test_a_key_that_actito_does_not_know_is_told_at_the_key(world: World, owner: Client, actito: ActitoSandbox) -> None:
    page = go(owner, BEGIN, **where(actito.url, api_key="wrong"))
    assert "does not accept this API key" in str(page.context["form"].errors["api_key"])
    assert not owner.session.get("actito_drafts")


@pytest.mark.parametrize(
    ("host", "said"),
    [("http://127.0.0.1:9", "could not be reached"), ("", "Enter the address."), ("ftp://x", "valid URL")],
)
def test_an_address_that_does_not_answer_is_told_at_the_address(owner: Client, host: str, said: str) -> None:
    page = go(owner, BEGIN, **where(host))
    assert said in str(page.context["form"].errors["host"])


def test_a_site_that_is_not_actito_is_told(owner: Client, double: Double) -> None:
    double.profile = answer(200, b"<html>Welcome</html>", "text/html")
    page = go(owner, BEGIN, **where(double.url))
    assert "not JSON" in str(page.context["form"].errors["host"])


def test_without_the_right_to_list_names_are_typed_and_tried(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    actito.grant("narrow", {"entities": "none", "tables": "none"})
    step, text = begun(owner, actito.url, api_key="narrow")
    assert PAGES[0] in text
    assert "Actito gives no list" in text
    go(owner, step, entity="demo")
    page = go(owner, step, table="Nobody")
    assert "knows no profile table “Nobody”" in str(page.context["form"].errors["table"])
    go(owner, step, table="Profiles")
    page = go(owner, step, **{**LAST, "unique_key": "firstName"})
    assert "“firstName” is not unique" in str(page.context["form"].errors["unique_key"])
    page = go(owner, step, **{**LAST, "unique_key": "shoeSize"})
    assert "has no attribute “shoeSize”" in str(page.context["form"].errors["unique_key"])
    assert made(world) is None
    go(owner, step, **LAST)
    assert made(world)


def test_a_key_that_may_not_read_profiles_makes_no_connection(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    actito.grant("narrow", {"profiles": "none"})
    step, _ = begun(owner, actito.url, api_key="narrow")
    page = go(owner, step, **LAST)
    assert "may not read profiles of this table" in str(page.context["form"].non_field_errors())
    assert made(world) is None


def test_another_name_than_the_listed_ones_can_be_typed(world: World, owner: Client, actito: ActitoSandbox) -> None:
    actito.seed(entity="brand")
    step, _ = begun(owner, actito.url)
    page = go(owner, step, entity="-", by_hand="nobody")
    assert "knows no entity “nobody”" in str(page.context["form"].errors["by_hand"])
    assert PAGES[2] in go(owner, step, entity="-", by_hand="brand").content.decode()
    page = go(owner, step, **{**LAST, "unique_key": "-", "by_hand": "tier"})
    assert "“tier” is not unique in this table" in str(page.context["form"].errors["by_hand"])


def test_a_taken_name_is_told_and_another_one_goes_through(world: World, owner: Client, actito: ActitoSandbox) -> None:
    step, _ = begun(owner, actito.url)
    page = go(owner, step, **{**LAST, "connection_name": world.rows[ActitoConnection].name})
    assert "already exists" in str(page.context["form"].errors["connection_name"])
    go(owner, step, **LAST)
    assert made(world)


def test_only_owners_connect_and_a_draft_is_one_persons(world: World, owner: Client, actito: ActitoSandbox) -> None:
    marketer = client_of(member(world, Role.MARKETER))
    assert marketer.get(BEGIN).status_code == marketer.post(BEGIN, where(actito.url)).status_code == 403
    assert not actito.requests
    step, _ = begun(owner, actito.url)
    stranger = client_of(make_world("Other").owner)
    assert stranger.get(step).url == BEGIN
    assert client_of(world.owner, enforce_csrf_checks=True).post(BEGIN, where(actito.url)).status_code == 403


# Set up again


@pytest.fixture
def shop(world: World, owner: Client, actito: ActitoSandbox) -> ActitoConnection:
    """A connection to the first of two tables."""
    actito.seed(entity="demo", table="Staff", profiles=[{"emailAddress": "eve@example.com"}])
    step, _ = begun(owner, actito.url)
    go(owner, step, table="Profiles")
    go(owner, step, **LAST)
    connection = made(world)
    assert connection
    Event.objects.all().delete()
    return connection


def again(owner: Client, connection: ActitoConnection) -> str:
    """Where its button leads to."""
    address = action(ActitoConnection, connection.pk, "set-up-again")
    assert "Nothing changes until the last step is saved." in owner.get(address).content.decode()
    return str(owner.post(address, {"_form_submitted": "True"}).url)


def stored(connection: ActitoConnection) -> dict[str, Any]:
    return ActitoConnection.objects.filter(pk=connection.pk).values().get()


def test_the_steps_begin_with_what_a_connection_has_and_keep_its_key(
    owner: Client, actito: ActitoSandbox, shop: ActitoConnection
) -> None:
    ActitoConnection.objects.filter(pk=shop.pk).update(language_attribute="language", unique_key="customerId")
    before = stored(shop)
    page = owner.get(again(owner, shop)).content.decode()
    assert f'value="{actito.url}"' in page
    assert '<option value="categorised" selected' in page
    assert "Leave empty to keep it" in page
    assert ACTITO_KEY not in page
    table = go(owner, again(owner, shop), **where(actito.url, api_key="", path_style="categorised"))
    step, text = table.redirect_chain[-1][0], table.content.decode()
    assert '<option value="Profiles" selected' in text
    last = go(owner, step, table="Profiles").content.decode()
    for value in ('<option value="customerId" selected', 'value="language"', 'value="Shop"', 'value="verdi"'):
        assert value in last
    assert "was" not in last.partition("<dl")[2].partition("</dl>")[0]
    assert stored(shop) == before
    assert ACTITO_KEY not in str(owner.session.items())
    page = go(owner, step, **{**LAST, "unique_key": "customerId", "language_attribute": "motherLanguage"})
    assert "The connection is set up again." in page.content.decode()
    assert stored(shop) == {**before, "language_attribute": "motherLanguage"}
    assert ActitoConnection.objects.get(pk=shop.pk).api_key == ACTITO_KEY
    change = Change.objects.filter(object_key=str(shop.pk)).latest("pk")
    assert "motherLanguage" in str(change.differences)
    assert ACTITO_KEY not in str(change.differences)


def test_another_key_and_path_style_are_taken_and_another_table_is_warned_of(
    owner: Client, actito: ActitoSandbox, shop: ActitoConnection
) -> None:
    actito.seed(api_key="newer-key")
    table = go(owner, again(owner, shop), **where(actito.url, api_key="newer-key", path_style="flat"))
    step = table.redirect_chain[-1][0]
    last = go(owner, step, table="Staff").content.decode()
    for said in ("This is another table", "was Profiles", "was /profiles/v4/"):
        assert said in last
    go(owner, step, **LAST)
    shop.refresh_from_db()
    assert (shop.table, shop.path_style, shop.api_key) == ("Staff", "flat", "newer-key")
    assert Event.objects.filter(kind="actito.structure", payload__connection=shop.pk).exists()


def test_a_kept_key_goes_to_no_other_address(
    owner: Client, actito: ActitoSandbox, double: Double, shop: ActitoConnection
) -> None:
    for changed in ({"host": double.url}, {"account": "verdi/ws"}):
        page = go(owner, again(owner, shop), **{**where(actito.url, api_key=""), **changed})
        assert "Enter the API key again: it would go to another address." in page.content.decode()
    assert not double.seen


def test_what_somebody_changed_meanwhile_is_not_overwritten(
    owner: Client, actito: ActitoSandbox, shop: ActitoConnection
) -> None:
    step = go(owner, again(owner, shop), **where(actito.url, api_key="")).redirect_chain[-1][0]
    go(owner, step, table="Profiles")
    ActitoConnection.objects.filter(pk=shop.pk).update(licence="theirs")
    assert "Somebody changed this connection meanwhile" in go(owner, step, **LAST).content.decode()
    assert stored(shop)["licence"] == "theirs"
    ActitoConnection.objects.filter(pk=shop.pk).delete()
    assert "Somebody changed this connection meanwhile" in go(owner, step, **LAST).content.decode()


def test_what_actito_lists_no_longer_is_filled_in_by_hand(
    owner: Client, actito: ActitoSandbox, shop: ActitoConnection
) -> None:
    actito.seed(entity="demo", table="Third")
    ActitoConnection.objects.filter(pk=shop.pk).update(table="Gone")
    text = go(owner, again(owner, shop), **where(actito.url, api_key="")).content.decode()
    assert '<option value="-" selected' in text
    assert 'name="by_hand" value="Gone"' in text


def test_only_owners_set_up_again_and_nobody_anothers(
    world: World, owner: Client, actito: ActitoSandbox, shop: ActitoConnection
) -> None:
    theirs = make_world("Other")
    foreign = theirs.rows[ActitoConnection]
    for address in (f"{BEGIN}?again={foreign.pk}", f"{BEGIN}?again=x"):
        assert owner.get(address).status_code == 404
        assert owner.post(address, where(actito.url, api_key="")).status_code == 404
    marketer = client_of(member(world, Role.MARKETER))
    assert marketer.get(f"{BEGIN}?again={shop.pk}").status_code == 403
    assert marketer.get(action(ActitoConnection, shop.pk, "set-up-again")).status_code == 403
