"""French and Dutch: no text is missing, none has lost what is filled into it, and what is compiled is current."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext, ngettext

from portal.tenancy import Role
from tests import catalogues
from tests.portal.admin_world import client_of, make_world, member

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)


@LANGUAGES
def test_every_text_is_translated(language: str) -> None:
    known = {catalogues.Text(entry.msgid, entry.msgid_plural) for entry in catalogues.catalogue(language)
             if entry.translated() and not entry.fuzzy}  # fmt: skip
    missing = {text: where for text, where in catalogues.wanted().items() if text not in known}
    assert not missing, "make messages, then translate in portal/locale"
    assert len(known) > 500


@LANGUAGES
def test_no_translation_is_left_of_what_is_gone(language: str) -> None:
    wanted = catalogues.wanted()
    gone = [entry.msgid for entry in catalogues.catalogue(language)
            if catalogues.Text(entry.msgid, entry.msgid_plural) not in wanted]  # fmt: skip
    assert not gone


@LANGUAGES
def test_what_is_filled_in_is_the_same(language: str) -> None:
    for entry in catalogues.catalogue(language):
        for said in [entry.msgstr, *entry.msgstr_plural.values()]:
            if said and not entry.msgid_plural:
                assert catalogues.holes(said) == catalogues.holes(entry.msgid), entry.msgid
            elif said:
                assert catalogues.holes(said) in (catalogues.holes(entry.msgid), catalogues.holes(entry.msgid_plural))


@LANGUAGES
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    written = catalogues.catalogue(language)
    compiled = polib.mofile(written.fpath.replace(".po", ".mo"))
    assert {(e.msgid, e.msgstr, *e.msgstr_plural.values()) for e in written} == {
        (e.msgid, e.msgstr, *e.msgstr_plural.values()) for e in compiled
    }


def test_a_text_that_is_missing_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{% load i18n %}{% translate "Never said" %}{% blocktranslate %}{{ n }} never{% endblocktranslate %}'
    )
    module = tmp_path / "module.py"
    module.write_text('_("Never" " said either")\nngettext("one", "many", 2)')
    assert [*catalogues.texts_in(page)] == [("Never said", ""), ("%(n)s never", "")]
    assert [*catalogues.texts_in(module)] == [("Never said either", ""), ("one", "many")]
    module.write_text('_(f"Never {said}")')
    with pytest.raises(ValueError, match="one constant"):
        list(catalogues.texts_in(module))


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "home"), [("fr", "Accueil"), ("nl", "Start")])
def test_the_pages_are_in_the_persons_language(language: str, home: str) -> None:
    world = make_world("Verdi")
    client = client_of(member(world, Role.AUDITOR), headers={"accept-language": f"{language}-BE,{language};q=0.9"})
    text = client.get("/admin/").content.decode()
    assert f'<html lang="{language}"' in text
    assert home in text


@pytest.mark.django_db
def test_the_language_is_chosen_in_the_menu() -> None:
    world = make_world("Verdi")
    client = client_of(world.owner)
    client.post("/i18n/setlang/", {"language": "nl", "next": "/admin/"})
    assert '<html lang="nl"' in client.get("/admin/").content.decode()
    assert Client().post("/i18n/setlang/", {"language": "nl", "next": "https://evil.example"})["Location"] == "/"


def test_plurals_follow_the_language() -> None:
    with translation.override("fr"):
        assert gettext("Home") == "Accueil"
        assert ngettext("%(n)d minute ago", "%(n)d minutes ago", 0)
