"""API keys: made and shown once, listed by their beginning, replaced with an overlap, revoked for good."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.access import NotReplaceable, make_key, replace_key
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.callers import ONLY_ONE, CallerColumns
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.extend import extensions
from portal.admin.forms import TenantForm
from portal.admin.refused import refused_of_key
from portal.admin.rights import allowed_tenants, row
from portal.admin.site import site
from portal.models import ApiKey, Scope, Tenant
from portal.tenancy import Action

SOON = timedelta(days=14)
LONGEST = timedelta(days=3660)  # ten years
UNTIL_REVOKED = "revoked"
OVERLAPS = [("1", _("One day")), ("7", _("Seven days")), (UNTIL_REVOKED, _("Until somebody revokes it"))]


class DateInput(UnfoldAdminTextInputWidget):
    """The browser's own calendar."""

    input_type = "date"

    def format_value(self, value: Any) -> Any:
        """As browsers want it, whatever the language."""
        return value.isoformat() if isinstance(value, date) else value


def last_day() -> forms.DateField:
    return forms.DateField(
        label=_("Last day"), required=False, widget=DateInput,
        help_text=_("The key stops working after this day. Empty: it does not expire."),
    )  # fmt: skip


def end_of(day: date | None, tenant: Tenant) -> datetime | None:
    """The last second of a day by the tenant's clocks. Raises ValidationError for a day that is past."""
    if day is None:
        return None
    zone = ZoneInfo(tenant.time_zone)
    today = timezone.localdate(timezone=zone)
    if day < today:
        raise ValidationError(_("This day is past."))
    if day > today + LONGEST:
        raise ValidationError(_("Choose a day within the next ten years."))
    return datetime.combine(day, time(23, 59, 59), zone)


class ExpiryForm(DialogForm):
    """Asks for the last day on which a key works."""

    expires = last_day()
    expires_at: datetime | None = None

    def set_expiry(self, tenant: Tenant | None) -> None:
        try:
            self.expires_at = end_of(self.cleaned_data.get("expires"), tenant) if tenant else None
        except ValidationError as error:
            self.add_error("expires", error)


