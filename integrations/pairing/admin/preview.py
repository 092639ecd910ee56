"""Beside the lines of a pairing: what they make of an event that came, or of one that somebody pastes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t

from integrations.pairing.admin.lines import LineFormSet, LineInline, found_in, line_of, stored_lines
from integrations.pairing.findings import SUBSCRIPTION, Finding, Severity, Written
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import Choice, Received, Told, consent_side_of, is_known, profile_side_of
from integrations.pairing.samples import metadata_of, says
from portal.sentences import Sentence, told
from portal.templatetags.portal_admin import plain
from portal.tenancy import Action

OFFERED = 20
TEXT_MOST = 100_000
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Shown:
    """A line on the page: what the event says, and what would happen."""

    path: str
    target: str
    value: str
    happens: str
    problem: bool


class SamplePreview:
    """For the pairing's admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("<path:object_id>/preview/", view, name="integrations_pairing_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the lines of the posted form make of a sample, and what is wrong with them. Nothing is stored."""
        pairing = self.scoped_object(request, object_id, Action.CONFIGURE)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        pairing.enable_webhooks = "enable_webhooks" in request.POST
        pairing.all_metadata = "all_metadata" in request.POST
        formset = LineInline(Pairing, self.admin_site).get_formset(request, pairing)(
            request.POST, instance=pairing, prefix="mappings"
        )
        formset.is_valid()
        event, problem = _sample(request, pairing)
        lines = [line_of(form) for form in formset.kept_forms()]
        context = {
            "findings": shown_findings([*_refused(formset, pairing), *found_in(lines, pairing)], lines),
            "sentence": problem,
            "nothing": event is not None and not lines,
            **(_shown_of(event, lines, pairing) if event else {}),
        }
        return render(request, "admin/pairing/preview.html", context)


def _sample(request: HttpRequest, pairing: Pairing) -> tuple[Told | None, str]:
    """The event to try, or the sentence of why there is none."""
    if not is_known(pairing.consents):
        return None, ""
    side, pasted = consent_side_of(pairing.consents), request.POST.get("sample_text", "").strip()
    if len(pasted) > TEXT_MOST:
        return None, _t("This is too long for an event.")
    if pasted:
        found = side.sample(pairing.consents, pasted)
        return (None, told(found)) if isinstance(found, Sentence) else (found, "")
    chosen = request.POST.get("sample_event", "")
    for each in side.received(pairing.tenant_id, pairing.consents, OFFERED) if chosen else []:
        if str(each.event_id) == chosen:
            return each.told, told(each.skipped)
    return None, ""


def _shown_of(event: Told, lines: Iterable[Written], pairing: Pairing) -> dict[str, Any]:
    shown = [_shown(event, line) for line in lines if line.path]
    written, unknown = metadata_of(event, profile_side_of(pairing.profiles).table(pairing.profiles))
    return {
        "event": event, "shown": shown,
        "written": written[:NAMES_SHOWN] if pairing.all_metadata else [],
        "unknown": unknown[:NAMES_SHOWN] if pairing.all_metadata else [],
    }  # fmt: skip


def _shown(event: Told, line: Written) -> Shown:
    found = says(event, line)
    return Shown(line.path, line.target, plain(found.value), told(found.happens), found.problem)


def _refused(formset: LineFormSet, pairing: Pairing) -> list[Finding]:
    """What the fields of the lines say by themselves, such as a customer value that is no name."""
    own = {(finding.line, finding.sentence) for finding in found_in(formset.lines(), pairing)}
    return [
        Finding(form.prefix, "target" if name == "__all__" else name, str(said))
        for form in formset.kept_forms() for name, errors in form.errors.items() for said in errors
        if (form.prefix, str(said)) not in own
    ]  # fmt: skip


def shown_findings(found: Iterable[Finding], lines: list[Written]) -> list[dict[str, Any]]:
    names = {line.key: line.target or line.path or _t("New line") for line in lines}
    return [
        {
            "error": finding.severity == Severity.ERROR,
            "name": names.get(finding.line, ""),
            "field": f"id_{finding.line}-{finding.field}",
            "sentence": finding.sentence,
        }
        for finding in found
    ]


def preview_of(pairing: Pairing) -> dict[str, Any]:
    """What stands beside the form when the page opens, and the names that its lines are chosen from."""
    lines = stored_lines(pairing)
    known = is_known(pairing.consents)
    side = consent_side_of(pairing.consents) if known else None
    received = side.received(pairing.tenant_id, pairing.consents, OFFERED) if side else []
    return {
        "url": reverse("admin:integrations_pairing_preview", args=[pairing.pk]),
        "findings": shown_findings(found_in(lines, pairing), lines),
        "samples": [_offered(each) for each in received],
        "names": [*_targets(pairing), ("paths", side.paths(pairing.consents) if side else [])],
    }


def _offered(received: Received) -> dict[str, Any]:
    key = received.told.key if received.told else ""
    return {"id": received.event_id, "at": received.created_at, "key": key, "skipped": told(received.skipped)}


def _targets(pairing: Pairing) -> list[tuple[str, list[Choice]]]:
    if not is_known(pairing.profiles):
        return []
    table = profile_side_of(pairing.profiles).table(pairing.profiles)
    attributes = [each.name for each in table.attributes or []]
    return [
        (SUBSCRIPTION, [Choice(name, name) for name in table.subscriptions or []]),
        (ConsentMapping.Part.ATTRIBUTE.value, [Choice(name, name) for name in attributes]),
    ]
