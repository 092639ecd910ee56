"""What passes add to the home page."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from passes.answering import unheard
from passes.models import Registration, WalletPass, in_google
from portal.admin.extend import Figure, FirstStep, extensions
from portal.admin.home import count_text, register_figures
from portal.admin.rights import allowed_tenants
from portal.tenancy import Action
from portal.watch.words import counted

MOST = 10_000


def figures(request: HttpRequest) -> Iterable[Figure]:
    tenants = allowed_tenants(request, Action.VIEW)
    phones = count_text(Registration.objects.filter(device__tenant_id__in=tenants))
    passes = count_text(WalletPass.objects.filter(tenant_id__in=tenants))
    note = _("%(phones)s on iPhones") % {"phones": phones}
    if in_google_wallet := in_google().filter(tenant_id__in=tenants).order_by()[: MOST + 1].count():
        told = _("%(shown)s in Google Wallet") % {"shown": counted(in_google_wallet, MOST)}
        note = f"{note} · {told}"
    if silent := unheard().filter(tenant__in=tenants).order_by()[: MOST + 1].count():
        told = ngettext(
            "%(shown)s phone has not come after a push", "%(shown)s phones have not come after a push", silent
        )
        note = f"{note} · {told % {'shown': counted(silent, MOST)}}"
    return [Figure(_("Passes"), passes, reverse("admin:passes_walletpass_changelist"), note, position=20)]


register_figures(figures)
extensions.first_steps += [
    FirstStep(
        20, _("Add your Apple certificate"), _("It signs the passes that go to iPhones."),
        "admin:passes_certificaterequest_changelist", Action.CONNECT,
    ),
    FirstStep(
        30, _("Design a template"), _("Colours, fields and images of the pass."),
        "admin:passes_passtemplate_begin", Action.CONFIGURE,
    ),
]  # fmt: skip
