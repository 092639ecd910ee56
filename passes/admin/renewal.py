"""Renewal in the admin: the next certificate waits beside the one in use, one dialog switches, another removes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from passes.admin.shown import days_chip, known_facts, nfc_words
from passes.models import AppleCredentials, SpareCertificate
from passes.renewal import judged, switch
from portal.admin.base import TenantTabularInline
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import row
from portal.tenancy import Action


class SpareInline(TenantTabularInline):
    model = SpareCertificate
    fields = readonly_fields = ("validity", "nfc", "issuer", "serial", "used_until")
    verbose_name_plural = _("Other certificates of this pass type")

    @display(description=_("Validity"))
    def validity(self, spare: SpareCertificate) -> str:
        return days_chip(spare.certificate)

    @display(description=_("NFC"))
    def nfc(self, spare: SpareCertificate) -> str:
        return nfc_words(spare.certificate)

    @display(description=_("Made by"))
    def issuer(self, spare: SpareCertificate) -> str:
        found = known_facts(spare.certificate)
        return found.issuer if found else "–"

    @display(description=_("Serial number"))
    def serial(self, spare: SpareCertificate) -> str:
        return str(spare)


class SpareForm(DialogForm):
    """Asks for one of the spare certificates of the row."""

    spare = forms.ModelChoiceField(
        label=_("Certificate"), queryset=SpareCertificate.objects.none(), widget=UnfoldAdminSelectWidget,
        empty_label=None,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.apple = row(self.request, AppleCredentials, self.object_id, Action.CONNECT)
        self.fields["spare"].queryset = self.apple.spares.all()
        self.fields["spare"].label_from_instance = lambda spare: described(spare.certificate)


class SwitchForm(SpareForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["spare"].help_text = _t("In use now: %(certificate)s.") % {
            "certificate": described(self.apple.certificate)
        }

    def clean_spare(self) -> SpareCertificate:
        chosen: SpareCertificate = self.cleaned_data["spare"]
        if problems := judged(self.apple, chosen).problems:
            raise forms.ValidationError(list(problems))
        return chosen


def described(certificate: str) -> str:
    """“until 3 Mar 2028, with NFC, no. 4F…”"""
    found = known_facts(certificate)
    if found is None:
        return _t("cannot be read")
    parts = [_t("until %(day)s") % {"day": date_format(found.ends_at, "j M Y")}]
    parts += [_t("with NFC")] if found.nfc else []
    return ", ".join([*parts, _t("no. %(serial)s") % {"serial": f"{found.serial[:8]}…"}])


class Renewal:
    """The dialogs of AppleCredentialsAdmin about spare certificates; they show only where there is one."""

    def get_inlines(self, request: HttpRequest, obj: AppleCredentials | None) -> list[Any]:
        return [SpareInline] if obj is not None else []

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        if actions and SpareCertificate.objects.filter(apple_id=object_id).exists():
            return list(actions)
        return [each for each in actions if not each.action_name.endswith(("_switch", "_remove"))]

    @dialog(
        label=_("Switch certificate"), needs=Action.CONNECT, title=_("Switch to another certificate?"), form=SwitchForm,
        icon="swap_horiz", submit=_("Switch"), variant=ActionVariant.PRIMARY,
        description=_(
            "From now on it signs the passes and tells the phones. Cards on phones stay as they are: pass type and "
            "team are the same. The one in use now is kept, and you can switch back."
        ),
    )  # fmt: skip
    def switch(self, request: HttpRequest, form: SwitchForm, apple: AppleCredentials) -> HttpResponse:
        switch(apple, form.cleaned_data["spare"])
        self.log_change(request, apple, gettext_noop("Certificate switched."))  # type: ignore[attr-defined]
        return finished(request, self.change_url(apple), _("The other certificate is in use now."))  # type: ignore[attr-defined]

    @dialog(
        label=_("Remove a certificate"), needs=Action.CONNECT, title=_("Remove a certificate?"), form=SpareForm,
        icon="delete", submit=_("Remove"),
        description=_("Its private key goes with it, for good. The certificate in use stays."),
    )  # fmt: skip
    def remove(self, request: HttpRequest, form: SpareForm, apple: AppleCredentials) -> HttpResponse:
        form.cleaned_data["spare"].delete()
        self.log_change(request, apple, gettext_noop("Certificate removed."))  # type: ignore[attr-defined]
        return finished(request, self.change_url(apple), _("The certificate is removed."))  # type: ignore[attr-defined]
