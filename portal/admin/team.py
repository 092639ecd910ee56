"""People, and which role they have in a tenant.

Only superusers add people: whoever makes an account knows its first password, and the account may later enter another
tenant. Owners change roles and remove people.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
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
from portal.admin.rights import allowed_tenants, forget
from portal.admin.site import site
from portal.models import Membership, Tenant
from portal.tenancy import Action, Role, is_superuser

WHO_ADDS = _("Ask the administrator of this installation to add people.")
LAST_OWNER = _("This is the only owner. Make somebody else an owner first.")
ROLES = _(
    "Owner: everything. Marketer: mappings and templates. Operator: replay, sync and void. Auditor: reads all, "
    "changes nothing."
)


def lock_team(request: HttpRequest, tenant_id: int) -> None:
    """One change of a team at a time, within the transaction. What the person may do is asked anew."""
    Tenant.objects.select_for_update().filter(pk=tenant_id).first()
    forget(request)


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

    def clean_username(self) -> str:
        """Names that differ in upper and lower case only are one person's."""
        username: str = self.cleaned_data["username"].lower()
        known = get_user_model().objects.filter(username__iexact=username).order_by("pk")[:2]
        if len(known) > 1:
            raise ValidationError(_("Several accounts have this name. Rename or delete all but one of them."))
        self.known = known[0] if known else None
        return username

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.tenant = self.tenants.get(cleaned.get("tenant") or next(iter(self.tenants), ""))
        people = Membership.objects.filter(tenant=self.tenant, user__username__iexact=cleaned.get("username", ""))
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

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "GET" and not is_superuser(request.user):
            messages.info(request, WHO_ADDS)
        return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]

    @contextmanager
    def _alone(self, request: HttpRequest, object_id: str | None) -> Iterator[None]:
        """What is posted is checked and done while nobody else changes the team."""
        if request.method != "POST" or not object_id:
            yield
            return
        with transaction.atomic():
            if membership := self.get_object(request, unquote(object_id)):
                lock_team(request, membership.tenant_id)
            yield

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        with self._alone(request, object_id):
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        with self._alone(request, object_id):
            membership = self.get_object(request, unquote(object_id))
            if membership and is_last_owner(membership):
                messages.error(request, LAST_OWNER)
                return HttpResponseRedirect(reverse("admin:portal_membership_changelist"))
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]

    @dialog(
        label=_("Add a person"), needs=Action.TEAM, title=_("Add a person to the team"), form=PersonForm,
        icon="person_add", variant=ActionVariant.PRIMARY, superusers_only=True,
    )  # fmt: skip
    def add_person(self, request: HttpRequest, form: PersonForm) -> HttpResponse:
        """Somebody new gets a first password, shown once; whoever has an account keeps it."""
        given, password = form.cleaned_data, ""
        with transaction.atomic():
            user = form.known
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
