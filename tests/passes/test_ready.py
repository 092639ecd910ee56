"""Ready designs: each is complete, and every wallet takes what the real builders make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from passes.apple.bundle import build
from passes.apple.sandbox import inspect
from passes.content import render
from passes.design import design_of
from passes.expressions import names_in
from passes.findings import Finding, Severity
from passes.google.resources import resources
from passes.inspection import inspect_template
from passes.lint.expressions import places
from passes.models import PassTemplate
from passes.ready.designs import DESIGNS
from passes.ready.making import looked_at, spoken, start_from
from portal.sentences import told
from tests import factories as make
from tests.passes import world
from tests.passes.google.discovery import complaints

LANGUAGES = [code for code, _name in settings.LANGUAGES]
# What a phone with Google Wallet lacks by its nature, whatever the design.
ONLY_AT_APPLE = "Google Wallet does not announce what changes on a generic pass."
TODAY = date(2026, 11, 22)

each_design = pytest.mark.parametrize("key", DESIGNS)
each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://wallet.example.com"


def draft(key: str, language: str = "en") -> PassTemplate:
    """Of a brand with a certificate and an issuer, as its page reads it."""
    owner = world.tenant("verdi")
    world.apple(owner)
    make.IssuerFactory.make(tenant=owner)
    made = start_from(DESIGNS[key], owner, name="Draft", language=language, today=timezone.localdate())
    return PassTemplate.objects.get(pk=made.pk)


def findings(template: PassTemplate) -> Iterator[Finding]:
    return (found for found in inspect_template(template) if not told(found.sentence).startswith(ONLY_AT_APPLE))


def test_there_are_eight() -> None:
    assert list(DESIGNS) == [
        "loyalty", "tiered", "coupon", "gift-card", "event", "membership", "stamp-card", "student-card",
    ]  # fmt: skip


@pytest.mark.django_db
@each_design
@each_language
def test_the_linters_of_both_wallets_find_nothing(key: str, language: str) -> None:
    template = draft(key, language)
    assert template.apple
    assert template.google
    assert [(found.severity, found.field, told(found.sentence), found.row) for found in findings(template)] == []


@pytest.mark.django_db
def test_a_design_without_its_icon_is_found_out_by_the_same_look() -> None:
    template = draft("loyalty")
    template.images.filter(role="icon").delete()
    assert Severity.ERROR in {found.severity for found in findings(template)}


@pytest.mark.django_db
@each_design
def test_an_iphone_takes_the_pass_without_a_word(key: str) -> None:
    template = draft(key)
    card = world.wallet_pass(template, world.customer(template.tenant, **template.sample_values))
    checked = inspect(build(card), world.authority().root)
    assert checked.notices == []


@pytest.mark.django_db
@each_design
def test_googles_own_description_allows_class_and_object(key: str) -> None:
    template = draft(key)
    content = render(design_of(template), template.sample_values).data
    made = resources(content, issuer_id="3388000000022141777", class_suffix="template-1", object_suffix="pass-1",
                     image_address=lambda sha1: f"https://wallet.example.com/{sha1}.png")  # fmt: skip
    name = made.type[0].upper() + made.type[1:]
    assert complaints(f"{name}Class", made.class_) == []
    assert complaints(f"{name}Object", made.object_) == []
    assert made.object_["state"] == "ACTIVE"


@each_design
def test_the_values_that_it_says_it_needs_are_those_that_it_takes(key: str) -> None:
    template = looked_at(DESIGNS[key], make.TenantFactory.build(), language="en", today=TODAY)
    taken: set[str] = set()
    for place in places(design_of(template)):
        taken |= names_in(place.text)
    assert taken - {"message"} == set(DESIGNS[key].values)


@pytest.mark.django_db
@each_design
def test_a_french_draft_brings_its_english_and_dutch(key: str) -> None:
    """A text that is the same in two languages needs no line."""
    template = draft(key, "fr")
    texts = {(row.language, row.text): row.translation for row in template.texts.all()}
    assert {language for language, _text in texts} == {"en", "nl"}
    for line in DESIGNS[key].lines:
        own = spoken(line.label, "fr")
        assert texts.get(("en", own), own) == line.label
        assert texts.get(("nl", own), own) == spoken(line.label, "nl")


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
@each_design
def test_the_back_of_the_card_is_translated(key: str, language: str) -> None:
    for line in DESIGNS[key].lines:
        for text in (line.change_message, line.value):
            if text and "{{" not in text:
                assert spoken(text, language) != text


def test_sample_dates_lie_ahead() -> None:
    samples = DESIGNS["event"].samples(TODAY)
    assert samples["event_starts"] == f"{TODAY + timedelta(days=45)}T20:00"


@pytest.mark.django_db
def test_between_two_certificates_the_person_chooses() -> None:
    owner = world.tenant("verdi")
    world.apple(owner)
    world.apple(owner, "pass.com.example.other")
    made = start_from(DESIGNS["coupon"], owner, name="Coupon", language="en", today=TODAY)
    assert made.apple is None


@pytest.mark.django_db
def test_what_is_looked_at_is_what_the_draft_becomes_save_for_the_pictures() -> None:
    stored = draft("tiered", "fr")
    seen = looked_at(DESIGNS["tiered"], stored.tenant, language="fr", today=timezone.localdate())

    def but_pictures(template: PassTemplate) -> dict[str, Any]:
        return {name: part for name, part in design_of(template).items() if name != "images"}

    assert but_pictures(seen) == but_pictures(stored)
    assert PassTemplate.objects.count() == 1
