"""The page that connects Actito step by step: where it is; entity, profile table, unique attribute from lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from integrations.actito import guide
from integrations.actito.asking import ask_anew
from integrations.actito.guide import Draft, Wrong
from integrations.actito.guide_forms import BY_HAND, ChoiceStep, EntityForm, LastForm, TableForm, WhereForm
from integrations.actito.models import ActitoConnection
from portal.admin.dialogs import DialogForm, dialog, goes_to
from portal.admin.rights import allowed_tenants, row, rows
from portal.models import Tenant
from portal.sentences import told
from portal.tenancy import Action

CONNECTED = _("Connected. Map the values to bring in, then make the webhooks.")
AGAIN = _("The connection is set up again. Look at its webhooks, and test it.")
LOST = _("These steps were begun too long ago, or in another window. Begin again: nothing was stored.")


class Guide:
    """Of the connection's admin: `connect/` begins, `connect/?draft=…` goes on where the draft stands."""

    guided_add = "admin:actito_actitoconnection_connect"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("connect/", view(self.guide_view), name="actito_actitoconnection_connect"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _tenants(self, request: HttpRequest) -> Any:
        found = Tenant.objects.filter(pk__in=allowed_tenants(request, Action.CONNECT)).order_by("name")
        if not found:
            raise PermissionDenied
        return found

    def guide_view(self, request: HttpRequest) -> HttpResponse:
        tenants, key = self._tenants(request), request.GET.get("draft")
        return self._begin(request, tenants) if key is None else self._step(request, tenants, key)

    def _begin(self, request: HttpRequest, tenants: Any) -> HttpResponse:
        again = row(request, ActitoConnection, request.GET["again"], Action.CONNECT) if "again" in request.GET else None
        form = WhereForm(tenants, request.POST or None, again=again)
        if request.method == "POST" and form.is_valid():
            draft = _tried(form, form.draft)
            if draft is not None:
                self._skip(draft)
                return self._go_on(request, draft)
        return self._page(request, form, None, 1, again=again)

    def _step(self, request: HttpRequest, tenants: Any, key: str) -> HttpResponse:
        draft = guide.load(request.session, key)
        if draft is None or all(each.pk != draft.tenant for each in tenants):
            messages.warning(request, LOST)
            return HttpResponseRedirect(reverse(self.guided_add))
        if request.method == "POST" and "back" in request.POST:
            return self._back(request, draft)
        form, number = self._form(request, draft)
        if request.method == "POST" and form.is_valid():
            if number == 4:
                if made := _tried(form, lambda: self._made(request, draft, form)):
                    return HttpResponseRedirect(made)
            elif _tried(form, lambda: self._choose(draft, number, form.chosen())):
                return self._go_on(request, draft)
        return self._page(request, form, draft, number)

    def _form(self, request: HttpRequest, draft: Draft) -> tuple[ChoiceStep, int]:
        posted = request.POST or None
        if not draft.entity:
            return EntityForm(draft.entities, posted, initial=_filled_in(draft, "entity", draft.entities)), 2
        if not draft.table:
            return TableForm(draft.tables, posted, initial=_filled_in(draft, "table", draft.tables)), 3
        return LastForm(draft.unique, posted, initial=self._proposed(request, draft)), 4

    def _proposed(self, request: HttpRequest, draft: Draft) -> dict[str, str]:
        if draft.of:
            same = {name: draft.before[name] for name in ("language_attribute", "licence")}
            unique_key = _filled_in(draft, "unique_key", draft.unique)
            return {**same, **unique_key, "connection_name": draft.before["name"]}
        unique = draft.unique or []
        same_host = rows(request, ActitoConnection).filter(tenant=draft.tenant, host=draft.host)
        licence = same_host.values_list("licence", flat=True).first()
        return {
            "unique_key": "emailAddress" if "emailAddress" in unique or not unique else unique[0],
            "language_attribute": "motherLanguage",
            "connection_name": draft.table,
            "licence": licence or draft.account.partition("/")[0] or draft.entity,
        }

    def _choose(self, draft: Draft, number: int, chosen: str) -> bool:
        if number == 2:
            guide.choose_entity(draft, chosen)
            self._skip(draft)
        else:
            guide.choose_table(draft, chosen)
        return True

    def _skip(self, draft: Draft) -> None:
        """Of one entity or one table there is nothing to choose. What goes wrong is told on the page of that step."""
        try:
            if not draft.entity and draft.entities and len(draft.entities) == 1:
                guide.choose_entity(draft, draft.entities[0])
            if draft.entity and not draft.table and draft.tables and len(draft.tables) == 1:
                guide.choose_table(draft, draft.tables[0])
        except Wrong:
            draft.entity = draft.entity if draft.tables is not None else ""
            draft.table = ""

    def _made(self, request: HttpRequest, draft: Draft, form: ChoiceStep) -> str:
        """The address of the page of the connection, which is new or as it was until now."""
        given, unique_key = form.cleaned_data, form.chosen()
        guide.check_unique(draft, unique_key)
        with transaction.atomic():
            made = self._set_up_again(request, draft) if draft.of else draft.connection()
            made.name, made.licence, made.unique_key = given["connection_name"], given["licence"], unique_key
            made.language_attribute = given["language_attribute"]
            try:
                made.full_clean(exclude=["lane", "api_key"])  # the key was tried
            except ValidationError as error:
                form.add_error("connection_name", list(error.messages))
                return ""
            made.save()
            if draft.of:
                self.log_change(request, made, "")  # type: ignore[attr-defined]
            else:
                self.log_addition(request, made, [{"added": {}}])  # type: ignore[attr-defined]
            ask_anew(made)
        guide.forget(request.session, draft)
        messages.success(request, AGAIN if draft.of else CONNECTED)
        return self.change_url(made)  # type: ignore[attr-defined,no-any-return]

    def _set_up_again(self, request: HttpRequest, draft: Draft) -> ActitoConnection:
        """Locked until the end of the transaction. Raises Wrong where it is not what the steps began with."""
        rows_here = rows(request, ActitoConnection, Action.CONNECT)
        found: ActitoConnection | None = rows_here.select_for_update(of=("self",)).filter(pk=draft.of).first()
        if found is None or guide.asked_of(found) != draft.before:
            raise guide.changed_meanwhile()
        self.note_before(request, found)  # type: ignore[attr-defined]
        draft.put_into(found)
        return found

    @dialog(
        label=_("Set up again"), needs=Action.CONNECT, title=_("Set this connection up again?"), icon="restart_alt",
        submit=_("Begin"),
        description=_("Step by step, with what is set now filled in. Nothing changes until the last step is saved."),
    )  # fmt: skip
    def set_up_again(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        return goes_to(request, _beginning(connection.pk))

    def _back(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        """To the last step that had a choice; from the first one, to the beginning."""
        if draft.table and (draft.tables is None or len(draft.tables) != 1):
            draft.table = ""
        elif draft.entity and (draft.entities is None or len(draft.entities) != 1):
            draft.table = draft.entity = ""
        else:
            guide.forget(request.session, draft)
            return HttpResponseRedirect(_beginning(draft.of))
        return self._go_on(request, draft)

    def _go_on(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        guide.store(request.session, draft)
        return HttpResponseRedirect(f"{reverse(self.guided_add)}?draft={draft.key}")

    def _page(
        self,
        request: HttpRequest,
        form: Any,
        draft: Draft | None,
        number: int,
        *,
        again: ActitoConnection | None = None,
    ) -> HttpResponse:
        is_again = bool(again or (draft and draft.of))
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Set up again") if is_again else _("Connect Actito"),
            "form": form,
            "number": number,
            "again": is_again,
            "other_people": draft is not None and _is_of_other_people(draft),
            "so_far": _so_far(draft) if draft else [],
            "no_list": draft is not None and not form.listed,
            "by_hand_url": reverse("admin:actito_actitoconnection_add"),
        }
        return TemplateResponse(request, "admin/actito/connect.html", context)


def _beginning(connection_id: int | None) -> str:
    return reverse(Guide.guided_add) + (f"?again={connection_id}" if connection_id else "")


def _filled_in(draft: Draft, name: str, listed: list[str] | None) -> dict[str, str]:
    """What the connection has: chosen in the list, or typed where the list lacks it."""
    value = draft.before.get(name, "")
    if not value or not listed or value in listed:
        return {name: value} if value else {}
    return {name: BY_HAND, "by_hand": value}


def _so_far(draft: Draft) -> list[tuple[Any, str, str]]:
    """Title, value, and what it was where that is something else."""
    styles = {key: str(title) for key, title in ActitoConnection.PathStyle.choices}
    titles = {"host": _("Actito"), "path_style": _("Path style"), "entity": _("Entity"), "table": _("Profile table")}
    found = [(titles[name], getattr(draft, name), draft.before.get(name, "")) for name in titles]
    return [(title, styles.get(value, value), styles.get(was, was) if was != value else "")
            for title, value, was in found if value]  # fmt: skip


def _is_of_other_people(draft: Draft) -> bool:
    """Profile ids are a table's own: in another one the same number is somebody else."""
    chosen = draft.host, draft.entity, draft.table
    return bool(draft.of and draft.table) and chosen != tuple(
        draft.before[each] for each in ("host", "entity", "table")
    )


def _tried(form: forms.Form, step: Any) -> Any:
    """What the step gives; None where something is wrong, which the form then says by the field that it is about."""
    try:
        return step()
    except Wrong as wrong:
        by_hand = "by_hand" in form.fields and form.cleaned_data.get(wrong.field) == BY_HAND
        name = "by_hand" if by_hand else wrong.field
        form.add_error(name if name in form.fields else None, told(wrong.sentence))
        return None
