"""The catalogues of translations: every marked text of the code and the templates, in French and in Dutch.

`python -m tests.catalogues` adds new texts to the catalogues (empty, to be translated), drops those that are gone, and
compiles them. It needs no gettext tools: Python is read as a syntax tree, templates as Django parses them.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import django
import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "portal" / "locale"
LANGUAGES = ("fr", "nl")
FOLDERS = ("portal", "passes", "integrations", "templates")
MARKS = {"_": 1, "_t": 1, "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2,
         "say": 1, "say_many": 2}  # fmt: skip
_HOLES = re.compile(r"%\(\w+\)[sd]|%[sd@]|\{\w*\}|\{\{ ?\w+ ?\}\}")


class Text(NamedTuple):
    """A text as the source has it, and its plural, if it has one."""

    one: str
    many: str = ""


def wanted() -> dict[Text, str]:
    """Every marked text of the product, and what it stands in first; unfold's own texts that Django does not know."""
    found: dict[Text, str] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            for text in texts_in(path):
                found.setdefault(text, str(path.relative_to(ROOT)))
    for text in unfold_texts():
        found.setdefault(text, "unfold")
    return found


def texts_in(path: Path) -> Iterator[Text]:
    if path.suffix == ".py" and "migrations" not in path.parts:
        yield from python_texts(path.read_text(encoding="utf-8"))
    elif path.suffix in {".html", ".txt"}:
        yield from template_texts(path.read_text(encoding="utf-8"))


def python_texts(source: str) -> Iterator[Text]:
    """Raises ValueError for a marked text that is put together: no catalogue can hold it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            given = node.args[: MARKS[node.func.id]]
            if any(isinstance(each, ast.JoinedStr | ast.BinOp) for each in given):
                raise ValueError(f"line {node.lineno}: a marked text must be one constant")
            if all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in given) and given:
                yield Text(*(each.value for each in given))  # type: ignore[attr-defined]


def template_texts(source: str) -> Iterator[Text]:
    from django.template import engines  # noqa: PLC0415 - once Django is set up
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode  # noqa: PLC0415

    nodelist = engines["django"].from_string(source).template.nodelist
    for node in nodelist.get_nodes_by_type(TranslateNode):
        if isinstance(node.filter_expression.var, str):
            yield Text(node.filter_expression.var)
        elif literal := getattr(node.filter_expression.var, "literal", None):
            yield Text(str(literal))
    for node in nodelist.get_nodes_by_type(BlockTranslateNode):
        texts = [node.render_token_list(part)[0] for part in (node.singular, node.plural) if part]
        yield Text(*texts)
    yield from map(Text, re.findall(r'_\("([^"]+)"\)', source))


def unfold_texts() -> Iterator[Text]:
    """unfold has no catalogues. Where Django itself says the same, its translation serves."""
    import unfold  # noqa: PLC0415

    known = [known_to_django(language) for language in LANGUAGES]
    templates = Path(unfold.__file__).parent / "templates"
    for path in sorted([*(templates / "unfold").rglob("*.html"), *(templates / "admin").rglob("*.html")]):
        for text in texts_in(path):
            if not all(text.one in texts for texts in known):
                yield text


def known_to_django(language: str) -> set[str]:
    """What Django's own catalogues translate."""
    files = Path(django.__file__).parent.glob(f"**/locale/{language}/LC_MESSAGES/django.mo")
    return {entry.msgid for file in files for entry in polib.mofile(str(file))}


def holes(text: str) -> list[str]:
    return sorted(_HOLES.findall(text))


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"), wrapwidth=120)


def update(language: str) -> int:
    """Brings one catalogue up to date and compiles it. Returns how many texts have no translation yet."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    old = {Text(entry.msgid, entry.msgid_plural): entry for entry in catalogue(language)} if path.exists() else {}
    new = polib.POFile(wrapwidth=120)
    plural = "nplurals=2; plural=(n > 1);" if language == "fr" else "nplurals=2; plural=(n != 1);"
    new.metadata = {"Language": language, "Content-Type": "text/plain; charset=UTF-8",
                    "Content-Transfer-Encoding": "8bit", "MIME-Version": "1.0", "Plural-Forms": plural}  # fmt: skip
    for text, where in sorted(wanted().items(), key=lambda each: (each[1], each[0])):
        entry = polib.POEntry(msgid=text.one, msgid_plural=text.many, occurrences=[(where, "")])
        if known := old.get(text):
            entry.msgstr, entry.msgstr_plural = known.msgstr, known.msgstr_plural
        elif text.many:
            entry.msgstr_plural = {0: "", 1: ""}
        new.append(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    new.save(str(path))
    new.save_as_mofile(str(path.with_suffix(".mo")))
    return len(new.untranslated_entries())


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    for language in LANGUAGES:
        print(f"{language}: {update(language)} texts to translate in portal/locale/{language}/LC_MESSAGES/django.po")


if __name__ == "__main__":
    main()
