"""What a template's change does to a pass, as words: nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from passes.content import ContentError, render
from passes.design import design_of
from passes.models import PassTemplate, WalletPass
from passes.refresh import values_of
from passes.words import words
from portal.sentences import told

SAMPLES = 3
LOOKED_AT = 50


@dataclass(frozen=True)
class Change:
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Sample:
    customer: str
    changes: list[Change]
    error: str = ""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What the owner of the phone will see change: fields first, then the design."""
    old = {field["key"]: _readable(field) for field in before.get("fields", [])}
    new = {field["key"]: _readable(field) for field in after.get("fields", [])}
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key, {}), new.get(key, {})
        name = str(now.get("label") or was.get("label") or key)
        if not (was and now):  # of a field that comes or goes, what it says is enough
            found.append(Change(name, str(was.get("value", "")), str(now.get("value", ""))))
            continue
        found += [
            Change(title, str(was.get(part, "")), str(now.get(part, "")))
            for part, title in (("value", name), ("label", _("Label of %(key)s") % {"key": key}),
                                ("place", _("Place of %(name)s") % {"name": name}),
                                ("change_message", _("Lock screen for %(name)s") % {"name": name}))
            if was.get(part, "") != now.get(part, "")
        ]  # fmt: skip
    for part, title in (("logo_text", _("Logo text")), ("organization_name", _("Organisation")),
                        ("description", _("Description"))):  # fmt: skip
        if before.get(part, "") != after.get(part, ""):
            found.append(Change(title, str(before.get(part, "")), str(after.get(part, ""))))
    for part, title in (("colours", _("Colours")), ("images", _("Images")), ("texts", _("Translations")),
                        ("barcode", _("Barcode")), ("kind", _("Kind"))):  # fmt: skip
        if before.get(part) != after.get(part):
            found.append(Change(title, "", _("changed")))
    return found


def _readable(field: Mapping[str, Any]) -> dict[str, Any]:
    return {**field, "value": words(field)}


def samples(template: PassTemplate) -> list[Sample]:
    """Up to three passes that will change, among the newest ones."""
    found: list[Sample] = []
    design = design_of(template)
    passes: list[WalletPass] = list(
        template.passes.filter(tenant_id=template.tenant_id).select_related("customer").order_by("-pk")[:LOOKED_AT]
    )
    for one in passes:
        try:
            content = render(design, values_of(one), voided=one.voided)
        except ContentError as error:
            found.append(Sample(str(one.customer), [], told(error.sentence)))
        else:
            if content.hash != one.content_hash:
                found.append(Sample(str(one.customer), differences(one.content, content.data)))
        if len(found) == SAMPLES:
            break
    return found
