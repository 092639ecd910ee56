"""The files of a certificate in a form: read together, judged together, and never shown again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminPasswordWidget

from passes.apple.certificate import Verdict, Wanted, judge
from passes.apple.upload import Upload, read
from portal.admin.forms import SecretTextarea

FILE_LIMIT = 64 * 1024


class CertificateFile(forms.FileField):
    widget = UnfoldAdminFileFieldWidget

    def clean(self, data: Any, initial: Any = None) -> bytes:
        given: UploadedFile | None = super().clean(data, initial)
        if not given:
            return b""
        if (given.size or 0) > FILE_LIMIT:
            raise forms.ValidationError(_("This file is too large for a certificate or key."))
        return bytes(given.read())


class UploadFields(forms.Form):
    """What any form takes that a certificate is uploaded with."""

    file = CertificateFile(
        label=_("Certificate file"), required=False,
        help_text=_("The .p12 that the keychain exports, or the .cer that Apple gave for a request made here."),
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password of the file"), required=False, strip=False, max_length=200,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Chosen when it was exported; often empty. It is used once and not stored."),
    )  # fmt: skip
    key_file = CertificateFile(
        label=_("Private key file"), required=False, help_text=_("Only if the key is in a file of its own.")
    )
    text = forms.CharField(
        label=_("Or paste PEM text"), required=False, max_length=FILE_LIMIT,
        widget=SecretTextarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Certificate and key, one after the other."),
    )  # fmt: skip
    intermediate_file = CertificateFile(
        label=_("Intermediate certificate file"), required=False,
        help_text=_("Apple's own is found by itself. Only if the portal asks for it."),
    )  # fmt: skip


def upload_of(cleaned: dict[str, Any]) -> Upload:
    """Everything that was chosen and pasted, as one."""
    password, found = cleaned.get("password") or "", Upload()
    for name in ("file", "key_file", "text", "intermediate_file"):
        given = cleaned.get(name) or b""
        found += read(given.encode() if isinstance(given, str) else given, password)
    return found


def judged(upload: Upload, wanted: Wanted) -> Verdict:
    return judge(upload, wanted, rehearsal=settings.SANDBOX)
