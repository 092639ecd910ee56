"""A template that is open to everybody: from a poster through a mailbox to a card. Nobody learns who is a customer."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from passes.inspection import inspect_template
from passes.links import link_to_confirm, link_to_get, link_to_join, token_of
from passes.models import PassTemplate, TemplateCondition, WalletPass
from portal import limits
from portal.customers import Profile, apply_profile
from portal.models import Customer, Event, Identity
from tests.passes import world
from tests.passes.test_pages import Page
from tests.portal.admin_world import World, url

pytestmark = pytest.mark.django_db
BRAM = "Bram@Example.com"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails go out in the request's own thread, where the test's database is."""
    monkeypatch.setattr("passes.joining.elsewhere", lambda work, *arguments: work(*arguments))


@pytest.fixture
def design() -> PassTemplate:
    return world.template(issue=PassTemplate.Issue.LINK, open_enrolment=True)


def local(address: str) -> str:
    return "/" + address.split("/", 3)[3]


def ask(design: PassTemplate, mailbox: str, **more: Any) -> tuple[Any, Page]:
    client = Client(enforce_csrf_checks=True, **more)
    response = client.post(local(link_to_join(design)), {"email": mailbox})
    return response, Page(response.content.decode())


def mailed(mail: EmailMessage) -> str:
    [link] = re.findall(r"https?://\S+", str(mail.body))
    return local(link)


