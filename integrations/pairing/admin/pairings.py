"""Pairings in the admin: their connections, settings and lines, tried before they are switched on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from integrations.pairing import drift, relining
from integrations.pairing.admin.activation import ActivationDialogs
from integrations.pairing.admin.comparison import comparison_url
from integrations.pairing.admin.form import PairingForm
from integrations.pairing.admin.lines import LineInline
from integrations.pairing.admin.phases import PhaseDialogs, kept_of, state_chip
from integrations.pairing.admin.preview import SamplePreview, preview_of
from integrations.pairing.admin.rehearsal import TrialDialog
from integrations.pairing.admin.reviews import open_reviews_url
from integrations.pairing.admin.taking import LineDialogs, offer_of
from integrations.pairing.lines import lines_of
from integrations.pairing.models import ConsentReview, PairedPerson, Pairing
from integrations.pairing.registry import is_known, profile_side_of, side_of, title_of
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.extend import Link, extensions
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.tenancy import Action

CONNECTIONS = {"consents": "consents_from", "profiles": "profiles_in"}


@admin.register(Pairing, site=site)
class PairingAdmin(SamplePreview, ActivationDialogs, PhaseDialogs, LineDialogs, TrialDialog, TenantAdmin):
    """Owners choose the connections; marketers map, try and pause."""

    change_action = Action.CONFIGURE
    add_action = delete_action = Action.CONNECT
    form = PairingForm
    field_actions = dict.fromkeys(CONNECTIONS, Action.CONNECT)
    list_display = ("name", "state", "consents_from", "profiles_in", "lines_count", "reviews_count")
    list_display_links = ("name",)
    sortable_by = ()
    inlines = (LineInline,)
    change_form_template = "admin/pairing/pairing.html"
    actions_detail: tuple[Any, ...] = (
        *ActivationDialogs.activation_dialogs, "try_out", "pause", "resume", "replay_kept", "add_line", "leave_it",
        "take_over",
    )  # fmt: skip
    readonly_fields = ("consents_from", "profiles_in", "people_of", "emailing")
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("Which systems"), {"fields": [("consents", "profiles")]}),
        (_("Settings"), {"fields": ["upsert_mode", "all_metadata", "enable_webhooks"]}),
    )
    empty_sentence = _("A pairing brings consents of Didomi to subscriptions in Actito, and back: choose two "
                       "connections, then say which consent is for which subscription.")  # fmt: skip

    def change_url(self, pairing: Pairing) -> str:
        return reverse("admin:integrations_pairing_change", args=[pairing.pk])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        waiting = ConsentReview.objects.filter(pairing=OuterRef("pk"), answered_at=None).order_by().values("pairing")
        count = Subquery(waiting.annotate(number=Count("pk")).values("number"))
        return super().get_queryset(request).annotate(waiting=count).prefetch_related("mappings")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        action = self.add_action if obj is None else self.change_action
        readonly = self.get_readonly_fields(request, obj)
        own = {"offered_to": allowed_tenants(request, action), "__module__": __name__}
        form = type("PairingForm", (PairingForm,), {**own, **dict.fromkeys(set(CONNECTIONS) & {*readonly})})
        return super().get_form(request, obj, change=change, **{"form": form, **kwargs})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Once it was on, what stands about people belongs to these two connections."""
        fields = super().get_readonly_fields(request, obj)
        fixed = obj is not None and obj.phase != Pairing.Phase.DRAFT
        return [*fields, *(name for name in CONNECTIONS if fixed and name not in fields)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What cannot be chosen is named, with a link."""
        shown = [(title, {**options}) for title, options in super().get_fieldsets(request, obj)]
        if obj is None:
            return shown
        fixed = set(self.get_readonly_fields(request, obj)) | (
            set() if self.has_change_permission(request, obj) else set(CONNECTIONS)
        )
        names = tuple(CONNECTIONS[name] if name in fixed else name for name in CONNECTIONS)
        shown[1][1]["fields"] = [names, "people_of"]
        shown[2][1]["fields"] = [*shown[2][1]["fields"], "emailing"]
        return shown

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Lines are chosen from what both connections have, so these are chosen first."""
        return super().get_inline_instances(request, obj) if obj is not None else []

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = lines_of(form.instance) if change else []
        super().save_related(request, form, formsets, change)
        relining.forget_changed(Pairing.objects.get(pk=form.instance.pk), before)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Stays on its page, where lines are added."""
        posted = request.POST.copy()
        posted["_continue"] = "1"
        request.POST = posted
        return super().response_add(request, obj, post_url_continue)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        pairing = self.get_object(request, object_id)
        context = {"card": card_of(pairing), "pairing": pairing} if pairing else {}
        if pairing and self.has_change_permission(request, pairing):
            context["preview"] = preview_of(pairing)
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What stands about people goes with their pairing, though nobody removes it by itself. Proofs stay."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {PairedPerson._meta.verbose_name, ConsentReview._meta.verbose_name}, protected

    @display(description=_("State"))
    def state(self, pairing: Pairing) -> SafeString:
        return state_chip(pairing)

    @display(description=_("Consents from"))
    def consents_from(self, pairing: Pairing) -> str:
        return linked(pairing.consents)

    @display(description=_("Subscriptions in"))
    def profiles_in(self, pairing: Pairing) -> str:
        return linked(pairing.profiles)

    @display(description=_("Whose people"), empty_value="–")
    def people_of(self, pairing: Pairing) -> Any:
        """Entity, table and unique key, which the connection decides."""
        facts = profile_side_of(pairing.profiles).facts(pairing.profiles) if is_known(pairing.profiles) else []
        return format_html_join(" · ", "{}: <b>{}</b>", facts) if facts else None

    @display(description=_("transactional e-mails (enable_emailing)"))
    def emailing(self, pairing: Pairing) -> str:
        kept = profile_side_of(pairing.profiles).connector(pairing.profiles) if is_known(pairing.profiles) else {}
        said = _t("On in the imported connector.") if kept.get("enable_emailing") else _t("Off.")
        return f"{said} {_t('Kept for import and export; the portal does not use it.')}"

    @display(description=_("Lines"))
    def lines_count(self, pairing: Pairing) -> int:
        return len(pairing.mappings.all())

    @display(description=_("To review"), empty_value="–")
    def reviews_count(self, pairing: Pairing) -> Any:
        return pairing.waiting or None


def linked(source: str) -> Any:
    """The connection by its name, leading to its page."""
    title = title_of(source)
    return format_html('<a class="portal-link" href="{}">{}</a>', side_of(source).page(source), title) if title else "–"


def card_of(pairing: Pairing) -> dict[str, Any]:
    """What the page says above the form."""
    quiet = pairing.phase in {Pairing.Phase.DRAFT, Pairing.Phase.PAUSED}
    return {
        "state": state_chip(pairing),
        "kept": kept_of(pairing),
        "quiet": quiet,
        "new": drift.new_subscriptions(pairing),
        "reviews": pairing.reviews.filter(answered_at=None).count(),
        "reviews_url": open_reviews_url(),
        "connector": offer_of(pairing),
        "comparison": comparison_url(pairing) if pairing.compared_since else "",
        "gone": [name for name in CONNECTIONS if not title_of(getattr(pairing, name))],
    }


extensions.links["pairing"] = Link("pairing", _("Pairing"), Pairing, "admin:integrations_pairing_change")
navigation.add(Pairing, _("Pairings"), icon="sync_alt", group=navigation.SET_UP, position=24)
