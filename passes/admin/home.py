"""What passes add to the home page."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from passes.answering import unheard
from passes.counted import ROWS
from passes.models import AppleCredentials, GoogleIssuer, PassTemplate
from portal.admin.extend import Figure, FirstStep, extensions
from portal.admin.home import count_text, month_of, register_figures
from portal.admin.rights import allowed_tenants
from portal.tenancy import Action
from portal.watch.words import counted, spaced

MOST = 10_000


def figures(request: HttpRequest) -> Iterable[Figure]:
    """The passes, and what became of them."""
    tenants, found = allowed_tenants(request, Action.VIEW), month_of(request)
    many = {name: count_text(rows(tenants), found.stocks[name]) for name, rows in ROWS.items()}
    passes, events = reverse("admin:passes_walletpass_changelist"), reverse("admin:portal_event_changelist")
    parts = (
        (_("On iPhones"), many["on_iphones"], f"{events}?kind=pass.installed"),
        (_("In Google Wallet"), many["in_google"], f"{events}?kind=pass.installed"),
        (_("Removed, 30 days"), spaced(sum(n or 0 for n in found.of("removed"))), f"{events}?kind=pass.removed"),
        (_("Void"), many["void"], f"{passes}?void=yes"),
    )
    return [Figure(_("Passes made"), many["passes"], passes, _silent(tenants), position=20, parts=parts)]


def _silent(tenants: Iterable[int]) -> str:
    silent = unheard().filter(tenant__in=tenants).order_by()[: MOST + 1].count()
    if not silent:
        return ""
    told = ngettext("%(shown)s phone has not come after a push", "%(shown)s phones have not come after a push", silent)
    return told % {"shown": counted(silent, MOST)}


def _certified(tenants: Collection[int]) -> bool:
    return any(model.objects.for_tenants(tenants).exists() for model in (AppleCredentials, GoogleIssuer))


def _designed(tenants: Collection[int]) -> bool:
    return bool(PassTemplate.objects.for_tenants(tenants).exists())


register_figures(figures)
extensions.first_steps += [
    FirstStep(
        30, _("Add your certificate"),
        _("Apple's signs the passes for iPhones, Google's issuer those for Android. The sandbox has both to try with."),
        _("Add a certificate"), "admin:passes_certificaterequest_changelist", Action.CONNECT, _certified,
    ),
    FirstStep(
        40, _("Design a template"), _("Colours, fields and images of the pass."),
        _("Design"), "admin:passes_passtemplate_begin", Action.CONFIGURE, _designed,
    ),
]  # fmt: skip