class KeyForm(ExpiryForm):
    """What a new key is for. Connections of other tenants are no choices, so a forged one is refused."""

    tenant = forms.ChoiceField(label=_("Tenant"), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(
        label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget, help_text=_("What uses this key.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, initial=[Scope.ACTITO_LISTENER],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    bound_to = forms.ChoiceField(
        label=_("Connection"), required=False, widget=UnfoldAdminSelectWidget,
        help_text=_("Which connection speaks with this key. Needed as soon as there are two."),
    )  # fmt: skip
    field_order = ("tenant", "name", "scopes", "bound_to", "expires")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants = Tenant.objects.filter(pk__in=allowed_tenants(self.request, Action.CONNECT))
        self.tenants = {str(tenant.pk): tenant for tenant in tenants}
        accounts = [one for one in extensions.accounts_of(tenant.pk for tenant in tenants) if one.source]
        self.owners = {one.source: one.tenant_id for one in accounts}
        self.fields["bound_to"].choices = [("", ONLY_ONE), *((one.source, one.title) for one in accounts)]
        if len(self.tenants) == 1:
            del self.fields["tenant"]
        else:
            self.fields["tenant"].choices = [(key, tenant.name) for key, tenant in self.tenants.items()]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = cleaned.get("tenant") or next(iter(self.tenants), "")
        self.tenant = self.tenants.get(chosen)
        bound_to = cleaned.get("bound_to")
        if self.tenant and bound_to and self.owners.get(bound_to) != self.tenant.pk:
            self.add_error("bound_to", _("Choose a connection of this tenant."))
        self.set_expiry(self.tenant)
        return cleaned


class ReplaceForm(ExpiryForm):
    overlap = forms.ChoiceField(
        label=_("The old key goes on working for"), choices=OVERLAPS, initial="7", widget=UnfoldAdminSelectWidget,
        help_text=_("Enter the new key at the sender within this time. Both work meanwhile."),
    )  # fmt: skip
    field_order = ("overlap", "expires")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.set_expiry(row(self.request, ApiKey, self.object_id, Action.CONNECT).tenant)
        return cleaned

    @property
    def overlap_time(self) -> timedelta | None:
        chosen = self.cleaned_data["overlap"]
        return None if chosen == UNTIL_REVOKED else timedelta(days=int(chosen))


class KeyChangeForm(TenantForm):
    expires_at = last_day()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if at := self.instance.expires_at:
            self.initial["expires_at"] = timezone.localdate(at, ZoneInfo(self.instance.tenant.time_zone))

    def clean_expires_at(self) -> datetime | None:
        """The moment stays as it is while its day does."""
        if "expires_at" not in self.changed_data:
            return self.instance.expires_at  # type: ignore[no-any-return]
        return end_of(self.cleaned_data["expires_at"], self.instance.tenant)


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(CallerColumns, TenantAdmin):
    view_action, change_action = Action.AUDIT, Action.CONNECT
    form = KeyChangeForm
    empty_sentence = _("A key lets Actito's webhooks in. Make one for each connection.")
    list_display = ("name", "beginning", "may", "connection", "last_used", "state")
    fieldsets = (
        (None, {"fields": ["name", "expires_at"]}),
        (_("What it is"), {"fields": [("beginning", "state"), ("may", "connection"), ("created_at", "last_used"),
                                      "others"]}),
        (_("Refused calls"), {"fields": ["refused"]}),
    )  # fmt: skip
    readonly_fields = ("beginning", "may", "connection", "created_at", "last_used", "state", "others", "refused")
    actions_list = ("make",)
    actions_detail = ("replace", "revoke")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What has expired stays so: a key that nobody guards any more does not come back."""
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "expires_at"] if obj is not None and not obj.is_live else fields

    @display(description=_("Key"))
    def beginning(self, key: ApiKey) -> str:
        return f"awp_{key.prefix}_…"

    @display(description=_("State"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return chip("bad", _("Revoked"))
        if key.is_expired:
            return chip("bad", _("Expired"))
        left = key.expires_at - timezone.now() if key.expires_at else None
        if left is not None and left <= timedelta(days=1):
            return chip("warn", _("Expires within a day"))
        if left is not None and left <= SOON:
            days = round(left / timedelta(days=1))
            return chip("warn", ngettext("Expires in %(n)d day", "Expires in %(n)d days", days) % {"n": days})
        return chip("good", _("Valid"))

    @display(description=_("Keys before and after it"), empty_value="–")
    def others(self, key: ApiKey) -> str:
        line = ApiKey.objects.filter(tenant_id=key.tenant_id, line=key.line).exclude(pk=key.pk).order_by("-pk")
        shown = [(reverse("admin:portal_apikey_change", args=[each.pk]), self.beginning(each), self.state(each))
                 for each in line[:10]]  # fmt: skip
        return format_html_join(" ", '<a class="portal-link" href="{}">{}</a> {}', shown)

    @display(description=_("Refused lately"))
    def refused(self, key: ApiKey) -> str:
        return refused_of_key(key)

    @dialog(
        label=_("Make a key"), needs=Action.CONNECT, title=_("Make an API key"), form=KeyForm, icon="key",
        description=_("The key is shown once, right after it is made. Only its fingerprint is kept."),
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def make(self, request: HttpRequest, form: KeyForm) -> HttpResponse:
        given = form.cleaned_data
        key, text = make_key(form.tenant, given["name"], given["scopes"], given["bound_to"], expires_at=form.expires_at)
        self.log_addition(request, key, [{"added": {}}])
        return self._shown_once(request, key, text)

    @dialog(
        label=_("Replace"), needs=Action.CONNECT, title=_("Replace this key?"), form=ReplaceForm, icon="autorenew",
        description=_(
            "Makes a new key that may do the same, and shows it once. The old key goes on working for a while, so "
            "that nothing is lost while the sender changes over."
        ),
    )  # fmt: skip
    def replace(self, request: HttpRequest, form: ReplaceForm, key: ApiKey) -> HttpResponse:
        try:
            successor, text = replace_key(key, form.overlap_time, expires_at=form.expires_at)
        except NotReplaceable as refusal:
            return finished(request, _page_of(key), str(refusal), messages.WARNING)
        self.log_change(request, key, gettext_noop("Replaced."))
        self.log_addition(request, successor, [{"added": {}}])
        key.refresh_from_db()
        return self._shown_once(request, successor, text, old=key)

    @dialog(
        label=_("Revoke"), needs=Action.CONNECT, title=_("Revoke this key?"), icon="block",
        description=_("Whoever uses it is refused within five seconds. It cannot be made valid again."),
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def revoke(self, request: HttpRequest, form: DialogForm, key: ApiKey) -> HttpResponse:
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            self.log_change(request, key, gettext_noop("Revoked."))
        return finished(request, reverse("admin:portal_apikey_changelist"), _("The key is revoked."))

    def _shown_once(self, request: HttpRequest, key: ApiKey, text: str, old: ApiKey | None = None) -> HttpResponse:
        shown = {"key": key, "text": text, "old": old, "may": self.may(key), "connection": self.connection(key),
                 "done_url": reverse("admin:portal_apikey_changelist")}  # fmt: skip
        return result(request, "admin/portal/key_made.html", shown)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        key = self.get_object(request, object_id)
        return super().get_actions_detail(request, object_id) if key and key.is_live else []


def _page_of(key: ApiKey) -> str:
    return reverse("admin:portal_apikey_change", args=[key.pk])


navigation.add(ApiKey, _("API keys"), icon="key", group=navigation.TEAM, position=20)
