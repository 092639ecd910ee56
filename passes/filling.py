"""Fills a customer's values into a design's expressions, as the type that each place asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from passes import conversions
from passes.expressions import ExpressionError, evaluate
from portal.sentences import Explained, say


class ContentError(Explained, ValueError):
    """The template makes no content for these values; the sentence says which part, and holds no value."""


@dataclass(frozen=True)
class Filling:
    """`part` is what the form calls the place. Every method raises ContentError; what is empty stays empty."""

    values: Mapping[str, Any]
    zone: ZoneInfo

    def value(self, part: str, expression: str) -> str | int | float:
        try:
            return evaluate(expression, self.values)
        except ExpressionError as error:
            raise ContentError(say("“%(part)s”: %(reason)s", part=part, reason=error.sentence)) from error

    def text(self, part: str, expression: str) -> str:
        return str(self.value(part, expression))

    def number(self, part: str, expression: str) -> str | int | float:
        found = self.value(part, expression)
        number = conversions.number(found)
        if found != "" and number is None:
            raise ContentError(say("“%(part)s”: the value is not a number.", part=part))
        return "" if number is None else number

    def moment(self, part: str, expression: str, *, end: bool = False) -> tuple[str, bool]:
        """The moment, and whether the value is a day without a time; of a day, its beginning or its end."""
        found = self.value(part, expression)
        moment = conversions.moment(found, self.zone, end=end)
        if found != "" and moment is None:
            raise ContentError(say("“%(part)s”: the value is not a date, such as 2027-03-31.", part=part))
        return moment or ("", False)

    def tree(self, part: str, document: Any) -> Any:
        """JSON with expressions among its texts. What an expression leaves empty is left out."""
        if isinstance(document, Mapping):
            filled = {name: self.tree(part, each) for name, each in document.items()}
            return {name: each for name, each in filled.items() if each != "" or document[name] == ""}
        if isinstance(document, list):
            return [self.tree(part, each) for each in document]
        return self.value(part, document) if isinstance(document, str) and "{{" in document else document
