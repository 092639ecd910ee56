"""Connections given out and taken in as JSON: what would change is shown before anything does."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from integrations.actito import guide
from integrations.actito.asking import ask_anew
from integrations.actito.guide import Wrong
from integrations.actito.mapping_admin import known_of, shown_findings, stored_lines
from integrations.actito.mapping_check import findings
from integrations.actito.models import ActitoConnection
from integrations.actito.starting_admin import TwiceAsked
from integrations.actito.transfer import (
    SIZE_LIMIT,
    Difference,
    Document,
    Malformed,
    apply,
    differences,
    document_of,
    parse,
)
from portal.admin.dialogs import DialogForm, dialog, leads_to, result
from portal.admin.rights import allowed_tenants, row
from portal.models import Tenant
from portal.sentences import told
from portal.tenancy import Action

ADDRESS = ("host", "path_style", "account")


class DocumentForm(TwiceAsked):
    """Asks for the document, and shows what it would change."""

    form_before_template = "admin/actito/transfer.html"
    document = forms.CharField(
        label=_("JSON"), max_length=SIZE_LIMIT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=_("An export of this portal, or the configuration of Didomi's Actito integration."),
    )  # fmt: skip
    parsed: Document
    shown: list[Difference]

    def clean_document(self) -> str:
        given = str(self.cleaned_data["document"])
        try:
            self.parsed = parse(given)
        except Malformed as problem:
            raise ValidationError(told(problem.sentence)) from problem
        return given

    def connection(self) -> ActitoConnection:
        """The row that the document would change."""
        raise NotImplementedError

    def summed_up(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        self.shown = differences(self.connection(), self.parsed)
        return {"document": cleaned["document"], "changes": repr(self.shown)}

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"shown": getattr(self, "shown", None), "kept": bool(object_id)}


class TakeOverForm(DocumentForm):
    """Into a connection that there is. Its address, its key and its name stay."""

    def connection(self) -> ActitoConnection:
        found: ActitoConnection = row(self.request, ActitoConnection, self.object_id, Action.CONNECT)
        for name in (*ADDRESS, "name"):
            self.parsed.values.pop(name, None)
        return found


class NewForm(DocumentForm):
    """As a new connection. The key and what the document lacks are asked for once it is understood."""

    tenant = forms.ModelChoiceField(label=_("Tenant"), queryset=Tenant.objects.none(), empty_label=None,
                                    widget=UnfoldAdminSelectWidget)  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenants = Tenant.objects.filter(pk__in=allowed_tenants(self.request, Action.CONNECT)).order_by("name")
        self.fields["tenant"].queryset = self.tenants
        if len(self.tenants) == 1:
            del self.fields["tenant"]
        if self.data.get("seen"):
            self._ask_for_the_rest()

    def _ask_for_the_rest(self) -> None:
        def text(label: Any, limit: int) -> forms.CharField:
            return forms.CharField(label=label, max_length=limit, widget=UnfoldAdminTextInputWidget, required=False)

        self.fields["name"] = text(_("Name of the connection"), 100)
        self.fields["host"] = text(_("API address"), 200)
        self.fields["licence"] = text(_("Licence"), 100)
        self.fields["api_key"] = forms.CharField(
            label=_("API key"), max_length=2000, required=False,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        )  # fmt: skip

    def connection(self) -> ActitoConnection:
        return ActitoConnection(host="", unique_key="", language_attribute="", licence="", custom_action="")

    def clean(self) -> dict[str, Any]:
        try:
            cleaned = super().clean()
        except ValidationError:
            self._ask_for_the_rest()
            values = self.parsed.values
            proposed = {"name": values.get("name") or values["table"], "host": values.get("host", ""),
                        "licence": values.get("licence") or values["entity"]}  # fmt: skip
            self.data = {**proposed, **self.data}
            raise
        if not self.errors:
            self._fill_in(cleaned)
        return cleaned

    def _fill_in(self, cleaned: dict[str, Any]) -> None:
        """Tries the key, the table and the unique attribute at Actito, as connecting step by step does."""
        values, secret = self.parsed.values, cleaned["api_key"].strip() or self.parsed.secret
        values |= {name: cleaned[name].strip() or values.get(name, "") for name in ("name", "host", "licence")}
        for name, given in (("api_key", secret), ("host", values["host"]), ("name", values["name"]),
                            ("licence", values["licence"])):  # fmt: skip
            if not given:
                self.add_error(name, _t("This field is required."))
        if self.errors:
            return
        tenant: Tenant = cleaned.get("tenant") or self.tenants[0]
        try:
            draft = guide.begin(tenant.pk, host=values["host"].rstrip("/"), account=values.get("account", ""),
                                api_key=secret, path_style=values.get("path_style", ""))  # fmt: skip
            draft.entity = values["entity"]
            guide.choose_table(draft, values["table"])
            guide.check_unique(draft, values["unique_key"])
        except Wrong as wrong:
            self.add_error(wrong.field if wrong.field in self.fields else None, told(wrong.sentence))
            return
        values["path_style"], values["host"] = draft.path_style, draft.host
        self.row = draft.connection()


def _as_the_editor_takes_them(connection: ActitoConnection) -> None:
    """Raises ValidationError for mappings that are wrong beside each other."""
    lines = stored_lines(connection)
    told_lines = shown_findings(findings(lines, known_of(connection)), lines)
    if problems := [f"{each['name']}: {each['sentence']}" for each in told_lines if each["error"]]:
        raise ValidationError(problems)


class Transfer:
    """Dialogs of the connection's admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_file)  # type: ignore[attr-defined]
        own = path("<path:object_id>/connection.json", view, name="actito_actitoconnection_file")
        return [own, *super().get_urls()]  # type: ignore[misc]

    @dialog(
        label=_("Export as JSON"), needs=Action.CONFIGURE, title=_("Export this connection?"), icon="download",
        submit=_("Export"),
        description=_("Its settings and mappings, in the shape of Didomi's Actito integration. Secrets are left out."),
    )  # fmt: skip
    def export_json(self, request: HttpRequest, form: DialogForm, connection: ActitoConnection) -> HttpResponse:
        self.log_change(request, connection, gettext_noop("Exported as JSON."))  # type: ignore[attr-defined]
        file = reverse("admin:actito_actitoconnection_file", args=[connection.pk])
        done_url = self.change_url(connection)  # type: ignore[attr-defined]
        return result(request, "admin/portal/file_ready.html", {"file_url": file, "done_url": done_url})

    def export_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        connection = self.scoped_object(request, object_id, Action.CONFIGURE)  # type: ignore[attr-defined]
        body = json.dumps(document_of(connection), ensure_ascii=False, indent=2) + "\n"
        name = f"{slugify(connection.name) or 'connection'}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return HttpResponse(body, content_type="application/json", headers=headers)

    @dialog(
        label=_("Import from JSON"), needs=Action.CONNECT, title=_("Import into this connection"), icon="upload",
        form=TakeOverForm, submit=_("Go on"),
        description=_("You see what would change first. Name, address and key stay; so do mappings that it lacks."),
    )  # fmt: skip
    def import_json(self, request: HttpRequest, form: TakeOverForm, connection: ActitoConnection) -> HttpResponse:
        return self._applied(request, connection, form.parsed, _t("The connection is as in the document now."))

    @dialog(
        label=_("Import a connection"), needs=Action.CONNECT, title=_("Import a connection"), icon="upload",
        form=NewForm, submit=_("Go on"),
        description=_("You see what it would bring first. Then the key is asked for and tried."),
    )  # fmt: skip
    def import_new(self, request: HttpRequest, form: NewForm) -> HttpResponse:
        return self._applied(request, form.row, form.parsed, _t("The connection is imported."))

    def _applied(
        self, request: HttpRequest, connection: ActitoConnection, document: Document, sentence: str
    ) -> HttpResponse:
        new = connection.pk is None
        try:
            with transaction.atomic():
                apply(connection, document)
                _as_the_editor_takes_them(connection)
                if new:
                    self.log_addition(request, connection, [{"added": {}}])  # type: ignore[attr-defined]
                else:
                    self.log_change(request, connection, "")  # type: ignore[attr-defined]
                ask_anew(connection)
        except ValidationError as error:
            shown = {"problems": error.messages, "done_url": reverse("admin:actito_actitoconnection_changelist")}
            return result(request, "admin/actito/not_imported.html", shown)
        return leads_to(request, self.change_url(connection), sentence)  # type: ignore[attr-defined]
