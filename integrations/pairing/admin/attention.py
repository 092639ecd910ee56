"""What needs a person: on Home, and on the page of the customer whom it is about."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from integrations.pairing import drift
from integrations.pairing.admin.reviews import about, open_reviews_url
from integrations.pairing.models import ConsentReview, PairedPerson, Pairing
from portal.admin.extend import Panel, extensions
from portal.admin.home import register_panel
from portal.admin.rights import allowed_tenants
from portal.models import Customer
from portal.tenancy import Action
from portal.watch.words import counted

COUNTED, SHOWN, PAIRINGS_LOOKED_AT = 1_000, 6, 100


def on_home(request: HttpRequest) -> Panel | None:
    """Consents that wait for an answer, subscriptions that nobody has decided about; none while there are none."""
    tenants = allowed_tenants(request, Action.VIEW)
    waiting = ConsentReview.objects.for_tenants(tenants).filter(answered_at=None)[: COUNTED + 1].count()
    on = Pairing.objects.for_tenants(tenants).filter(on_since__isnull=False).prefetch_related("mappings")
    new = [(each, names[:SHOWN]) for each in on[:PAIRINGS_LOOKED_AT] if (names := drift.new_subscriptions(each))]
    if not waiting and not new:
        return None
    context = {
        "waiting": waiting, "waiting_shown": counted(waiting, COUNTED), "url": open_reviews_url(), "new": new[:SHOWN],
    }  # fmt: skip
    return Panel(_("Consents"), "admin/pairing/home.html", context, 4)


def on_customer(request: HttpRequest, customer: Customer) -> Panel | None:
    """Open questions about the person, and whether their consents wait for the answer."""
    found = ConsentReview.objects.filter(customer=customer, answered_at=None).select_related("pairing", "customer")
    asked = [(each, about(each)) for each in found.prefetch_related("pairing__mappings")[:SHOWN]]
    held = PairedPerson.objects.filter(customer=customer, paused_at__isnull=False).select_related("pairing")
    said = _t("Changes of this person's consents wait in “%(pairing)s”, for they went to and fro.")
    paused = [said % {"pairing": each.pairing} for each in held]
    if not asked and not paused:
        return None
    return Panel(_("Consents to review"), "admin/pairing/customer.html", {"asked": asked, "paused": paused}, 3)


register_panel(on_home)
extensions.customer_panels.append(on_customer)
