"""The team's push key in the admin: put in, and removed again. It is never shown."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import UnfoldAdminTextInputWidget

from passes.admin.uploads import FILE_LIMIT
from passes.apple.provider import UnusableKey, key_pem
from passes.models import AppleCredentials
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.forms import SecretTextarea
from portal.tenancy import Action

_KEY_ID = re.compile(r"[A-Z0-9]{10}")


class PushKeyForm(DialogForm):
    key_id = forms.CharField(
        label=_("Key ID"), max_length=20, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Ten letters and digits, as in the name of the file: AuthKey_ABC123DEFG.p8."),
    )  # fmt: skip
    key = forms.CharField(
        label=_("Key"), max_length=FILE_LIMIT,
        widget=SecretTextarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Open the .p8 file in a text editor and paste all of it. It is stored encrypted."),
    )  # fmt: skip

    def clean_key_id(self) -> str:
        given = str(self.cleaned_data["key_id"]).strip().upper()
        if not _KEY_ID.fullmatch(given):
            raise forms.ValidationError(_t("A key ID has ten letters and digits."))
        return given

    def clean_key(self) -> str:
        try:
            return key_pem(self.cleaned_data["key"])
        except UnusableKey:
            said = _t("This is not Apple's .p8 key. Copy it whole, with its first and last line.")
        raise forms.ValidationError(said)


class PushKey:
    """The dialogs of AppleCredentialsAdmin about the push key."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        actions = list(super().get_actions_detail(request, object_id))  # type: ignore[misc]
        if actions and AppleCredentials.objects.filter(pk=object_id).exclude(push_key_id="").exists():
            return actions
        return [each for each in actions if not each.action_name.endswith("_remove_push_key")]

    @dialog(
        label=_("Push key"), needs=Action.CONNECT, title=_("Push with a key of the team?"), form=PushKeyForm,
        icon="vpn_key", submit=_("Store"),
        description=_(
            "A key of your Apple team (Keys, with the Apple Push Notifications service) wakes the phones in place of "
            "the certificate, and does not end each year. The certificate goes on signing the cards."
        ),
    )  # fmt: skip
    def push_key(self, request: HttpRequest, form: PushKeyForm, apple: AppleCredentials) -> HttpResponse:
        apple.push_key, apple.push_key_id = form.cleaned_data["key"], form.cleaned_data["key_id"]
        apple.save(update_fields=["push_key", "push_key_id"])
        self.log_change(request, apple, gettext_noop("Push key stored."))  # type: ignore[attr-defined]
        return finished(request, self.change_url(apple), _("Phones are pushed with the key now."))  # type: ignore[attr-defined]

    @dialog(
        label=_("Remove the push key"), needs=Action.CONNECT, title=_("Remove the push key?"), icon="key_off",
        submit=_("Remove"), description=_("It goes for good. Phones are pushed with the certificate again."),
    )  # fmt: skip
    def remove_push_key(self, request: HttpRequest, form: DialogForm, apple: AppleCredentials) -> HttpResponse:
        apple.push_key, apple.push_key_id = "", ""
        apple.save(update_fields=["push_key", "push_key_id"])
        self.log_change(request, apple, gettext_noop("Push key removed."))  # type: ignore[attr-defined]
        return finished(request, self.change_url(apple), _("Phones are pushed with the certificate."))  # type: ignore[attr-defined]
