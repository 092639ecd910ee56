"""What a comparison found, as a page and as a file: people counted by subscription, and a few of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from integrations.pairing import comparing, report, switching
from integrations.pairing.lines import lines_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.registry import title_of
from integrations.pairing.report import ONE_SIDE, OURS, SAME, SAMPLES, THEIRS, Found
from portal import history
from portal.admin.export import ROWS_LIMIT, Cell, file_of
from portal.admin.progress import standing
from portal.jobs import tally
from portal.models import Change
from portal.sentences import read, told
from portal.tenancy import Action
from portal.watch.words import spaced

DIFFERENCES = "differences"
EXPORTED = gettext_noop("Exported what a comparison found.")
_TITLES = {
    SAME: _("Same in both"),
    OURS: _("Didomi yes, Actito no"),
    THEIRS: _("Didomi no, Actito yes"),
    ONE_SIDE: _("Known in one only"),
}


def comparison_url(pairing: Pairing) -> str:
    return reverse("admin:integrations_pairing_comparison", args=[pairing.pk])


@dataclass(frozen=True)
class Group:
    """People of one subscription of whom both systems say the like. `detail`: what a side says, where one knows."""

    title: Any
    count: int
    shown: str
    detail: str
    people: list[PairedPerson]


@dataclass(frozen=True)
class Shown:
    target: str
    path: str
    groups: list[Group]

    @property
    def samples(self) -> list[Group]:
        return [group for group in self.groups if group.people]


def shown_of(pairing: Pairing, found: Found) -> Shown:
    return Shown(found.line.target, found.line.path, [_group(pairing, found, name) for name in _TITLES])


def _group(pairing: Pairing, found: Found, name: str) -> Group:
    count = found.of(name)
    people = report.people_of(pairing, found.line, name)[:SAMPLES] if count and name != SAME else []
    detail = _detail(found) if name == ONE_SIDE else ""
    return Group(_TITLES[name], count, spaced(count), detail, list(people))


def _detail(found: Found) -> str:
    """“Didomi yes 3 · Actito no 40”."""
    words = {(True, None): _t("Didomi yes"), (False, None): _t("Didomi no"), (None, True): _t("Actito yes"),
             (None, False): _t("Actito no")}  # fmt: skip
    return " · ".join(f"{words[pair]} {spaced(number)}" for pair in words if (number := found.counts[pair]))


class ComparisonPage:
    """Of the pairing's admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:object_id>/comparison/", view(self.comparison), name="integrations_pairing_comparison"),
            path("<int:object_id>/comparison.csv", view(self.comparison_file),
                 name="integrations_pairing_comparison_file"),
            *super().get_urls(),
        ]  # fmt: skip

    def comparison(self, request: HttpRequest, object_id: int) -> HttpResponse:
        pairing: Pairing = self.scoped_object(request, str(object_id))
        job = comparing.newest(pairing)
        shown = standing(job, tally(job)) if job and pairing.compared_since else None
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": "", "title": _t("Comparison"),
            "row": pairing, "page_url": self.change_url(pairing), "standing": shown,
            "problem": told(switching.unfinished(pairing)) if pairing.phase == Pairing.Phase.COMPARING else "",
            **(self._found(pairing) if shown else {}), "may_export": self.permits(request, Action.EXPORT, pairing),
            "has_view_permission": True, "is_popup": False, "media": self.media,
        }  # fmt: skip
        return TemplateResponse(request, "admin/pairing/comparison.html", context)

    def _found(self, pairing: Pairing) -> dict[str, Any]:
        people = report.compared(pairing)
        return {
            "lines": [shown_of(pairing, each) for each in report.found(pairing)],
            "both": spaced(people.count()),
            "differing": spaced(people.filter(differs=True).count()),
            "missing": [(title_of(each.side) or "–", told(each.reason), spaced(each.count), each.samples)
                        for each in report.missing(pairing)],
            "file_url": reverse("admin:integrations_pairing_comparison_file", args=[pairing.pk]),
        }  # fmt: skip

    def comparison_file(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Everybody, or with `?only=differences` those in whom the systems differ. It holds personal data."""
        pairing: Pairing = self.scoped_object(request, str(object_id))
        if request.method != "GET" or not self.permits(request, Action.EXPORT, pairing):
            raise PermissionDenied
        people = report.everybody(pairing).select_related("customer").order_by("pk")
        if request.GET.get("only") == DIFFERENCES:
            people = people.filter(differs=True)
        history.record(pairing, by=request.user, kind=Change.Kind.DONE, sentence=EXPORTED)
        return file_of("comparison", cells_of(pairing), _limited(people))


def _limited(people: QuerySet[PairedPerson]) -> QuerySet[PairedPerson]:
    return people[:ROWS_LIMIT]


def cells_of(pairing: Pairing) -> list[Cell]:
    """The customer's key, what each system says of each subscription, and why one could not be read."""
    cells: list[Cell] = [(_t("Customer"), lambda each: each.customer.key)]
    for line in lines_of(pairing):
        for source, title in ((pairing.consents, "Didomi"), (pairing.profiles, "Actito")):
            cells.append((f"{line.target} · {title}", _state(source, line.name)))
    cells.append((_t("Differs"), lambda each: _t("yes") if each.differs else _t("no")))
    cells.append((_t("Not read"), lambda each: " ".join(told(read(why)) for why in each.unread.values())))
    return cells


def _state(source: str, name: str) -> Any:
    words = {True: _t("yes"), False: _t("no"), None: ""}
    return lambda each: words[each.compared.get(source, {}).get(name)]
