"""Forged forms: their keys in every foreign key, their rows in inlines, values that they use already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import CharField, Model
from django.forms import BaseForm, ChoiceField
from django.forms import CharField as TextInput

from tests.portal.admin_world import World
from tests.portal.stranger import REVEALED, Looker
from tests.portal.stranger_pages import Data, form_data, forms_of, formsets_of, reveals_existence, row_choices
from tests.portal.surfaces import Kind, Route, action_names, relations

BUTTONS = {"_save": "Save"}


def walk_forms(looker: Looker, admin: ModelAdmin, known: list[Route]) -> None:
    """An honest form first, so that what is forged is refused for no other reason; then one forged value at a time."""
    if admin.model not in looker.ours.rows or admin.model not in looker.theirs.rows:
        return
    own: Data = {}
    for route in sorted(known, key=lambda each: each.kind != Kind.CHANGE):
        if route.kind in {Kind.CHANGE, Kind.ADD} and route.name:
            page = looker.get(route.kind, address := next(route.addresses(looker.ours)))
            if page.status_code == 200 and forms_of(page):
                own = own or form_data(page)
                _forge(looker, admin, address, page, honest(own, page))
        elif route.kind == Kind.ACTION and not route.names:
            _take(looker, admin, next(route.addresses(looker.ours)))


def honest(own: Data, page: Any) -> Data:
    """What the page's form would send; the form of a new row is filled in like the one we have."""
    data = form_data(page)
    names = {forms_of(page)[0].add_prefix(name) for name in forms_of(page)[0].fields}
    filled = {name: values for name, values in own.items() if name in names and not any(data.get(name, ()))}
    known = {**data, **filled}
    asked = {
        name for name, field in forms_of(page)[0].fields.items() if field.required and isinstance(field, TextInput)
    }
    return {**known, **{name: "something" for name in asked if not any(known.get(name, ()))}, **BUTTONS}


def _forge(looker: Looker, admin: ModelAdmin, address: str, page: Any, data: Data) -> None:
    buttons = dict.fromkeys((f"{admin.model._meta.app_label}_{admin.model._meta.model_name}_{name}"
                             for name in action_names(admin)), "1")  # fmt: skip
    looker.post(Kind.SAVE, address, altered(data, page))
    for forged in [*_forged_keys(looker.theirs, admin, page, data), *_forged_lines(looker.theirs, page, data)]:
        looker.post(Kind.FORGED, address, {**forged, **buttons})
    taken = {name: value for name, value in _their_texts(looker.theirs, admin.model).items() if name in data}
    if taken and (said := reveals_existence(looker.post(Kind.TAKEN, address, {**data, **taken}))):
        looker.report.add(REVEALED, Kind.TAKEN, f"POST {address}", said)


def altered(data: Data, page: Any) -> Data:
    """Another text in each field that takes any text, and a new row gets names of its own."""
    found = [name for form in forms_of(page) for name in _free_texts(form) if any(data.get(name, ()))]
    return {**data, **{name: [f"{data[name][0]}x"] for name in found}}


def _free_texts(form: BaseForm) -> Iterator[str]:
    """The fields of a form in which any text will do."""
    model = getattr(getattr(form, "_meta", None), "model", None)
    fields = {field.name: field for field in model._meta.concrete_fields} if model else {}
    for name in form.fields:
        field = fields.get(name)
        chosen = isinstance(form.fields[name], ChoiceField)  # from a list that the form makes
        if type(field) is CharField and not field.choices and not field._validators and not chosen:
            yield form.add_prefix(name)


def _forged_keys(theirs: World, admin: ModelAdmin, page: Any, data: Data) -> Iterator[Data]:
    targets = {field.name: field.related_model for field in relations(admin.model)}
    for formset in formsets_of(page):
        prefix = f"{formset.prefix}-0-"
        targets |= {prefix + field.name: field.related_model for field in relations(formset.model)}
    targets |= row_choices(forms_of(page))
    for name, model in targets.items():
        if model in theirs.rows and not name.endswith("-id"):
            yield {**data, name: [str(theirs.rows[model].pk)]}


def _forged_lines(theirs: World, page: Any, data: Data) -> Iterator[Data]:
    """Lines of inlines: their line in place of ours, changed or removed, and new lines that point to their rows."""
    for formset in formsets_of(page):
        prefix, model = formset.prefix, formset.model
        first = {name: value for name, value in data.items() if name.startswith(f"{prefix}-0-")}
        if model in theirs.rows:
            line = {f"{prefix}-0-id": [str(theirs.rows[model].pk)], f"{prefix}-INITIAL_FORMS": ["1"]}
            count = {f"{prefix}-TOTAL_FORMS": [str(max(1, len(formset.forms)))]}
            yield {**data, **count, **line}
            yield {**data, **count, **line, f"{prefix}-0-DELETE": ["on"]}
        number = len(formset.initial_forms)
        new = {name.replace(f"{prefix}-0-", f"{prefix}-{number}-", 1): value for name, value in first.items()}
        new |= {f"{prefix}-{number}-id": [""], f"{prefix}-TOTAL_FORMS": [str(number + 1)]}
        for field in relations(model):
            if field.related_model in theirs.rows:
                key = str(theirs.rows[field.related_model].pk)
                yield {**data, **new, f"{prefix}-{number}-{field.name}": [key]}


def _their_texts(theirs: World, model: type[Model]) -> Data:
    """The texts of their row, and whatever else is unique together."""
    unique = {name for constraint in model._meta.total_unique_constraints for name in constraint.fields}
    unique |= {name for names in model._meta.unique_together for name in names}
    row = theirs.rows[model]
    return {
        field.name: [str(getattr(row, field.name))]
        for field in model._meta.concrete_fields
        if not field.is_relation and not field.primary_key and not field.choices
        and (isinstance(field, CharField) or field.unique or field.name in unique)
    }  # fmt: skip


def _take(looker: Looker, admin: ModelAdmin, address: str) -> None:
    """A dialog of a list, filled in with what they use: it must not say that this is known."""
    data = form_data(looker.get(Kind.ACTION, address))
    people = {field.name: [str(getattr(looker.theirs.owner, field.name))]
              for field in looker.theirs.owner._meta.concrete_fields if isinstance(field, CharField)}  # fmt: skip
    known = {**people, **_their_texts(looker.theirs, admin.model)}
    taken = {name: value for name, value in known.items() if name in data}
    if taken and (said := reveals_existence(looker.post(Kind.TAKEN, address, {**data, **taken}))):
        looker.report.add(REVEALED, Kind.TAKEN, f"POST {address}", said)
