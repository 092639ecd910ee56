"""Admins that leak on purpose, each in one way, on sites of their own."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django.contrib import messages
from django.contrib.contenttypes.views import shortcut
from django.db.models import Model, QuerySet
from django.forms import ModelChoiceField, ModelForm, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action

from passes.admin.credentials import AppleCredentialsAdmin
from passes.models import AppleCredentials, PassTemplate
from portal import urls
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm
from portal.admin.site import PortalAdminSite, site
from portal.models import Change
from portal.tenancy import Action


def leaky_site(
    *admins: tuple[type[Model], type[Any]], kind: type[PortalAdminSite] = PortalAdminSite
) -> PortalAdminSite:
    """The product's site with other admins for these models."""
    made = kind("admin")
    made._registry = {model: type(admin)(model, made) for model, admin in site._registry.items()}
    made._registry |= {model: admin(model, made) for model, admin in admins}
    return made


def urlconf_of(made: PortalAdminSite) -> ModuleType:
    """The product's addresses with that site in the place of its own."""
    module = ModuleType("leaky_urls")
    others = [each for each in urls.urlpatterns if str(each.pattern) != "admin/"]
    module.urlpatterns = [path("admin/", made.urls), *others]  # type: ignore[attr-defined]
    for name in ("handler400", "handler403", "handler404", "handler500"):
        setattr(module, name, getattr(urls, name))
    return module


class Plain(TenantAdmin):
    """Leaks nothing: what all others change in one thing."""

    change_action = add_action = delete_action = Action.CONFIGURE
    fields: Any = ("name", "kind", "organization_name", "description", "apple")


class Credentials(TenantAdmin):
    change_action = add_action = delete_action = Action.CONNECT
    fields = ("name", "team_identifier")
    search_fields = ("name",)
    actions_detail = ("resume",)
    resume = AppleCredentialsAdmin.resume


# Rows and forms


class AllRows(Plain):
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return PassTemplate.objects.order_by("pk")


class AllCredentials(Credentials):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return AppleCredentials.objects.order_by("pk")


class Unkept(ModelForm):
    """Without the second lock of TenantForm."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.tenant_id = self.instance.tenant_id or getattr(self, "tenant_for_new", None)


class AllChoices(Plain):
    form = Unkept

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        return db_field.remote_field.model.objects.order_by("pk")


class AllRawIds(AllChoices):
    raw_id_fields = ("apple",)


class AllAutocompletes(AllChoices):
    autocomplete_fields = ("apple",)


class RawIds(Plain):
    """Refuses forged ones, but names any row that the address of an empty form presets."""

    raw_id_fields = ("apple",)


class TemplateLines(TabularInline):
    model = PassTemplate
    fields = ("name", "organization_name", "description", "tenant")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_change_permission = has_add_permission = has_delete_permission = has_view_permission


class WithLines(Credentials):
    inlines = (TemplateLines,)


class NamesTaken(ModelForm):
    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if PassTemplate.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("This name already exists.")
        return name


class OneNameForAll(Plain):
    form = type("NamesTakenForm", (NamesTaken, Plain.form), {})


class History(Plain):
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        found = Change.objects.filter(model="passes.passtemplate", object_key=object_id)
        return HttpResponse(", ".join(change.name for change in found))


# Lists


class FilterByKey(Plain):
    list_filter = ("apple",)


class AnyLookup(Plain):
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return True


class FilterByAutocomplete(AnyLookup):
    list_filter = (("apple", AutocompleteSelectFilter),)
    list_filter_submit = True


# Actions


def switch_off(keys: Any) -> None:
    PassTemplate.objects.filter(pk__in=keys).update(active=False)


def back(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Done.")
    return HttpResponseRedirect(reverse("admin:index"))


class OnRow(Plain):
    actions_row = ("off",)

    @action(description="Off")
    def off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        switch_off([object_id])
        return back(request)


class OnDetail(Plain):
    actions_detail = ({"title": "More", "items": ["off"]},)

    @action(description="Off", permissions=["change"])
    def off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        switch_off([object_id])
        return back(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, None if isinstance(obj, str) else obj)


class OnList(Plain):
    actions_list = ("off",)

    @action(description="Off")
    def off(self, request: HttpRequest) -> HttpResponse:
        PassTemplate.objects.update(active=False)
        return back(request)


class AnyTemplate(DialogForm):
    template = ModelChoiceField(PassTemplate.objects.all(), required=False)


class UnscopedDialog(Plain):
    actions_detail = ("off",)

    @action(description="Off", dialog={"title": "Off?", "description": "", "form_class": AnyTemplate})
    def off(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        switch_off([object_id])
        return back(request)


class InBulk(Plain):
    actions = ("off",)

    def off(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        switch_off(request.POST.getlist("_selected_action"))


# Addresses of their own


class CardOfAnybody(Plain):
    def get_urls(self) -> list[URLPattern]:
        return [path("<int:pk>/card/", self.admin_site.admin_view(self.card), name="card"), *super().get_urls()]

    def card(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponse(PassTemplate.objects.get(pk=pk).name)


class ExportOfAll(Plain):
    def get_urls(self) -> list[URLPattern]:
        return [path("export/", self.admin_site.admin_view(self.export), name="export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        lines = (f"{name}\n" for name in PassTemplate.objects.values_list("name", flat=True))
        headers = {"Content-Disposition": "attachment; filename=templates.csv"}
        return StreamingHttpResponse(lines, content_type="text/csv", headers=headers)


class BelievesHeaders(Plain):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        told = request.headers.get("X-Tenant")
        return PassTemplate.objects.filter(tenant_id=told) if told else super().get_queryset(request)


class Broken(Plain):
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise RuntimeError("Never thought of this.")


class WithViewOnSite(PortalAdminSite):
    def get_urls(self) -> list[URLPattern]:
        view = path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(shortcut), name="view_on_site")
        return [view, *super().get_urls()]


# Roles


class ChangedByAuditors(Plain):
    change_action = Action.VIEW


class OpenToOwners(TenantAdmin):
    change_action = Action.TEAM
    fields = ("name",)


class NotDerived(ModelAdmin):
    """Neither a tenant's nor the installation's."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_module_permission = has_view_permission


class ShowsSecrets(Credentials):
    list_display = ("name", "private_key")


class RemovesCustomers(TenantAdmin):
    delete_action = Action.CONFIGURE


class RemovesAnyPass(TenantAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
