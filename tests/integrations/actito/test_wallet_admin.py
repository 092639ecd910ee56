"""Wallet news on the connection's page: set up with what is there in Actito, filled in, stopped and gone on with."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.actito.models import ActitoConnection, WalletNews
from integrations.actito.sandbox import ActitoSandbox, Attribute
from integrations.actito.sandbox.store import DEFAULT_ATTRIBUTES
from integrations.actito.wallet_admin import TELLS
from portal.models import Change, Job
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import action, client_of, url
from tests.world import ACTITO_KEY, ENTITY, make_connection, make_tenant

pytestmark = pytest.mark.django_db

NAMES = {each.field: WalletNews._meta.get_field(each.field).default for each in TELLS}


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    """A table that lacks one attribute, and a customer with a pass."""
    attributes = [*DEFAULT_ATTRIBUTES, *(Attribute(name) for name in NAMES.values() if name != "walletPassLink")]
    actito.seed(entity=ENTITY, table="Cards", api_key=ACTITO_KEY, attributes=attributes)
    connection = make_connection(make_tenant(), actito.url, table="Cards")
    customer = make.CustomerFactory.make(tenant=connection.tenant)
    make.IdentityFactory.make(customer=customer, namespace=connection.source, value="1")
    apple = make.CredentialsFactory.make(tenant=connection.tenant)
    make.PassFactory.make(customer=customer, template=make.TemplateFactory.make(tenant=connection.tenant, apple=apple))
    return connection


@pytest.fixture
def marketer(verdi: ActitoConnection) -> Client:
    return signed_in(verdi, Role.MARKETER)


def signed_in(connection: ActitoConnection, role: Role) -> Client:
    return client_of(make.MembershipFactory.make(tenant=connection.tenant, role=role).user)


def send(client: Client, connection: ActitoConnection, **changes: Any) -> Any:
    sent = {"_form_submitted": "True", "active": "on", "date_form": "plain", "fill_in": "on", **NAMES, **changes}
    return client.post(dialog(connection), {name: value for name, value in sent.items() if value is not None})


def dialog(connection: ActitoConnection) -> str:
    return action(ActitoConnection, connection.pk, "wallet-news")


def test_the_dialog_shows_what_to_make_in_actito_and_how_many_are_filled_in(
    marketer: Client, verdi: ActitoConnection
) -> None:
    page = marketer.get(dialog(verdi)).content.decode()
    for name in NAMES.values():
        assert f">{name}</code>" in page
    assert "1 profile is there to be filled in." in page


def test_an_attribute_that_is_not_in_the_table_is_named_and_nothing_is_switched_on(
    marketer: Client, verdi: ActitoConnection
) -> None:
    page = send(marketer, verdi).content.decode()
    assert "“Cards” has no attribute “walletPassLink”." in page
    assert not WalletNews.objects.exists()
    assert not Job.objects.exists()


def test_it_is_switched_on_and_a_job_fills_in_who_is_there(marketer: Client, verdi: ActitoConnection) -> None:
    answer = send(marketer, verdi, link="")
    job = Job.objects.get()
    assert (answer.status_code, answer.url, job.total) == (302, url(Job, "change", job.pk), 1)
    settings = WalletNews.objects.get()
    assert (settings.active, settings.status, settings.link) == (True, "walletStatus", "")
    assert Change.objects.filter(model="actito.actitoconnection", sentence="Wallet news set.").exists()
    assert "Written to Actito" in marketer.get(url(ActitoConnection, "change", verdi.pk)).content.decode()


def test_it_is_switched_on_for_what_comes_alone_and_off_again(marketer: Client, verdi: ActitoConnection) -> None:
    send(marketer, verdi, link="", fill_in=None)
    assert WalletNews.objects.get().active
    send(marketer, verdi, active=None)  # off needs nothing of Actito
    assert not WalletNews.objects.get().active
    assert not Job.objects.exists()


def test_saving_goes_on_after_actito_had_refused(marketer: Client, verdi: ActitoConnection) -> None:
    WalletNews.objects.create(connection=verdi, active=True, stopped="Actito answered 400.", refusals=3)
    assert "Stopped: Actito answered 400." in marketer.get(url(ActitoConnection, "change", verdi.pk)).content.decode()
    assert "Actito answered 400." in marketer.get(dialog(verdi)).content.decode()
    send(marketer, verdi, link="")
    assert (WalletNews.objects.get().stopped, WalletNews.objects.get().refusals) == ("", 0)


@pytest.mark.parametrize(("changes", "said"), [
    ({"status": "profileId"}, "made by Actito itself"), ({"status": "no/name"}, "no attribute&#x27;s name"),
    ({"status": "emailAddress"}, "the unique attribute"), ({"event": "walletStatus"}, "to this attribute already"),
    (dict.fromkeys(NAMES, ""), "Name at least one attribute."), ({"date_form": "moon"}, "moon"),
])  # fmt: skip
def test_names_that_cannot_be_are_refused(
    marketer: Client, verdi: ActitoConnection, changes: dict[str, str], said: str
) -> None:
    page = send(marketer, verdi, **{"link": "", **changes}).content.decode()
    assert said in page
    assert not WalletNews.objects.exists()


def test_another_tenants_template_cannot_be_chosen(marketer: Client, verdi: ActitoConnection) -> None:
    foreign = make.TemplateFactory.make()
    send(marketer, verdi, link="", template=str(foreign.pk))
    assert not WalletNews.objects.exists()


def test_a_table_that_cannot_be_read_does_not_keep_from_switching_on(
    actito: ActitoSandbox, marketer: Client, verdi: ActitoConnection
) -> None:
    actito.grant(ACTITO_KEY, {"tables": "none"})
    send(marketer, verdi)
    assert WalletNews.objects.get().active


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_who_may_not_configure_may_not_set_it(verdi: ActitoConnection, role: Role) -> None:
    assert send(signed_in(verdi, role), verdi, link="").status_code == 403
    assert not WalletNews.objects.exists()
