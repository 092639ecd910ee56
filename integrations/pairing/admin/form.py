"""The form of a pairing: two connections of one tenant, and what happens between them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import product
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.pairing.models import Pairing
from integrations.pairing.registry import Choice, consent_choices, profile_choices
from portal.admin.forms import TenantForm

OFFERS: dict[str, Callable[[Collection[int]], list[Choice]]] = {
    "consents": consent_choices, "profiles": profile_choices,
}  # fmt: skip
LACKING = {
    "consents": _("There is no connection yet that collects consents: connect Didomi first."),
    "profiles": _("There is no connection yet that has subscriptions: connect Actito first."),
}


class PairingForm(TenantForm):
    offered_to: Collection[int] = ()  # the tenants whose connections there are to choose from

    consents = forms.ChoiceField(label=_("Consents from"), widget=UnfoldAdminSelectWidget,
                                 help_text=_("The connection where people say what they consent to."))  # fmt: skip
    profiles = forms.ChoiceField(label=_("Subscriptions in"), widget=UnfoldAdminSelectWidget,
                                 help_text=_("The connection whose subscriptions follow."))  # fmt: skip

    class Meta:
        model = Pairing
        fields = ("name", "consents", "profiles", "upsert_mode", "all_metadata", "enable_webhooks")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: int | None = self.instance.tenant_id
        for name, offer in OFFERS.items():
            if name in self.fields:
                found = [(each.value, each.title) for each in offer([own] if own else self.offered_to)]
                self.fields[name].choices = [("", _("Choose") if found else _("There is none yet")), *found]
                if not found:
                    self.fields[name].help_text = LACKING[name]
        if own and self.instance.pk is None:
            self.initial = {**_unpaired(own), **self.initial}

    def clean(self) -> dict[str, Any]:
        """Whoever sees several tenants is offered all their connections: both must be of the pairing's own."""
        cleaned = super().clean()
        tenant = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        for name, offer in OFFERS.items():
            chosen = cleaned.get(name)
            if chosen and tenant and chosen not in {each.value for each in offer([tenant])}:
                self.add_error(name, _t("Choose one from your own list."))
        return cleaned


def _unpaired(tenant: int) -> dict[str, str]:
    """The first two connections that nobody has paired yet, to be proposed."""
    paired = set(Pairing.objects.for_tenant(tenant).values_list("consents", "profiles"))
    both = product(*(offer([tenant]) for offer in OFFERS.values()))
    free = (pair for each in both if (pair := tuple(one.value for one in each)) not in paired)
    return dict(zip(OFFERS, next(free, ()), strict=False))
