"""Passes: who has one, on how many phones, what it shows, and voiding it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display
from unfold.enums import ActionVariant

from passes.admin.filters import IsVoid, WhichTemplate
from passes.admin.moving import Moving
from passes.admin.preview import card
from passes.answering import seen
from passes.content import ContentError
from passes.google.meter import told_lately
from passes.happenings import subject_of
from passes.links import link, link_to_all
from passes.models import Device, GoogleObject, WalletPass, phones_count
from passes.notices import shown
from passes.pages import valid_passes
from passes.voiding import void
from passes.words import words
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip
from portal.admin.customers import events_about
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Link, extensions
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows, lowered
from portal.admin.site import site
from portal.models import Customer
from portal.sentences import Sentence, say, told
from portal.tenancy import Action


def state_of(wallet_pass: WalletPass, phones: int) -> tuple[str, str]:
    """Tone and words."""
    if wallet_pass.voided:
        return "bad", str(_("Void"))
    if phones:
        return "good", ngettext("On %(n)d phone", "On %(n)d phones", phones) % {"n": phones}
    return "quiet", str(_("Not added yet"))


def _voided_by(who: str, wallet_pass: WalletPass) -> Sentence:
    return say("%(who)s voided “%(template)s” of %(customer)s.", who=who, template=wallet_pass.template,
               customer=wallet_pass.customer)  # fmt: skip


@admin.register(WalletPass, site=site)
class WalletPassAdmin(Moving, ManyRows, PageAdmin, TenantAdmin):
    list_display = ("customer_key", "template", "state", "changed_at", "fetched")
    list_select_related = ("template", "customer")
    list_filter = (WhichTemplate, IsVoid)
    search_fields = ("customer__lowered_key",)
    search_path = "customer_id"
    search_help_text = _("The beginning of a customer's key, for example anna@")
    change_form_template = "admin/passes/pass.html"
    actions_detail = ("move", "void")
    empty_sentence = _("Passes are made from templates, each of which says when and for whom.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(phones=phones_count()).defer("content")

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return Customer.objects.filter(lowered_key__startswith=lowered(term))

    @display(description=_("Customer"))
    def customer_key(self, wallet_pass: WalletPass) -> str:
        return str(wallet_pass.customer)

    @display(description=_("State"))
    def state(self, wallet_pass: WalletPass) -> str:
        return chip(*state_of(wallet_pass, wallet_pass.phones))

    @display(description=_("Fetched"), empty_value=_("Not yet"))
    def fetched(self, wallet_pass: WalletPass) -> Any:
        return wallet_pass.fetched_at

    def page_context(self, request: HttpRequest, wallet_pass: WalletPass) -> dict[str, Any]:
        phones = seen(wallet_pass)
        subjects = [subject_of(wallet_pass.pk), f"customer.changed/passes:customer:{wallet_pass.customer_id}"]
        subjects += [f"device:{each.phone.pk}" for each in phones]
        google = GoogleObject.objects.filter(wallet_pass=wallet_pass).select_related("issuer").first()
        subjects += [google.subject] if google else []
        installed = int(bool(google and google.installed))
        return {
            "card": card(wallet_pass.template, wallet_pass.content),
            "fields": [{**field, "value": words(field)} for field in wallet_pass.content.get("fields", [])],
            "own_values": sorted(wallet_pass.values.items()),
            "phones": phones,
            "google": google,
            "notified": told_lately(google) if google else 0,
            "any_unheard": any(each.unheard for each in phones),
            "notices": shown(wallet_pass),
            **self._links(request, wallet_pass),
            "state": chip(*state_of(wallet_pass, len(phones) + installed)),
            "events": events_about(wallet_pass.tenant_id, subjects),
        }

    def _links(self, request: HttpRequest, wallet_pass: WalletPass) -> dict[str, str]:
        if not self._may_hand_out(request, wallet_pass):
            return {}
        several = len(valid_passes(wallet_pass)) > 1
        return {"page_url": link(wallet_pass), "all_url": link_to_all(wallet_pass) if several else ""}

    def _may_hand_out(self, request: HttpRequest, wallet_pass: WalletPass) -> bool:
        """The public page gives its visitor the pass itself, and with it the token that phones read it with."""
        return any(self.permits(request, action, wallet_pass) for action in (Action.OPERATE, Action.CONFIGURE))

    @dialog(
        label=_("Void the pass"), needs=Action.OPERATE, title=_("Void this pass?"), icon="block",
        description=_("The phones that hold it show it as no longer valid. Its owner may keep or remove it."),
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def void(self, request: HttpRequest, form: DialogForm, wallet_pass: WalletPass) -> HttpResponse:
        url = self.change_url(wallet_pass)
        try:
            with transaction.atomic():
                locked = WalletPass.objects.select_for_update(of=("self",)).get(pk=wallet_pass.pk)
                if not locked.voided:
                    void(locked, _voided_by(request.user.get_username(), locked))
                    self.log_change(request, wallet_pass, gettext_noop("Voided."))
        except ContentError as error:
            return finished(request, url, told(error.sentence), messages.ERROR)
        return finished(request, url, _("The pass is void."))

    def change_url(self, wallet_pass: WalletPass) -> str:
        return reverse("admin:passes_walletpass_change", args=[wallet_pass.pk])

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        wallet_pass = self.get_object(request, object_id)
        return super().get_actions_detail(request, object_id) if wallet_pass and not wallet_pass.voided else []


extensions.links["pass"] = Link(
    "pass", _("Pass"), WalletPass, "admin:passes_walletpass_change",
    person=lambda wallet_pass: str(wallet_pass.customer), joined=("template", "customer"),
)  # fmt: skip
extensions.links["google"] = Link("google", _("Card in Google Wallet"), GoogleObject, "")
extensions.links["device"] = Link("device", _("Phone"), Device, "")
navigation.add(WalletPass, _("Passes"), icon="wallet", group=navigation.DAILY, position=20)
