"""The base of every admin of a tenant's rows: deny by default.

A class says which action allows what; None, the default, allows it to nobody. Rows, choices of foreign keys (forged
ids too), inlines, history and dialogs are kept to the person's tenants here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets, SimpleListFilter
from django.db.models import Field, Model, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from portal.admin.forms import TenantForm, secret_field, secret_names
from portal.admin.paging import CappedPaginator, shortened_search
from portal.admin.recorded import Recorded
from portal.admin.rights import (
    allowed_tenants,
    current_tenant_id,
    may_here,
    row,
    rows,
    tenant_of,
    tenants_within_reach,
)
from portal.models import Tenant
from portal.secrets import EncryptedTextField
from portal.tenancy import Action, is_superuser

INLINE_LIMIT = 200


class Scoped:
    """What admins and inlines have in common."""

    view_action: ClassVar[Action | None] = Action.VIEW
    change_action: ClassVar[Action | None] = None
    add_action: ClassVar[Action | None] = None
    delete_action: ClassVar[Action | None] = None
    # Fields that take another action to change than the rest: {"host": Action.CONNECT}.
    field_actions: ClassVar[Mapping[str, Action]] = {}
    # Secrets of several lines, such as PEM keys.
    secret_lines: ClassVar[tuple[str, ...]] = ()
    form = TenantForm
    show_change_link = False

    def permits(self, request: HttpRequest, action: Action | None, obj: Any = None) -> bool:
        """Whether the person may take the action on the row: an object, its key as text, or None for any."""
        if action is None or obj is None:
            return may_here(request, action)
        tenant_id = tenant_of(self._row_model(obj), obj)
        return tenant_id is not None and may_here(request, action, tenant_id)

    def _row_model(self, obj: Any) -> type[Model]:
        return self.model  # type: ignore[attr-defined,no-any-return]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permits(request, self.view_action, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permits(request, self.change_action, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permits(request, self.add_action, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permits(request, self.delete_action, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_here(request, self.view_action)

    # Unfold asks has_<action>_permission for the buttons of its dialogs; those of each Action are added below.
    def has_superuser_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        ordering = self.get_ordering(request)  # type: ignore[attr-defined]
        found = rows(request, self.model, self.view_action)  # type: ignore[attr-defined]
        return found.order_by(*ordering) if ordering else found

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """The one source of choices for foreign keys and many-to-many: select, raw id, autocomplete and posted ids."""
        model = db_field.remote_field.model
        action = self.view_action
        if model is Tenant:
            action = self.add_action or self.change_action
        return rows(request, model, action)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, EncryptedTextField):
            return secret_field(db_field, lines=db_field.name in self.secret_lines)
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Also what this person may not change on this row."""
        fields = [*super().get_readonly_fields(request, obj)]  # type: ignore[misc]
        kept = [name for name, action in self.field_actions.items() if not self.permits(request, action, obj)]
        return [*fields, *(name for name in kept if name not in fields)]

    def hidden_secrets(self, request: HttpRequest, obj: Any) -> set[str]:
        """Secrets are shown to nobody; those who may not set them do not even see the empty field."""
        names = secret_names(self.model)  # type: ignore[attr-defined]
        action = self.change_action if obj is not None else self.add_action
        return {name for name in names if not self.permits(request, self.field_actions.get(name, action), obj)}


def _permits(action: Action) -> Any:
    def permitted(self: Scoped, request: HttpRequest, obj: Any = None) -> bool:
        return self.permits(request, action, obj)

    return permitted


for _action in Action:
    if _action is not Action.VIEW:  # Django's own, which asks for each class's `view_action`
        setattr(Scoped, f"has_{_action}_permission", _permits(_action))


