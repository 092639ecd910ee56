"""Value expressions: Django template variables and filters, nothing else.

No tags, plain dictionaries as context, autoescape and localisation off: a card is not HTML, and its content hash must
not depend on who renders it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.template import Context, Engine, Template, TemplateSyntaxError
from django.template.base import Lexer, TokenType, VariableNode
from django.utils import translation

_ENGINE = Engine(builtins=["passes.expression_filters"], autoescape=False)
# The engine brings Django's own tags and filters; only the portal's list may be used.
_ENGINE.template_builtins = [_ENGINE.template_builtins[-1]]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ExpressionError(ValueError):
    """The expression cannot be used; the message tells a marketer why."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The compiled expression. Raises ExpressionError."""
    if any(token.token_type in {TokenType.BLOCK, TokenType.COMMENT} for token in Lexer(text).tokenize()):
        raise ExpressionError("Only values like {{ points }} may be used here, no tags.")
    try:
        return _ENGINE.from_string(text)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"This value cannot be read: {error}") from error


def names_in(text: str) -> frozenset[str]:
    """The values that the expression depends on, filter arguments included."""
    found: set[str] = set()
    for node in parse(text).nodelist:
        if isinstance(node, VariableNode):
            expression = node.filter_expression
            found.update(list(getattr(expression.var, "lookups", None) or [])[:1])
            for _, arguments in expression.filters:
                found.update(str(value.var).split(".")[0] for is_variable, value in arguments if is_variable)
    return frozenset(name for name in found if _NAME.fullmatch(name))


def evaluate(text: str, values: Mapping[str, Any]) -> str | int | float:
    """The expression's value. A lone `{{ name }}` keeps a number a number; everything else is text."""
    template = parse(text)
    context = Context({name: "" if value is None else value for name, value in values.items()}, False, False, False)
    with translation.override("en"):
        if len(template.nodelist) == 1 and isinstance(node := template.nodelist[0], VariableNode):
            with context.bind_template(template):
                value = node.filter_expression.resolve(context, ignore_failures=True)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
        return template.render(context).strip()
