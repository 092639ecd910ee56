"""The preview that follows typing: the form as it stands in the browser, drawn and not stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from passes.admin.findings import rows_of, shown
from passes.admin.preview import sample_card
from passes.images import ImageError, inspect_png
from passes.inspection import inspect_template
from passes.models import PassTemplate, TemplateField, TemplateImage
from portal.tenancy import Action

PARTS = ("fields", "texts", "images", "moments", "locations", "beacons", "actions", "conditions")


class LivePreview:
    """Of the templates' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)  # type: ignore[attr-defined]
        return [
            path("<path:object_id>/preview/", view, name="passes_passtemplate_preview"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        template = self.scoped_object(request, object_id, Action.CONFIGURE)  # type: ignore[attr-defined]
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = self.get_form(request, template, change=True)(request.POST, request.FILES, instance=template)  # type: ignore[attr-defined]
        formsets, _inlines = self._create_formsets(request, template, change=True)  # type: ignore[attr-defined]
        incomplete = [*_wrong(form), *(name for formset in formsets for name in _wrong_lines(formset))]
        # What is not stored yet is read by those who draw and by the linters as if it were.
        template._prefetched_objects_cache = {**dict.fromkeys(PARTS, ()), **dict(map(_parts, formsets))}
        rows = rows_of({_name(formset): [each.instance for each in formset.forms] for formset in formsets})
        drawn = sample_card(template)
        context = {
            **drawn,
            "incomplete": ", ".join(dict.fromkeys(incomplete)),
            "findings": shown(inspect_template(template), template, rows),
        }
        response = render(request, "admin/passes/typed.html", context)
        if "card" not in drawn:  # the last cards that could be drawn stay
            response["HX-Retarget"] = "#cards-said"
        return response


def preview_url(template: PassTemplate) -> str:
    return reverse("admin:passes_passtemplate_preview", args=[template.pk])


def _wrong(form: Any) -> Iterator[str]:
    """The labels of what is missing or cannot be read. What can be is in the row by then."""
    yield from (str(capfirst(form.fields[name].label or name)) for name in form.errors if name in form.fields)


def _wrong_lines(formset: Any) -> Iterator[str]:
    if not formset.is_valid():
        yield str(capfirst(formset.model._meta.verbose_name_plural))


def _parts(formset: Any) -> tuple[str, list[Any]]:
    """The rows as they would be after saving, in their order. A new one that is not complete is not there yet."""
    rows = [form.instance for form in formset.forms if _stays(formset, form)]
    if formset.model is TemplateImage:
        rows = sorted(filter(_hashed, rows), key=lambda image: (image.role, image.language, image.scale))
    elif formset.model is TemplateField:
        rows.sort(key=lambda field: field.position)
    return _name(formset), rows


def _name(formset: Any) -> str:
    return str(formset.fk.remote_field.related_name)


def _stays(formset: Any, form: Any) -> bool:
    if formset.can_delete and formset._should_delete_form(form):
        return False
    return bool(form.instance.pk) or (form.has_changed() and form.is_valid())


def _hashed(image: TemplateImage) -> bool:
    try:
        image.sha1 = inspect_png(bytes(image.data)).sha1
    except ImageError:
        return False
    return True
