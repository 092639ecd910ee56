"""Texts in the languages of a pass: Google's LocalizedString.

https://developers.google.com/wallet/reference/rest/v1/LocalizedString
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from passes.words import words_of

# A text by language; the pass's own language comes first.
Spoken = Mapping[str, str]


@dataclass(frozen=True)
class Texts:
    language: str
    translations: Mapping[str, Mapping[str, str]]  # by language other than the pass's own

    def of(self, text: str) -> Spoken:
        """A text of the design, and its translations where the template has them."""
        others = {code: found for code, known in self.translations.items() if (found := known.get(text))}
        return self._without_repeats({self.language: text, **others})

    def values(self, fields: Sequence[Mapping[str, Any]]) -> list[Spoken]:
        """What each field shows. Google has no formats, so numbers and dates are written out in each language."""
        written = [field for field in fields if field.get("format")]
        told = {code: words_of(written, code) for code in (self.language, *self.translations)} if written else {}
        of_each = iter(zip(*told.values(), strict=True))
        return [
            self._without_repeats(dict(zip(told, next(of_each), strict=True)))
            if field.get("format")
            else self.of(str(field["value"]))
            for field in fields
        ]

    def _without_repeats(self, spoken: Spoken) -> Spoken:
        own = spoken[self.language]
        return {code: text for code, text in spoken.items() if code == self.language or text != own}


def texts_of(content: Mapping[str, Any]) -> Texts:
    own = content["language"]
    return Texts(own, {code: known for code, known in sorted(content["texts"].items()) if code != own})


def localized(spoken: Spoken) -> dict[str, Any]:
    (default, *others) = ({"language": code, "value": text} for code, text in spoken.items())
    return {"defaultValue": default, **({"translatedValues": others} if others else {})}


def both(name: str, spoken: Spoken) -> Iterator[tuple[str, Any]]:
    """`programName`, and where it is translated `localizedProgramName` beside it."""
    yield name, next(iter(spoken.values()))
    if len(spoken) > 1:
        yield f"localized{name[0].upper()}{name[1:]}", localized(spoken)