class TenantAdmin(Recorded, Scoped, ModelAdmin):
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count every row of a list
    list_per_page = 50
    list_max_show_all = 50
    paginator = CappedPaginator
    actions = ()
    compressed_fields = True
    warn_unsaved_form = True
    view_on_site = False
    save_on_top = False
    # Lookups that the portal's own pages put into the address of the list, beside its filters: ("parent",).
    allowed_lookups: ClassVar[tuple[str, ...]] = ()
    # Where adding begins, by the name of its address, if not at the form.
    guided_add: ClassVar[str] = ""
    # What an empty list says: what will be here, and what to do for it.
    empty_sentence: ClassVar[Any] = ""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Django would filter by any field and any lookup: `?digest__startswith=` reads a hidden column by guessing."""
        filters = self.get_list_filter(request) if request else self.list_filter
        asked = {each.parameter_name for each in filters
                 if isinstance(each, type) and issubclass(each, SimpleListFilter)}  # fmt: skip
        return lookup in asked or lookup in self.allowed_lookups

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return shortened_search(request) or super().changelist_view(request, extra_context)

    def scoped_object(self, request: HttpRequest, key: Any, action: Action | None = None) -> Any:
        """The row with this key, for the first line of everything custom. Raises Http404 for somebody else's."""
        return row(request, self.model, key, action or self.view_action)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Whoever follows a link into another of their tenants is told where it leads."""
        tenant_id = tenant_of(self.model, object_id)
        elsewhere = tenants_within_reach(request).filter(pk=tenant_id).first() if tenant_id else None
        if elsewhere is None or elsewhere.pk == current_tenant_id(request):
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        said = _("This belongs to %(tenant)s. Choose %(tenant)s, then open the link again.")
        messages.warning(request, said % {"tenant": elsewhere.name})
        return HttpResponseRedirect(reverse("admin:choose_tenant"))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, {"show_save_and_add_another": False, **context}, *args, **kwargs)

    def _has_tenant_field(self) -> bool:
        return getattr(self.model, "tenant_path", None) == "tenant"

    def _names_tenant(self, request: HttpRequest, action: Action | None) -> bool:
        """Whether the page names the tenant: only for people who see, or could choose, more than one."""
        return self._has_tenant_field() and action is not None and len(allowed_tenants(request, action)) > 1

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = [*super().get_list_display(request)]
        return [*columns, "tenant"] if self._names_tenant(request, self.view_action) else columns

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        wanted = [*(self.list_select_related or [])]
        return [*wanted, "tenant"] if self._has_tenant_field() else wanted

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        hidden = self.hidden_secrets(request, obj)
        if self._has_tenant_field():
            hidden.add("tenant")
        fieldsets = [
            (title, {**options, "fields": _without(options["fields"], hidden)})
            for title, options in super().get_fieldsets(request, obj)
        ]
        if fieldsets and self._names_tenant(request, self.add_action if obj is None else self.view_action):
            title, options = fieldsets[0]
            fieldsets[0] = (title, {**options, "fields": ["tenant", *options["fields"]]})
        return [(title, options) for title, options in fieldsets if options["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "tenant"] if obj is not None and self._has_tenant_field() else fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        made: type[ModelForm] = super().get_form(request, obj, change=change, **kwargs)
        if obj is None and self._has_tenant_field() and self.add_action:
            tenants = allowed_tenants(request, self.add_action)
            made.tenant_for_new = next(iter(tenants)) if len(tenants) == 1 else None  # type: ignore[attr-defined]
        return made


def _without(fields: Any, hidden: set[str]) -> list[Any]:
    kept: list[Any] = []
    for entry in fields:
        if isinstance(entry, list | tuple):
            rest = [name for name in entry if name not in hidden]
            kept += [tuple(rest)] if rest else []
        elif entry not in hidden:
            kept.append(entry)
    return kept


class ScopedInline(Scoped):
    """An inline asks for the row of its parent, whose tenant it shares."""

    extra = 0
    hide_title = True
    max_num = INLINE_LIMIT

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """No more forms are made than may be sent: a posted number says how many, and each takes time."""
        limits = {"absolute_max": self.max_num + 1, "validate_max": True}
        return super().get_formset(request, obj, **{**limits, **kwargs})  # type: ignore[misc]

    def _row_model(self, obj: Any) -> type[Model]:
        return self.parent_model  # type: ignore[attr-defined,no-any-return]


class TenantTabularInline(ScopedInline, TabularInline):
    pass


class TenantStackedInline(ScopedInline, StackedInline):
    pass


class SuperuserOnly:
    """For the installation's own rows, which no tenant's people may see."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    has_add_permission = has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
