"""What only superusers see: the tenants of this installation and everybody's accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.admin import navigation
from portal.admin.base import SuperuserOnly, TenantAdmin
from portal.admin.site import site
from portal.models import Tenant


@admin.register(Tenant, site=site)
class TenantsAdmin(SuperuserOnly, TenantAdmin):
    list_display = ("name", "slug", "time_zone", "language", "created_at")
    search_fields = ("name__startswith", "slug__startswith")
    fieldsets = ((None, {"fields": ["name", "slug", "time_zone", "language"]}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "slug"] if obj else fields


@admin.register(User, site=site)
class UserAdmin(SuperuserOnly, BaseUserAdmin, ModelAdmin):
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


navigation.add(Tenant, _("Tenants"), icon="apartment", group=navigation.INSTALLATION, position=10)
navigation.add(User, _("Accounts"), icon="manage_accounts", group=navigation.INSTALLATION, position=20)
