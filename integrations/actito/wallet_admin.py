"""Wallet news on a connection's page: into which attributes it is written, what to make in Actito, on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integrations.actito import wallet_news
from integrations.actito.client import ActitoClient
from integrations.actito.directory import WAIT_SECONDS
from integrations.actito.models import ActitoConnection, WalletNews
from integrations.actito.tables import ATTRIBUTES, Structure
from integrations.actito.writeback import Unwritable, check_attribute
from passes.models import PassTemplate
from portal import jobs
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.progress import end_in_sight
from portal.admin.rights import row, rows
from portal.ledger import Failure
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

DAY_TIME = _("Date with time, or text")


@dataclass(frozen=True)
class Told:
    """What is told, and how its attribute is made in Actito."""

    field: str
    type: Any
    example: str


TELLS = (
    Told("status", _("Text"), "none, apple, google, both"),
    Told("apple_since", DAY_TIME, "2027-01-31 10:00:00"),
    Told("google_since", DAY_TIME, "2027-01-31 10:00:00"),
    Told("changed_at", DAY_TIME, "2027-01-31 10:00:00"),
    Told("event", _("Text"), "issued, installed, removed, voided, revived"),
    Told("link", _("Text, 255 characters or more"), "https://…"),
)


class WalletNewsForm(DialogForm):
    form_before_template = "admin/actito/wallet_news.html"

    active = forms.BooleanField(
        label=_("Write wallet news to Actito"), required=False, widget=UnfoldBooleanSwitchWidget
    )  # fmt: skip
    template = forms.ModelChoiceField(
        label=_("Link to the pass of"), queryset=PassTemplate.objects.none(), required=False,
        widget=UnfoldAdminSelectWidget, empty_label=_("The newest valid pass"),
        help_text=_("Of a template whose passes are made when their link is opened, everybody gets that link."),
    )  # fmt: skip
    date_form = forms.ChoiceField(
        label=_("Dates as"), choices=WalletNews.DateForm.choices, widget=UnfoldAdminSelectWidget,
        help_text=_("As the attributes take them. Moments are in the tenant's time zone."),
    )  # fmt: skip
    fill_in = forms.BooleanField(
        label=_("Fill in who is there already"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection = row(self.request, ActitoConnection, self.object_id, Action.CONFIGURE)
        self.settings = WalletNews.objects.filter(connection=self.connection).first() or WalletNews()
        for each in TELLS:
            self.fields[each.field] = forms.CharField(
                label=capfirst(WalletNews._meta.get_field(each.field).verbose_name), required=False, max_length=50,
                widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
            )  # fmt: skip
        templates = rows(self.request, PassTemplate, Action.CONFIGURE).filter(tenant=self.connection.tenant_id)
        self.fields["template"].queryset = templates
        for name in ("active", "date_form", *(each.field for each in TELLS)):
            self.fields[name].initial = getattr(self.settings, name)
        self.fields["template"].initial = self.settings.template_id
        self.order_fields(["active", *(each.field for each in TELLS), "template", "date_form", "fill_in"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        names = {each.field: cleaned.get(each.field, "").strip() for each in TELLS}
        seen: set[str] = set()
        for field, name in names.items():
            self._check(field, name, seen)
            seen.add(name)
        if not any(names.values()):
            self.add_error(TELLS[0].field, _t("Name at least one attribute."))
        if cleaned.get("active") and not self.errors:
            self._look_for(names)
        return {**cleaned, **names}

    def _check(self, field: str, name: str, seen: set[str]) -> None:
        try:
            if name:
                check_attribute(name)
        except Unwritable as error:
            self.add_error(field, told(error.sentence))
        if name and name in seen:
            self.add_error(field, _t("Another value is written to this attribute already."))
        elif name == self.connection.unique_key:
            self.add_error(field, _t("This is the unique attribute, which names the person."))

    def _look_for(self, names: dict[str, str]) -> None:
        """Nothing is switched on that Actito would refuse. Where the table cannot be read, writing will tell."""
        structure = structure_now(self.connection)
        for field, name in names.items():
            if name and structure is not None and structure.lacks((ATTRIBUTES, name)):
                said = _t("“%(table)s” has no attribute “%(name)s”. Make it in Actito, or leave this empty.")
                self.add_error(field, said % {"table": self.connection.table, "name": name})

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        job = wallet_news.prepared(self.connection)
        shown = [
            {"name": getattr(self.settings, each.field), "type": each.type, "example": each.example} for each in TELLS
        ]
        return {
            "attributes": [each for each in shown if each["name"]],
            "table": self.connection.table,
            "stopped": self.settings.stopped,
            "number": job.total,
            "count": spaced(job.total),
            # Each write comes back as a webhook, and is read once.
            "end": end_in_sight(2 * job.total, self.connection.lane),
        }


def structure_now(connection: ActitoConnection) -> Structure | None:
    """What the table has at this moment; None where Actito does not tell."""
    client = ActitoClient(connection)
    client.read_seconds = WAIT_SECONDS
    try:
        return client.structure()
    except Failure:
        return None


class WalletDialogs:
    """What the connection's admin adds."""

    @display(description=_("Wallet news"))
    def wallets(self, connection: ActitoConnection) -> SafeString:
        settings = WalletNews.objects.filter(connection=connection).first()
        if settings is None or not settings.active:
            return chip("quiet", _t("Not written"))
        if settings.stopped:
            return chip("bad", _t("Stopped: %(reason)s") % {"reason": told(settings.stopped)})
        return chip("good", _t("Written to Actito"))

    def history_parts(self, row: Any) -> list[Any]:
        return [*super().history_parts(row), *WalletNews.objects.filter(connection=row)]

    @dialog(
        label=_("Wallet news"), needs=Action.CONFIGURE, title=_("Wallet news back to Actito"), form=WalletNewsForm,
        icon="wallet", submit=_("Save"),
    )  # fmt: skip
    def wallet_news(self, request: HttpRequest, form: WalletNewsForm, connection: ActitoConnection) -> HttpResponse:
        cleaned = form.cleaned_data
        names = ("active", "template", "date_form", *(each.field for each in TELLS))
        values = {name: cleaned[name] for name in names}
        WalletNews.objects.update_or_create(
            connection=connection, defaults={**values, "stopped": "", "refusals": 0}
        )  # fmt: skip
        self.log_change(request, connection, gettext_noop("Wallet news set."))
        url: str = self.change_url(connection)
        if not cleaned["active"]:
            return finished(request, url, _("Wallet news is not written to Actito."))
        job = wallet_news.prepared(connection)
        if not (cleaned["fill_in"] and job.total):
            return finished(request, url, _("Wallet news is written to Actito from now on."))
        jobs.start(job, by=request.user)
        page = reverse("admin:portal_job_change", args=[job.pk])
        return leads_to(
            request, page, _("Wallet news is written to Actito from now on. This fills in those who are there already.")
        )
