"""Value expressions: Django template variables and filters, nothing else.

No tags, plain dictionaries as context, autoescape and localisation off: a card is not HTML, and its content hash must
not depend on who renders it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.template import Context, Engine, Template, TemplateSyntaxError
from django.template.base import FilterExpression, Lexer, Node, TextNode, TokenType, Variable, VariableNode
from django.utils import translation

from portal.sentences import Explained, say

_ENGINE = Engine(builtins=["passes.expression_filters"], autoescape=False)
# The engine brings Django's own tags and filters; only the portal's list may be used.
_ENGINE.template_builtins = [_ENGINE.template_builtins[-1]]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# JSON readers keep whole numbers exact up to here (RFC 8259, 6); a longer one is a code, and is shown as text.
_EXACT = 2**53
TEXT_LIMIT = 10_000


class ExpressionError(Explained, ValueError):
    """The expression cannot be used."""


class _Value(Variable):
    """A name that leads to stored values only: through dictionaries and lists, never to attributes or calls.

    A name that is not there is empty, wherever it stands.
    """

    def _resolve_lookup(self, context: Any) -> Any:
        current = context
        for bit in self.lookups or ():
            try:
                current = current[int(bit)] if isinstance(current, list) else current[bit]
            except (KeyError, IndexError, TypeError, ValueError):
                return ""
        return "" if current is None else current


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The compiled expression. Raises ExpressionError."""
    text = text.strip()
    if any(token.token_type in {TokenType.BLOCK, TokenType.COMMENT} for token in Lexer(text).tokenize()):
        raise ExpressionError(say("Only values like {{ points }} may be used here, no tags."))
    try:
        template = _ENGINE.from_string(text)
    except TemplateSyntaxError as error:
        raise ExpressionError(say("This value cannot be read: %(reason)s", reason=error)) from error
    for node in template.nodelist:
        if isinstance(node, VariableNode):
            _confine(node.filter_expression)
    return template


def _confine(expression: FilterExpression) -> None:
    if isinstance(expression.var, Variable):
        expression.var = _Value(expression.var.var)
    expression.filters = [
        (function, [(named, _Value(value.var) if named else value) for named, value in arguments])
        for function, arguments in expression.filters
    ]


def names_in(text: str) -> frozenset[str]:
    """The values that the expression depends on, filter arguments included."""
    found: set[str] = set()
    for node in parse(text).nodelist:
        if isinstance(node, VariableNode):
            expression = node.filter_expression
            found.update(list(getattr(expression.var, "lookups", None) or [])[:1])
            for _filter, arguments in expression.filters:
                found.update(str(value.var).split(".")[0] for is_variable, value in arguments if is_variable)
    return frozenset(name for name in found if _NAME.fullmatch(name))


def is_constant(text: str) -> bool:
    """Whether it is the same for everybody. Raises ExpressionError, as `is_alone` does."""
    return not any(isinstance(node, VariableNode) for node in parse(text).nodelist)


def is_alone(text: str) -> bool:
    """Whether nothing stands beside one value, so that a number stays a number."""
    return [isinstance(node, VariableNode) for node in parse(text).nodelist] == [True]


def evaluate(text: str, values: Mapping[str, Any]) -> str | int | float:
    """The expression's value. A lone `{{ name }}` keeps a number a number; everything else is text.

    Raises ExpressionError for a filter that cannot work with what it is given; the message holds no customer's value.
    """
    nodes = list(parse(text).nodelist)
    context = Context(dict(values), autoescape=False, use_l10n=False, use_tz=False)
    try:
        with translation.override("en"):
            found = [_resolve(node, context) for node in nodes]
            if len(found) == 1 and _is_number(found[0]):
                return _number(found[0])
            return "".join(map(_text, found)).strip()[:TEXT_LIMIT]
    except Exception as error:
        raise ExpressionError(
            say("%(text)s cannot be worked out (%(reason)s).", text=text.strip(), reason=type(error).__name__)
        ) from error


def _resolve(node: Node, context: Context) -> Any:
    if isinstance(node, VariableNode):
        return node.filter_expression.resolve(context)
    return node.s if isinstance(node, TextNode) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: int | float) -> str | int | float:
    """Whole numbers have one form, so that 420.0 after 420 is no change."""
    if isinstance(value, float) and not value.is_integer():
        return value
    return int(value) if abs(value) <= _EXACT else str(value)


def _text(value: Any) -> str:
    """As text that JSON and databases can carry. A list is read out; a dictionary has no text of its own."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if value is None or isinstance(value, dict) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    shown = str(_number(value)) if _is_number(value) else str(value)
    return shown.encode("utf-8", "replace").decode().replace("\0", "")
