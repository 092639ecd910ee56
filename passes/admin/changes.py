"""What a template's change does to a pass, as words: nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    keys = [*new, *(key for key in old if key not in new)]
    found = [change for key in keys for change in _of_field(key, old.get(key, {}), new.get(key, {}))]
    return [*found, *_of_design(before, after)]


def _of_field(key: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    name = str(now.get("label") or was.get("label") or key)
    if not (was and now):  # of a field that comes or goes, what it says is enough
        yield Change(name, str(was.get("value", "")), str(now.get("value", "")))
        return
    titles = {
        "value": name,
        "label": _("Label of %(key)s") % {"key": key},
        "place": _("Place of %(name)s") % {"name": name},
        "change_message": _("Lock screen for %(name)s") % {"name": name},
    }
    for part, title in titles.items():
        if was.get(part, "") != now.get(part, ""):
            yield Change(title, str(was.get(part, "")), str(now.get(part, "")))
    options = (set(was) | set(now)) - set(titles)
    if any(was.get(part) != now.get(part) for part in options):
        yield Change(_("Format of %(name)s") % {"name": name}, "", _("changed"))


def _of_design(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    texts = {
        "logo_text": _("Logo text"),
        "organization_name": _("Organisation"),
        "description": _("Description"),
        "expires": _("Valid until"),
        "grouping": _("Group"),
    }
    for part, title in texts.items():
        if before.get(part, "") != after.get(part, ""):
            yield Change(title, str(before.get(part, "")), str(after.get(part, "")))
    parts = {
        "colours": _("Colours"), "images": _("Images"), "texts": _("Translations"), "barcode": _("Barcode"),
        "kind": _("Kind"), "style": _("Layout"), "poster": _("Poster"), "moments": _("Times at which it appears"),
        "locations": _("Places near which it appears"), "beacons": _("Beacons near which it appears"),
        "max_distance": _("Distance to a place"), "actions": _("Buttons on the pass"), "nfc": _("NFC message"),
        "stores": _("Apps"), "app_link": _("Link into the app"), "sharing_prohibited": _("Share button"),
        "apple": _("Additions to pass.json"),
    }  # fmt: skip
    for part, title in parts.items():
        if before.get(part) != after.get(part):
            yield Change(title, "", _("changed"))


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
