"""People, and which role they have in a tenant.

Owners add people, change roles and remove people; auditors read the list. Whoever adds a person learns nothing about
the account behind the address, not even whether there was one, and never holds a password or a link of somebody else:
those go to the person's mailbox. Where no mail is sent, superusers, who set any password, are shown the link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal import history, limits
from portal.accounts import account_of, has_joined, mailbox_of, password_link
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.extend import FirstStep, extensions
from portal.admin.forms import TenantForm
from portal.admin.rights import allowed_tenants, forget
from portal.admin.site import site
from portal.mail import NotSent, invite
from portal.models import Membership, Tenant
from portal.tenancy import Action, Role, is_superuser

NO_MAIL = _(
    "No mail is sent from here, so tell the person yourself. If they have no password yet, the administrator of this "
    "installation can make them a link."
)
LAST_OWNER = _("This is the only owner who can sign in. Make somebody else an owner first.")
ROLES = _(
    "Owner: everything. Marketer: mappings and templates. Operator: replay, sync and void. Auditor: reads all, "
    "changes nothing."
)


def lock_team(request: HttpRequest, tenant_id: int) -> None:
    """One change of a team at a time, within the transaction. What the person may do is asked anew."""
    Tenant.objects.select_for_update().filter(pk=tenant_id).first()
    forget(request)


def is_last_owner(membership: Membership) -> bool:
    """Whether nobody would be left who can look after the team."""
    return (
        membership.role == Role.OWNER and not _owners_who_come(membership.tenant_id).exclude(pk=membership.pk).exists()
    )


def _owners_who_come(tenant_id: int) -> QuerySet[Any]:
    """Owners whose account is active and who can sign in, or have done so; who was invited only may never come."""
    owners = Membership.objects.filter(tenant_id=tenant_id, role=Role.OWNER, user__is_active=True)
    return owners.exclude(user__password__startswith=UNUSABLE_PASSWORD_PREFIX, user__last_login=None)


class PersonForm(DialogForm):
    tenant = forms.ChoiceField(label=_("Tenant"), widget=UnfoldAdminSelectWidget)
    username = forms.CharField(
        label=_("E-mail address"), max_length=150, widget=UnfoldAdminTextInputWidget, validators=[EmailValidator()],
        help_text=_("The person signs in with it, and gets a message there."),
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
        return str(self.cleaned_data["username"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.tenant = self.tenants.get(cleaned.get("tenant") or next(iter(self.tenants), ""))
        known = account_of(cleaned.get("username", ""))
        if known and Membership.objects.filter(tenant=self.tenant, user=known).exists():
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
    view_action = Action.AUDIT
    change_action = delete_action = Action.TEAM
    form = RoleForm
    list_display = ("person", "role", "state", "created_at")
    list_select_related = ("user",)
    fieldsets = ((None, {"fields": ["person", "role", "state", "created_at"]}),)
    readonly_fields = ("person", "state", "created_at")
    actions_list = ("add_person",)
    actions_detail = ("invite_again",)

    def document_of(self, key: Any) -> history.Document | None:
        found = super().document_of(key)
        if found is not None:
            found[""]["user"] = mailbox_of(Membership.objects.select_related("user").get(pk=key).user)
        return found

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        made = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "role":
            made.help_text = ROLES
        return made

    @display(description=_("Person"))
    def person(self, membership: Membership) -> str:
        """The name stands there once the person has come: before, it would tell of an account that was known."""
        user = membership.user
        return (user.get_full_name() if has_joined(membership) else "") or mailbox_of(user).lower()

    @display(description=_("State"))
    def state(self, membership: Membership) -> str:
        return chip("good", _("Has signed in")) if has_joined(membership) else chip("quiet", _("Invited"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nobody is invited to where they are."""
        offered: list[Any] = super().get_actions_detail(request, object_id)
        membership = self.get_object(request, str(object_id))
        return [] if membership is None or has_joined(membership) else offered

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
            if membership and self.has_delete_permission(request, membership) and is_last_owner(membership):
                messages.error(request, LAST_OWNER)
                return HttpResponseRedirect(reverse("admin:portal_membership_changelist"))
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]

    @dialog(
        label=_("Add a person"), needs=Action.TEAM, title=_("Add a person to the team"), form=PersonForm,
        icon="person_add", variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def add_person(self, request: HttpRequest, form: PersonForm) -> HttpResponse:
        given = form.cleaned_data
        with transaction.atomic():
            user = account_of(given["username"]) or _new_account(given["username"])
            added, made = Membership.objects.get_or_create(
                tenant=form.tenant, user=user, defaults={"role": given["role"]}
            )
        if made:
            self.log_addition(request, added, [{"added": {}}])
        return _tell(request, added, _("The person is in the team now."))

    @dialog(
        label=_("Send the invitation again"), needs=Action.TEAM, title=_("Send the invitation again?"),
        description=_("The person gets the message once more, with a new link if they have no password yet."),
        icon="forward_to_inbox",
    )  # fmt: skip
    def invite_again(self, request: HttpRequest, form: DialogForm, membership: Membership) -> HttpResponse:
        if has_joined(membership):
            here = reverse("admin:portal_membership_change", args=[membership.pk])
            return finished(request, here, _("This person has signed in already."), messages.WARNING)
        self.log_change(request, membership, gettext_noop("Invited again."))
        return _tell(request, membership, "")


def _new_account(name: str) -> User:
    user, _made = User.objects.get_or_create(username=name, defaults={"email": name, "password": make_password(None)})
    return user


def _tell(request: HttpRequest, membership: Membership, done: Any) -> HttpResponse:
    """Mails the person. What the page says is the same whether the address was known or not."""
    page = reverse("admin:portal_membership_changelist")
    if not settings.MAIL_SET_UP:
        if is_superuser(request.user) and not membership.user.has_usable_password():
            shown = {"person": membership.user, "text": password_link(membership.user), "done_url": page}
            return result(request, "admin/portal/person_added.html", shown)
        return finished(request, page, f"{done} {NO_MAIL}".strip(), messages.WARNING)
    said, level = _mail(membership, request.user)
    return finished(request, page, f"{done} {said}".strip(), level)


def _mail(membership: Membership, by: User) -> tuple[Any, int]:
    """What became of the message, as the page says it."""
    try:
        with limits.one_invitation(by.get_username(), membership.tenant_id, mailbox_of(membership.user)):
            invite(membership, by)
    except limits.TooMany as refusal:
        return refusal, messages.WARNING
    except NotSent:
        said = _("The message could not be sent. Open their entry later and choose “Send the invitation again”.")
        return said, messages.WARNING
    return _("A message is on its way to them."), messages.SUCCESS


navigation.add(Membership, _("People"), icon="badge", group=navigation.TEAM, position=10)


def _has_company(tenants: Collection[int]) -> bool:
    return Membership.objects.filter(tenant_id__in=tenants)[:2].count() > 1


extensions.first_steps.append(
    FirstStep(
        50, _("Invite a colleague"), _("Each person has a role, and sees and does what it allows."),
        _("Invite"), "admin:portal_membership_add", Action.TEAM, _has_company,
    )
)  # fmt: skip
