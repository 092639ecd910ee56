"""People, and which role they have in a tenant."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.forms import TenantForm
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.models import Membership, Tenant
from portal.tenancy import Action, Role

LAST_OWNER = _("This is the only owner. Make somebody else an owner first.")
ROLES = _(
    "Owner: everything. Marketer: mappings and templates. Operator: replay, sync and void. Auditor: reads all, "
    "changes nothing."
)


def is_last_owner(membership: Membership) -> bool:
    others = Membership.objects.filter(tenant_id=membership.tenant_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


class PersonForm(DialogForm):
    tenant = forms.ChoiceField(label=_("Tenant"), widget=UnfoldAdminSelectWidget)
    username = forms.CharField(
        label=_("E-mail address"), max_length=150, widget=UnfoldAdminTextInputWidget, validators=[EmailValidator()],
        help_text=_("The person signs in with it."),
    )  # fmt: skip
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, initial=Role.MARKETER, widget=UnfoldAdminSelectWidget, help_text=ROLES
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants = Tenant.objects.filter(pk__in=allowed_tenants(self.request, Action.TEAM))
        self.tenants = {str(tenant.pk): tenant for tenant in tenants}
        if len(self.tenants) == 1:
            del self.fields["tenant"]
        else:
            self.fields["tenant"].choices = [(key, tenant.name) for key, tenant in self.tenants.items()]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.tenant = self.tenants.get(cleaned.get("tenant") or next(iter(self.tenants), ""))
        people = Membership.objects.filter(tenant=self.tenant, user__username=cleaned.get("username"))
        if self.tenant and people.exists():
            self.add_error("username", _("This person is in the team already."))
        return cleaned


class RoleForm(TenantForm):
    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if role != Role.OWNER and is_last_owner(Membership.objects.get(pk=self.instance.pk)):
            raise ValidationError(LAST_OWNER)
        return role


@admin.register(Membership, site=site)
class MembershipAdmin(TenantAdmin):
    view_action = change_action = delete_action = Action.TEAM
    form = RoleForm
    list_display = ("person", "role", "created_at")
    list_select_related = ("user",)
    fieldsets = ((None, {"fields": ["person", "role", "created_at"]}),)
    readonly_fields = ("person", "created_at")
    actions_list = ("add_person",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        made = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "role":
            made.help_text = ROLES
        return made

    @display(description=_("Person"))
    def person(self, membership: Membership) -> str:
        return membership.user.get_full_name() or membership.user.get_username()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        membership = self.get_object(request, object_id)
        if membership and is_last_owner(membership):
            messages.error(request, LAST_OWNER)
            return HttpResponseRedirect(reverse("admin:portal_membership_changelist"))
        return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]

    @dialog(
        label=_("Add a person"), needs=Action.TEAM, title=_("Add a person to the team"), form=PersonForm,
        icon="person_add", variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def add_person(self, request: HttpRequest, form: PersonForm) -> HttpResponse:
        """Somebody new gets a first password, shown once; whoever has an account keeps it."""
        given, password = form.cleaned_data, ""
        with transaction.atomic():
            user = get_user_model().objects.filter(username=given["username"]).first()
            if user is None:
                password = secrets.token_urlsafe(12)
                user = get_user_model().objects.create_user(
                    given["username"], email=given["username"], password=password
                )
            added = Membership.objects.create(tenant=form.tenant, user=user, role=given["role"])
        self.log_addition(request, added, [{"added": {}}])
        done_url = reverse("admin:portal_membership_changelist")
        if not password:
            return finished(request, done_url, _("The person is in the team now."))
        shown = {"person": user, "text": password, "done_url": done_url}
        return result(request, "admin/portal/person_added.html", shown)


navigation.add(Membership, _("People"), icon="badge", group=navigation.TEAM, position=10)