class TestStrangers:
    def test_become_customers_with_a_card_by_the_link_in_their_mailbox(
        self, design: PassTemplate, mailoutbox: list[EmailMessage]
    ) -> None:
        response, page = ask(design, BRAM)
        assert (response.status_code, "Look into your mailbox" in page.text) == (200, True)
        assert not Customer.objects.exists()
        [mail] = mailoutbox
        assert (mail.to, mail.subject) == ([BRAM], "Loyalty card of Example Coffee")
        assert "bram" not in mailed(mail).lower()

        assert "Get the card" in Client().get(mailed(mail)).content.decode()
        assert not Customer.objects.exists()
        response = Client().post(mailed(mail), headers={"Accept-Language": "nl"})

        held = WalletPass.objects.get()
        assert response["Location"] == f"/p/{token_of(held)}"
        assert (held.customer.key, held.customer.language, held.customer.tenant) == (BRAM.lower(), "nl", design.tenant)
        assert Client().post(mailed(mail))["Location"] == response["Location"]
        assert Customer.objects.count() == 1
        assert Event.objects.get(kind="customer.enrolled").outcome.startswith("bram@example.com confirmed")

    def test_are_kept_by_the_first_system_that_knows_them(
        self, design: PassTemplate, mailoutbox: list[EmailMessage]
    ) -> None:
        ask(design, BRAM)
        Client().post(mailed(mailoutbox[0]))
        enrolled = Customer.objects.get()

        first, second = (
            apply_profile(
                Profile("actito:1", {"actito:1": number}, BRAM, "fr", {"points": 5}),
                cause=world.cause(design.tenant), number=10**9,
            )
            for number in ("7", "8")
        )  # fmt: skip

        assert (first.customer.pk, first.created) == (enrolled.pk, False)
        assert (second.customer.pk == enrolled.pk, second.created) == (False, True)
        assert Identity.objects.get(namespace="actito:1", value="7").customer == enrolled

    @pytest.mark.parametrize("when", ["closed", "expired", "conditions"])
    def test_who_come_too_late_or_do_not_match_are_told_and_not_kept(
        self, design: PassTemplate, when: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = local(link_to_confirm(design, BRAM))
        if when == "closed":
            PassTemplate.objects.update(open_enrolment=False)
        if when == "expired":
            later = timezone.now() + timedelta(days=2)
            monkeypatch.setattr("passes.links.timezone.now", lambda: later)
        if when == "conditions":
            PassTemplate.objects.update(issue=PassTemplate.Issue.CONDITION)
            TemplateCondition.objects.create(template=design, name="tier", operator="equals", value="Gold")
            world.published(PassTemplate.objects.get())

        assert Client().post(address).status_code == (410 if when == "expired" else 403)
        assert not Customer.objects.exists()

    def test_whose_link_was_made_with_a_key_that_is_gone_are_told(
        self, design: PassTemplate, settings: Settings
    ) -> None:
        address = local(link_to_confirm(design, BRAM))
        settings.ENCRYPTION_KEYS = [base64.urlsafe_b64encode(bytes(32)).decode()]
        assert (Client().get(address).status_code, Client().post(address).status_code) == (404, 404)

    @pytest.mark.parametrize(
        "text",
        ["", "bram", "bram@", "brám@example.com", "bram@exámple.com", "bram@\N{KELVIN SIGN}pn.com",
         "a" * 150 + "@example.com", "a@b.c\0"],
    )  # fmt: skip
    def test_who_mistype_are_told(self, design: PassTemplate, text: str, mailoutbox: list[EmailMessage]) -> None:
        response, page = ask(design, text)
        assert response.status_code == 200
        assert page.all("form") == [{"method": "post", "novalidate": None}]
        assert len([each for each in page.all("p") if each.get("role") == "alert"]) >= 1
        assert mailoutbox == []


class TestCustomers:
    def test_get_the_link_of_their_own_and_the_same_answer(
        self, design: PassTemplate, mailoutbox: list[EmailMessage]
    ) -> None:
        anna = world.customer(design.tenant)

        known, stranger = ask(design, "ANNA@example.com")[1].text, ask(design, BRAM)[1].text

        assert known == stranger
        assert mailed(mailoutbox[0]) == local(link_to_get(design, anna))

    def test_who_may_not_have_the_card_get_the_same_answer_and_no_mail(
        self, design: PassTemplate, mailoutbox: list[EmailMessage]
    ) -> None:
        PassTemplate.objects.update(issue=PassTemplate.Issue.CONDITION)
        TemplateCondition.objects.create(template=design, name="tier", operator="equals", value="Gold")
        world.published(PassTemplate.objects.get())
        world.customer(design.tenant, tier="Silver")

        assert "Look into your mailbox" in ask(design, "anna@example.com")[1].text
        assert mailoutbox == []

    def test_of_another_tenant_are_strangers(self, design: PassTemplate, mailoutbox: list[EmailMessage]) -> None:
        world.customer(world.tenant("other"))
        ask(design, "anna@example.com")
        assert mailed(mailoutbox[0]).startswith("/p/confirm/")


class TestFloods:
    def test_one_mailbox_gets_three_messages_an_hour_and_nobody_learns_it(
        self, design: PassTemplate, mailoutbox: list[EmailMessage]
    ) -> None:
        answers = {ask(design, mailbox)[1].text for mailbox in (BRAM, BRAM.upper(), BRAM, BRAM, BRAM)}
        assert (len(answers), len(mailoutbox)) == (1, 3)

    @pytest.mark.parametrize("limit", ["CARDS_FROM_ONE", "CARDS_IN_ALL"])
    def test_an_address_and_a_template_have_a_limit(
        self, design: PassTemplate, limit: str, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, limit, 2)
        statuses = [ask(design, f"bram{n}@example.com")[0].status_code for n in range(4)]
        assert (statuses, len(mailoutbox)) == ([200, 200, 429, 429], 2)
        later = timezone.now() + timedelta(hours=1, minutes=1)
        monkeypatch.setattr(limits.timezone, "now", lambda: later)
        assert ask(design, "bram9@example.com")[0].status_code == 200

    def test_no_mailbox_is_kept_of_who_does_not_confirm(self, design: PassTemplate) -> None:
        ask(design, BRAM)
        kept = [str(row) for row in limits.AccessFailureLog.objects.values_list()]
        assert len(kept) == 2
        assert "bram" not in str(kept).lower()


class TestTheTemplate:
    @pytest.mark.parametrize(
        "changes",
        [{"open_enrolment": False}, {"active": False}, {"published": None}, {"issue": PassTemplate.Issue.API}],
    )
    def test_that_is_not_open_says_so(self, design: PassTemplate, changes: dict[str, Any]) -> None:
        PassTemplate.objects.update(**changes)
        response, page = ask(design, BRAM)
        assert response.status_code == 403
        assert "does not give out this card" in page.text

    @pytest.mark.parametrize("token", ["x", "1", "1.x", "%00"])
    def test_is_not_found_by_guessing(self, design: PassTemplate, token: str) -> None:
        for kind in ("join", "confirm"):
            assert Client().post(f"/p/{kind}/{token}", {"email": BRAM}).status_code == 404

    def test_speaks_the_language_of_the_browser(self, design: PassTemplate) -> None:
        page = Page(Client().get(local(link_to_join(design)), headers={"Accept-Language": "fr"}).content.decode())
        assert page.all("html") == [{"lang": "fr"}]

    def test_cannot_be_published_where_nobody_could_join(self, design: PassTemplate, settings: Settings) -> None:
        settings.MAIL_SET_UP = False
        PassTemplate.objects.update(issue=PassTemplate.Issue.API)
        found = [finding for finding in inspect_template(PassTemplate.objects.get()) if finding.severity == "error"]
        assert [finding.field for finding in found] == ["open_enrolment", "open_enrolment"]
        assert Client().get(local(link_to_join(design))).status_code == 403

    def test_shows_its_link_and_a_code_for_posters(self, world: World, owner: Client) -> None:
        template = world.rows[PassTemplate]
        page = url(PassTemplate, "change", template.pk)
        assert "/p/join/" not in owner.get(page).content.decode()
        PassTemplate.objects.filter(pk=template.pk).update(open_enrolment=True, issue="link", published={})
        text = owner.get(page).content.decode()
        assert link_to_join(template) in text
        assert re.search(r'href="data:image/svg\+xml;base64,\S+" download="[a-z0-9-]+-qr.svg"', text)
