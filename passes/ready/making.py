"""Makes a template of a ready design: to look at, and as a draft that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from passes.images import inspect_png
from passes.models import (
    AppleCredentials,
    GoogleIssuer,
    PassTemplate,
    TemplateField,
    TemplateImage,
    TemplateMoment,
    TemplateText,
)
from passes.models.parts import TemplateChild
from passes.ready.design import Line, Ready
from passes.ready.pictures import pictures
from portal.models import Tenant

Row = TypeVar("Row")
SEEN_BY_ITS_PARTS = -1  # a template without a key has no parts to ask for


def looked_at(ready: Ready, tenant: Tenant, *, language: str, today: date) -> PassTemplate:
    """A template that is not stored, whose parts can be read as if it were. Its pictures are small."""
    template = PassTemplate(pk=SEEN_BY_ITS_PARTS, **_options(ready, tenant, language, today))
    parts = {
        "fields": _fields(ready, language),
        "texts": _texts(ready, language),
        "images": _images(ready, small=True),
        "moments": _moments(ready),
        **dict.fromkeys(("locations", "beacons", "actions", "conditions"), ()),
    }
    template._prefetched_objects_cache = {name: list(rows) for name, rows in parts.items()}  # type: ignore[attr-defined]
    return template


def start_from(ready: Ready, tenant: Tenant, *, name: str, language: str, today: date) -> PassTemplate:
    """The stored draft. It takes the tenant's certificate and issuer where there is no choice between several."""
    options = _options(ready, tenant, language, today)
    apple = _only(list(AppleCredentials.objects.for_tenant(tenant)[:2]))
    google = _only(list(GoogleIssuer.objects.for_tenant(tenant)[:2]))
    parts = [*_fields(ready, language), *_texts(ready, language), *_images(ready), *_moments(ready)]
    with transaction.atomic():
        template = PassTemplate.objects.create(**{**options, "name": name, "apple": apple, "google": google})
        for part in parts:
            part.template = template  # type: ignore[attr-defined]  # of each child its own
            part.save()
    return template


def _only(rows: list[Row]) -> Row | None:
    return rows[0] if len(rows) == 1 else None


def spoken(text: str, language: str) -> str:
    """gettext("") is the head of the catalogue."""
    with translation.override(language):
        return gettext(text) if text else ""


def _options(ready: Ready, tenant: Tenant, language: str, today: date) -> dict[str, Any]:
    barcode_format, message = ready.barcode
    return {
        "tenant": tenant,
        "name": spoken(ready.name, language),
        "kind": ready.kind,
        "organization_name": tenant.name[:100],
        "description": spoken(ready.description, language),
        "logo_text": tenant.name[:50],
        "background_colour": ready.look.background,
        "text_colour": ready.look.text,
        "label_colour": ready.look.label,
        "barcode_format": barcode_format,
        "barcode_message": message,
        "barcode_text": message,
        "language": language,
        "expires": ready.expires,
        "sample_values": _samples(ready, language, today),
    }


def _samples(ready: Ready, language: str, today: date) -> dict[str, Any]:
    samples = ready.samples(today)
    return {name: spoken(value, language) if isinstance(value, str) else value for name, value in samples.items()}


def _fields(ready: Ready, language: str) -> Iterator[TemplateField]:
    for position, line in enumerate(ready.lines):
        said = {name: spoken(text, language) for name, text in _said(line).items()}
        yield TemplateField(position=position, place=line.place, key=line.key, **said, **line.options)


def _said(line: Line) -> dict[str, str]:
    """Expressions stand in no catalogue, and stay as they are."""
    return {"label": line.label, "expression": line.value, "change_message": line.change_message}


def _texts(ready: Ready, language: str) -> Iterator[TemplateText]:
    """Each text in the other languages, where they say it differently."""
    said = [ready.description, *(text for line in ready.lines for text in _said(line).values())]
    for code in [code for code, _name in settings.LANGUAGES if code != language]:
        others = {spoken(text, language): spoken(text, code) for text in said}
        for own, other in others.items():
            if own != other:
                yield TemplateText(language=code, text=own, translation=other)


def _images(ready: Ready, *, small: bool = False) -> Iterator[TemplateImage]:
    for (role, scale), data in pictures(ready.look, small=small).items():
        yield TemplateImage(role=role, scale=scale, data=data, sha1=inspect_png(data).sha1)


def _moments(ready: Ready) -> Iterator[TemplateChild]:
    if ready.moment:
        starts, ends = ready.moment
        yield TemplateMoment(starts=starts, ends=ends)
