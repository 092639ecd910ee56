"""Importing cards in the admin: dropping a file in, seeing what it would do, starting it, its problems as a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from passes.models import CardImport, CardImportPart, PassTemplate, WalletPass
from portal.models import Change, Customer, Job, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.passes import cards
from tests.passes import world as passes
from tests.passes.cards import TOKEN, line
from tests.portal.admin_world import World, action, client_of, member, url
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def design(world: World) -> PassTemplate:
    CardImport.objects.all().delete()
    return passes.template(world.tenant, name="Members", issue=PassTemplate.Issue.BY_HAND)


def upload(client: Client, template: PassTemplate, file: bytes, name: str = "cards.csv") -> Any:
    given = {**SUBMIT, "template": template.pk, "file": SimpleUploadedFile(name, file)}
    return client.post(action(CardImport, "", "upload"), given)


def page(client: Client, seen: CardImport) -> str:
    return client.get(url(CardImport, "change", seen.pk)).content.decode()


def test_a_file_is_looked_at_then_imported_and_its_problems_are_a_file(
    world: World, owner: Client, design: PassTemplate
) -> None:
    Customer.objects.create(tenant=world.tenant, key="bram")
    assert "Nothing is imported yet" in owner.get(action(CardImport, "", "upload")).content.decode()
    upload(owner, design, cards.export(line("1001", "bram"), line("1002", "bram", "short"), line("=1+1", "chloe")))

    seen = CardImport.objects.get()
    text = page(owner, seen)
    for part in ("What would happen", "New: a pass is made", "The token has 5 signs.", "No customer has this key."):
        assert part in text, part
    assert TOKEN not in text
    assert not WalletPass.objects.filter(template=design).exists()

    owner.post(action(CardImport, seen.pk, "begin"), {**SUBMIT, "unknown": "skip"})
    Worker().until_ended(Job.objects.get(kind="cards.import"))

    assert WalletPass.objects.get(template=design).imported_serial == "1001"
    assert "What was done so far" in page(owner, seen)
    answer = owner.get(url(CardImport, "problems", seen.pk))
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[1:] == [
        '"3","","The token has 5 signs. Apple\'s cards have at least 16."',
        '"4","\'=1+1","No customer has this key."',
    ]
    assert Change.objects.filter(sentence="Import of cards started.").count() == 1


def test_objects_at_google_are_looked_at_and_what_they_lose_is_said_before(world: World, owner: Client) -> None:
    CardImport.objects.all().delete()
    issuer = make.IssuerFactory.make(tenant=world.tenant)
    Lane.objects.filter(pk=issuer.lane_id).update(paused_at=timezone.now())
    design = passes.template(world.tenant, name="Android", issue=PassTemplate.Issue.BY_HAND, apple=None, google=issuer)
    for key in ("anna", "bram"):
        Customer.objects.create(tenant=world.tenant, key=key)
    upload(owner, design, cards.export(("old-1", "anna"), ("old-1", "bram"), head=("googleObjectId", "customer")))

    seen = CardImport.objects.get()
    text = page(owner, seen)
    assert f"{issuer.issuer_id}.old-1" in text
    assert "Twice in the file, with different contents" in text
    dialog = owner.get(action(CardImport, seen.pk, "begin")).content.decode()
    assert "Google objects that are named in the file show at once" in dialog
    assert "Phones that are named" not in dialog

    owner.post(action(CardImport, seen.pk, "begin"), SUBMIT)
    Worker().until_ended(Job.objects.get(kind="cards.import"))
    held = WalletPass.objects.get(template=design)
    shown = owner.get(url(WalletPass, "change", held.pk)).content.decode()
    assert "Another vendor" in shown
    held.google.keeps_class = True
    held.google.save()
    assert "whose look it keeps" in owner.get(url(WalletPass, "change", held.pk)).content.decode()


def test_customers_are_made_when_that_is_chosen(owner: Client, design: PassTemplate) -> None:
    upload(owner, design, cards.export(line("1001", "bram")))
    seen = CardImport.objects.get()
    assert "Make a customer" in owner.get(action(CardImport, seen.pk, "begin")).content.decode()
    owner.post(action(CardImport, seen.pk, "begin"), {**SUBMIT, "unknown": "make"})
    Worker().until_ended(Job.objects.get(kind="cards.import"))
    assert Customer.objects.get(key="bram").passes.get().card_serial == "1001"
    assert not seen.problems.exists()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"", "The submitted file is empty."),
        (b"\n\n", "The file is empty."),
        (b"PK\x03\x04", "This is a workbook"),
        (b"name;age\nAnna;38\n", "Columns that are missing: serialNumber, authenticationToken, customer."),
        (b"\x00\xff\xfe\x00" * 50, "The first line cannot be read."),
    ],
)
def test_a_file_that_is_none_is_told_in_the_dialog(owner: Client, design: PassTemplate, file: bytes, told: str) -> None:
    assert told in upload(owner, design, file).content.decode()
    assert not CardImport.objects.exists()


def test_only_published_templates_of_ones_own_for_a_wallet_are_offered(
    world: World, owner: Client, design: PassTemplate
) -> None:
    theirs = passes.template(passes.tenant("other"), name="Theirs")
    bare = make.TemplateFactory.make(tenant=world.tenant)
    for template in (theirs, bare):
        assert "Select a valid choice" in upload(owner, template, cards.export()).content.decode()


@pytest.mark.parametrize(("role", "may"), [(Role.MARKETER, True), (Role.OPERATOR, False), (Role.AUDITOR, False)])
def test_who_may_configure_may_import(world: World, design: PassTemplate, role: Role, may: bool) -> None:
    client = client_of(member(world, role))
    upload(client, design, cards.export(line("1001", "bram")))
    assert CardImport.objects.exists() is may
    seen = make.CardImportFactory.make(template=design)
    assert client.get(url(CardImport, "problems", seen.pk)).status_code == (200 if may else 404)


def test_removing_an_import_forgets_its_cards_and_keeps_the_passes(owner: Client, design: PassTemplate) -> None:
    upload(owner, design, cards.export(line("1001", "bram")))
    seen = CardImport.objects.get()
    owner.post(action(CardImport, seen.pk, "begin"), {**SUBMIT, "unknown": "make"})
    owner.post(action(CardImport, seen.pk, "remove"), SUBMIT)
    assert CardImport.objects.exists()
    Worker().until_ended(Job.objects.get(kind="cards.import"))
    owner.post(action(CardImport, seen.pk, "remove"), SUBMIT)
    assert not CardImport.objects.exists()
    assert not CardImportPart.objects.exists()
    assert WalletPass.objects.filter(template=design).count() == 1
