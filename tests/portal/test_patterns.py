"""Patterns of fields hold for the whole text: Django's validator is content with a part of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from integrations.actito.models import AttributeMapping


def validators() -> Iterator[RegexValidator]:
    for model in apps.get_models():
        if model._meta.app_label in {"portal", "passes", "actito", "integrations"}:
            for field in model._meta.get_fields():
                found = getattr(field, "validators", ())
                yield from (each for each in found if type(each) is RegexValidator)


@pytest.mark.parametrize("pattern", sorted({each.regex.pattern for each in validators()}))
def test_each_begins_where_the_text_begins(pattern: str) -> None:
    assert pattern.startswith(("^", r"\A"))
    assert pattern.endswith(r"\Z")


def test_words_before_a_name_are_refused() -> None:
    with pytest.raises(ValidationError):
        AttributeMapping._meta.get_field("value_name").run_validators("Not a name")
