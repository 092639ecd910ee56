"""A link of the customer's own, on which they get their pass: nothing is made before they ask for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from passes.links import link, link_to_get, token_of
from passes.models import PassTemplate, TemplateCondition, TemplateText, WalletPass
from portal.models import Customer, Event, Tenant
from tests.passes import world
from tests.passes.test_pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def design() -> PassTemplate:
    return world.template(issue=PassTemplate.Issue.LINK)


@pytest.fixture
def anna(design: PassTemplate) -> Customer:
    return world.customer(design.tenant)


def path(design: PassTemplate, customer: Customer) -> str:
    return "/" + link_to_get(design, customer).split("/", 3)[3]


def get(address: str, method: str = "get") -> tuple[Any, Page]:
    response = getattr(Client(enforce_csrf_checks=True), method)(address)
    return response, Page(response.content.decode())


class TestGetting:
    def test_the_button_makes_the_pass_and_leads_to_it(self, design: PassTemplate, anna: Customer) -> None:
        response, page = get(path(design, anna))
        assert response.status_code == 200
        assert "Example Coffee has a card for you." in page.text
        assert page.all("form") == [{"method": "post"}]

        response, _ = get(path(design, anna), "post")

        held = WalletPass.objects.get(customer=anna, template=design)
        assert (response.status_code, response["Location"]) == (303, f"/p/{token_of(held)}")
        assert held.content["fields"][0]["value"] == 10
        event = Event.objects.get(kind="pass.enrolled")
        assert (event.payload, event.outcome) == (
            {"customer": anna.pk, "template": design.pk}, "anna@example.com got “Loyalty card” through their link.",
        )  # fmt: skip

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_looking_makes_nothing(self, design: PassTemplate, anna: Customer, method: str) -> None:
        """Scanners of mails open every link."""
        assert get(path(design, anna), method)[0].status_code == 200
        assert not WalletPass.objects.exists()
        assert not Event.objects.exists()

    def test_the_link_leads_to_the_pass_that_is_there_however_often_it_is_opened(
        self, design: PassTemplate, anna: Customer
    ) -> None:
        for method in ("post", "post", "get"):
            response, _ = get(path(design, anna), method)
            assert (response.status_code, response["Location"]) == (303, f"/p/{token_of(WalletPass.objects.get())}")
        assert Event.objects.filter(kind="pass.enrolled").count() == 1

    def test_the_page_says_nothing_of_the_customer_and_runs_nothing(self, design: PassTemplate, anna: Customer) -> None:
        response, page = get(path(design, anna))

        assert "anna" not in response.content.decode() + path(design, anna)
        assert page.all("script") == []
        assert "form-action 'self'" in response["Content-Security-Policy"]
        assert (response["Cache-Control"], response["X-Robots-Tag"]) == ("private, no-store", "noindex")
        assert not response.cookies

    def test_the_page_is_in_the_customers_language(self, design: PassTemplate, anna: Customer) -> None:
        TemplateText.objects.create(template=design, language="nl", text="Loyalty card", translation="Klantenkaart")
        world.published(design)
        Customer.objects.update(language="nl")

        _, page = get(path(design, anna))

        assert page.all("html") == [{"lang": "nl"}]
        assert "Klantenkaart" in page.text


class TestNoCard:
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("forge", ["cut", "of a pass", "of another customer", "nonsense", "customer is gone"])
    def test_a_link_that_was_not_made_here_gets_nothing(
        self, design: PassTemplate, anna: Customer, forge: str, method: str
    ) -> None:
        good = path(design, anna)
        other = world.wallet_pass(world.template(name="Other"), world.customer(design.tenant, first_name="Bram"))
        forged = {
            "cut": good[:-2],
            "of a pass": f"/p/get/{token_of(other)}",
            "of another customer": good.replace(f"_{anna.pk}.", f"_{other.customer_id}."),
            "nonsense": "/p/get/%F0%9F%98%80%00",
            "customer is gone": good,
        }[forge]
        if forge == "customer is gone":
            anna.delete()

        response, page = get(forged, method)

        assert response.status_code == 404
        assert "No card here" in page.text
        assert WalletPass.objects.filter(template=design).count() == 0

    def test_a_customer_of_another_tenant_gets_nothing(self, design: PassTemplate) -> None:
        stranger = world.customer(world.tenant("other"))
        assert get(path(design, stranger), "post")[0].status_code == 404

    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize(
        "changes", [{"active": False}, {"published": None}, {"issue": PassTemplate.Issue.BY_HAND}, {}]
    )
    def test_a_template_that_is_not_open_says_so(
        self, design: PassTemplate, anna: Customer, changes: dict[str, Any], method: str
    ) -> None:
        PassTemplate.objects.update(**changes) if changes else Tenant.objects.update(suspended_at=timezone.now())

        response, page = get(path(design, anna), method)

        assert response.status_code == 403
        assert "Example Coffee does not give out this card at the moment" in page.text
        assert not WalletPass.objects.exists()

    def test_a_template_with_conditions_asks_the_customer_for_them(self, design: PassTemplate, anna: Customer) -> None:
        PassTemplate.objects.update(issue=PassTemplate.Issue.CONDITION)
        TemplateCondition.objects.create(template=design, name="points", operator="greater", value="100")
        world.published(PassTemplate.objects.get())

        assert get(path(design, anna), "post")[0].status_code == 403
        Customer.objects.update(values={"points": 101})
        assert get(path(design, anna), "post")[0].status_code == 303

    def test_a_pass_that_cannot_be_worked_out_is_a_page_for_its_owner_and_a_word_for_the_operator(
        self, design: PassTemplate, anna: Customer, caplog: pytest.LogCaptureFixture
    ) -> None:
        design.fields.filter(key="points").update(expression="{{ points|divisibleby:0 }}")
        world.published(design)

        response, page = get(path(design, anna), "post")

        assert response.status_code == 409
        assert "This card is not ready" in page.text
        assert f"template={design.pk} makes no pass for customer={anna.pk}" in caplog.text
        assert not Event.objects.exists()


class TestDays:
    """Links that work for some time."""

    @pytest.fixture
    def held(self, design: PassTemplate, anna: Customer) -> WalletPass:
        PassTemplate.objects.update(link_days=7)
        design.refresh_from_db()
        return world.wallet_pass(design, anna)

    @pytest.mark.parametrize(("days", "status"), [(7, 200), (8, 410)])
    def test_a_link_works_until_the_end_of_its_last_day(
        self, held: WalletPass, days: int, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address, images = link(held).split("/", 3)[3], f"{token_of(held)}/apple"
        later = timezone.now() + timedelta(days=days)
        monkeypatch.setattr("passes.links.timezone.now", lambda: later)

        assert Client().get(f"/{address}").status_code == status
        assert Client().get(f"/p/{images}").status_code == status

    def test_a_link_that_is_too_old_says_how_to_get_a_new_one_and_shows_no_card(
        self, held: WalletPass, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        addresses = [path(held.template, held.customer), f"/p/{token_of(held)}"]
        later = timezone.now() + timedelta(days=30)
        monkeypatch.setattr("passes.links.timezone.now", lambda: later)
        Customer.objects.update(language="fr")

        for address in addresses:
            response, page = get(address)
            assert response.status_code == 410
            assert page.all("html") == [{"lang": "fr"}]
            assert "Example Coffee" in page.text
            assert "Anna" not in page.text

    def test_links_that_were_made_for_ever_go_on_working(self, held: WalletPass) -> None:
        for_ever = Signer(salt="passes.link", sep=".").sign(held.serial_number.hex)
        assert Client().get(f"/p/{for_ever}").status_code == 200

    def test_the_last_day_cannot_be_put_off(self, held: WalletPass) -> None:
        token = token_of(held)
        put_off = token.replace(token.split("-")[1][:8], "29991231")
        assert put_off != token
        assert Client().get(f"/p/{put_off}").status_code == 404
