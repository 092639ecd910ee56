"""What only superusers see: the tenants of this installation and everybody's accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import history
from portal.admin import navigation
from portal.admin.base import SuperuserOnly, TenantAdmin
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.recorded import Recorded
from portal.admin.site import site
from portal.models import Change, Tenant
from portal.tenancy import Action, is_superuser


class SuspendForm(DialogForm):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Shown to the tenant's people on every page."),
    )  # fmt: skip


@admin.register(Tenant, site=site)
class TenantsAdmin(SuperuserOnly, TenantAdmin):
    list_display = ("name", "slug", "time_zone", "language", "state", "created_at")
    search_fields = ("name__startswith", "slug__startswith")
    fieldsets = (
        (None, {"fields": [("name", "slug"), ("time_zone", "language"), "colour"]}),
        (_("State"), {"fields": ["state", "suspended_at", "suspended_reason"]}),
    )
    readonly_fields = ("state", "suspended_at", "suspended_reason")
    actions_detail = ("suspend", "restart")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All of them, also while one of them is looked at."""
        found = Tenant.objects.for_user(request.user) if is_superuser(request.user) else Tenant.objects.none()
        return found.order_by("name", "pk")

    def scoped_object(self, request: HttpRequest, key: Any, action: Action | None = None) -> Tenant:
        return get_object_or_404(self.get_queryset(request), pk=key)

    def permits(self, request: HttpRequest, action: Action | None, obj: Any = None) -> bool:
        return is_superuser(request.user)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return super().get_fieldsets(request, obj)[: None if obj else 1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "slug"] if obj else fields

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "colour":
            kwargs["widget"] = UnfoldAdminTextInputWidget(attrs={"placeholder": "#1F6F54", "maxlength": 7})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description=_("State"))
    def state(self, tenant: Tenant) -> str:
        return chip("warn", _("Suspended")) if tenant.suspended_at else chip("good", _("Active"))

    @dialog(
        label=_("Suspend"), needs=Action.TEAM, title=_("Suspend this tenant?"), form=SuspendForm, icon="pause",
        variant=ActionVariant.DANGER, superusers_only=True,
        description=_(
            "Its webhooks are asked to come again later, what has arrived waits, and its people can read but change "
            "nothing. Passes on phones stay as they are. Nothing is lost."
        ),
    )  # fmt: skip
    def suspend(self, request: HttpRequest, form: SuspendForm, tenant: Tenant) -> HttpResponse:
        waiting = Tenant.objects.filter(pk=tenant.pk, suspended_at=None)
        reason = form.cleaned_data["reason"]
        if waiting.update(suspended_at=timezone.now(), suspended_reason=reason):
            said = history.difference({"": {"suspended_reason": ""}}, {"": {"suspended_reason": reason}})
            sentence = gettext_noop("Suspended.")
            history.record(tenant, by=request.user, kind=Change.Kind.DONE, differences=said, sentence=sentence)
        return finished(request, _page_of(tenant), _("The tenant is suspended."))

    @dialog(
        label=_("Let it run again"), needs=Action.TEAM, title=_("Let this tenant run again?"), icon="play_arrow",
        variant=ActionVariant.PRIMARY, superusers_only=True,
        description=_("Webhooks are taken again, and what has waited is done now, oldest first."),
    )  # fmt: skip
    def restart(self, request: HttpRequest, form: DialogForm, tenant: Tenant) -> HttpResponse:
        stopped = Tenant.objects.filter(pk=tenant.pk).exclude(suspended_at=None)
        if stopped.update(suspended_at=None, suspended_reason=""):
            self.log_change(request, tenant, gettext_noop("Let run again."))
        return finished(request, _page_of(tenant), _("The tenant runs again."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The one of the two that there is a reason for."""
        tenant = self.get_object(request, object_id)
        if tenant is None:
            return []
        unwanted = "suspend" if tenant.suspended_at else "restart"
        actions = super().get_actions_detail(request, object_id)
        return [action for action in actions if not action.action_name.endswith(f"_{unwanted}")]


def _page_of(tenant: Tenant) -> str:
    return reverse("admin:portal_tenant_change", args=[tenant.pk])


@admin.register(User, site=site)
class UserAdmin(Recorded, SuperuserOnly, BaseUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    actions = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        return found if request.user.is_superuser else found.none()

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Of the form for a password no difference is kept, so a sentence says what was done."""
        if isinstance(form, AdminPasswordChangeForm):
            usable = form.user.has_usable_password()
            return gettext_noop("Password set.") if usable else gettext_noop("Password removed.")
        return super().construct_change_message(request, form, formsets, add)


navigation.add(Tenant, _("Tenants"), icon="apartment", group=navigation.INSTALLATION, position=10)
navigation.add(User, _("Accounts"), icon="manage_accounts", group=navigation.INSTALLATION, position=20)
