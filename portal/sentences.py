"""Sentences for staff, written once by workers and told in the language of whoever reads them.

A sentence is its English text, so that logs, comparisons and the command line need nothing else. Beside it stand its
parts: marked texts with what is filled in, which are translated when read, and quoted text, which never is.

    say("Actito has no profile %(profile)s.", profile=7)
    say_many("For %(count)s pass.", "For %(count)s passes.", count=2)
    Sentence("the vendor's own words")
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db import models
from django.utils.translation import gettext, ngettext

from portal.text import storable

# A record separator before each JSON text (RFC 7464). Plain text that begins with one is stored as JSON itself.
_MARK = "\x1e"
PARAM_LIMIT = 2000
CHANGES_SHOWN, VALUE_SHOWN = 5, 60


class Said(NamedTuple):
    """A marked text, its plural or "", and what is filled in: JSON scalars, Sentences, and lists of them."""

    one: str
    many: str
    params: Mapping[str, Any]


Part = str | Said
# (text, its plural or "", count) -> the text to fill in
_Voice = Callable[[str, str, Any], str]


class Sentence(str):
    """English text that knows its parts. Made of text alone, it is a quotation."""

    parts: tuple[Part, ...]

    def __new__(cls, text: str = "") -> Sentence:
        made = super().__new__(cls, storable(text))
        made.parts = (str(made),) if text else ()
        return made

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Sentence:
        parts = tuple(parts)
        made = super().__new__(cls, _spoken(parts, _english))
        made.parts = parts
        return made


class Explained(Exception):
    """An error that staff are told of, in a sentence."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def say(text: str, /, **params: Any) -> Sentence:
    """`text` is a constant: tests.catalogues finds it here."""
    return Sentence.of([Said(text, "", _kept_all(params))])


def say_many(one: str, many: str, /, *, count: int, **params: Any) -> Sentence:
    return Sentence.of([Said(one, many, _kept_all({"count": count, **params}))])


def joined(sentences: Iterable[str], by: str = " ") -> Sentence:
    """One after the other, without those that are empty."""
    parts: list[Part] = []
    for each in filter(None, sentences):
        parts += [by, *_parts_of(each)] if parts else _parts_of(each)
    return Sentence.of(parts)


def changes(changed: Mapping[str, tuple[Any, Any]]) -> Sentence:
    """Values before and after: `points: 420 → 450; level: empty → gold.`; empty where none changed."""
    lines = [
        say("%(name)s: %(before)s → %(after)s", name=name, before=_value(before), after=_value(after))
        for name, (before, after) in list(changed.items())[:CHANGES_SHOWN]
    ]
    if not lines:
        return Sentence()
    return joined([joined(lines, "; "), " …." if len(changed) > CHANGES_SHOWN else "."], "")


def told(sentence: str) -> str:
    """The sentence in the language of the reader; plain text as it is."""
    return _spoken(_parts_of(sentence), _translated)


def stored(sentence: str) -> str:
    """As text that both databases take: plain where nothing is to be translated, else the parts as JSON."""
    parts = _parts_of(sentence)
    text = "".join(part for part in parts if isinstance(part, str))
    if all(isinstance(part, str) for part in parts) and not text.startswith(_MARK):
        return text
    return _MARK + json.dumps([_encoded(part) for part in parts], ensure_ascii=False)


def read(text: str) -> Sentence:
    """The other way round. What is not of that form is a quotation."""
    if text.startswith(_MARK):
        try:
            return _sentence(json.loads(text[1:]))
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
    return Sentence(text)


class SentenceField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """A text column of sentences, for each way of writing it. Rows of before hold plain text, and stay as they are."""

    def deconstruct(self) -> Any:
        """To migrations it is a text column: SQLite would copy the whole table for another class."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def from_db_value(self, text: str | None, *_: Any) -> Sentence | None:
        return None if text is None else read(text)

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Sentence) else read(str(value))

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else stored(value if isinstance(value, str) else str(value))

    def value_to_string(self, obj: models.Model) -> str:
        """For `dumpdata`: as it is stored."""
        return stored(self.value_from_object(obj))


def _value(value: Any) -> str:
    return say("empty") if value is None else str(value)[:VALUE_SHOWN]


def _parts_of(sentence: str) -> tuple[Part, ...]:
    return sentence.parts if isinstance(sentence, Sentence) else Sentence(sentence).parts


def _kept_all(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _kept(value) for name, value in params.items()}


def _kept(value: Any) -> Any:
    if isinstance(value, Sentence | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_kept(each) for each in value]
    text = storable(str(value))
    return text if len(text) <= PARAM_LIMIT else f"{text[:PARAM_LIMIT]}…"


def _english(one: str, many: str, count: Any) -> str:
    return many if many and count != 1 else one


def _translated(one: str, many: str, count: Any) -> str:
    return ngettext(one, many, count) if many else gettext(one)


def _spoken(parts: Iterable[Part], voice: _Voice) -> str:
    return "".join(part if isinstance(part, str) else _filled(part, voice) for part in parts)


def _filled(said: Said, voice: _Voice) -> str:
    text = voice(said.one, said.many, said.params.get("count", 1))
    return text % {name: _shown(value, voice) for name, value in said.params.items()} if said.params else text


def _shown(value: Any, voice: _Voice) -> Any:
    if isinstance(value, Sentence):
        return _spoken(value.parts, voice)
    if isinstance(value, list):
        return ", ".join(str(_shown(each, voice)) for each in value)
    return value


def _encoded(value: Any) -> Any:
    """A quotation is text, a marked text [one, many, params], and a sentence among params {"parts": […]}."""
    if isinstance(value, Said):
        return [value.one, value.many, {name: _encoded(each) for name, each in value.params.items()}]
    if isinstance(value, Sentence):
        return {"parts": [_encoded(part) for part in value.parts]}
    return [_encoded(each) for each in value] if isinstance(value, list) else value


def _sentence(parts: Any) -> Sentence:
    """Raises ValueError, TypeError or KeyError for what is not of this form."""
    if not isinstance(parts, list):
        raise ValueError("not the parts of a sentence")
    return Sentence.of(map(_decoded, parts))


def _decoded(part: Any) -> Part:
    if isinstance(part, str):
        return part
    one, many, params = part
    if not (one and isinstance(one, str) and isinstance(many, str) and isinstance(params, dict)):
        raise ValueError("not a part of a sentence")
    return Said(one, many, {name: _param(value) for name, value in params.items()})


def _param(value: Any) -> Any:
    if isinstance(value, dict):
        return _sentence(value["parts"])
    return [_param(each) for each in value] if isinstance(value, list) else value
