"""Forms of tenants' rows: the tenant is filled in and checked, secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelChoiceField
from django.forms.models import InlineForeignKeyField
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from portal.secrets import EncryptedTextField
from portal.tenancy import TenantQuerySet


class SecretTextarea(UnfoldAdminTextareaWidget):
    """Several lines, such as a PEM key. What is stored is never rendered."""

    def format_value(self, value: Any) -> str:
        return ""


def secret_names(model: type[Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


def secret_field(db_field: EncryptedTextField, *, lines: bool) -> forms.CharField:
    attrs = {"autocomplete": "off" if lines else "new-password", "spellcheck": "false"}
    widget = SecretTextarea(attrs={**attrs, "rows": 4}) if lines else UnfoldAdminPasswordWidget(attrs=attrs)
    return forms.CharField(label=capfirst(db_field.verbose_name), widget=widget,
                           required=not db_field.blank, help_text=db_field.help_text)  # fmt: skip


class TenantForm(forms.ModelForm):
    """The form of every `TenantAdmin`."""

    tenant_for_new: int | None = None  # set by TenantAdmin for people who see one tenant only
    changed_meanwhile: ClassVar[str] = ""  # set by Recorded: what others saved while the form was open
    # Where secrets are sent to: {"api_key": "host"}. Whoever changes the address must know the secret.
    secret_addresses: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and self.tenant_for_new and "tenant" not in self.fields:
            self.instance.tenant_id = self.tenant_for_new
        self._keep_to_tenant(getattr(self.instance, "tenant_id", None))
        for name in secret_names(self._meta.model):
            self.initial.pop(name, None)
            if name in self.fields and self.instance.pk and self.instance.__dict__.get(name):
                self.fields[name].required = False
                self.fields[name].help_text = _("Stored. Leave empty to keep it, or enter a new one.")

    def _keep_to_tenant(self, tenant_id: int | None) -> None:
        """Once the tenant is known, other rows are chosen from it alone."""
        for field in self.fields.values():
            model = getattr(getattr(field, "queryset", None), "model", None)
            if tenant_id and isinstance(field, ModelChoiceField) and getattr(model, "tenant_path", None):
                field.queryset = field.queryset & TenantQuerySet(model).for_tenant(tenant_id)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.changed_meanwhile:
            self.add_error(None, self.changed_meanwhile)
        for name, address in self.secret_addresses.items():
            changed = address in cleaned and cleaned[address] != self.initial.get(address)
            if self.instance.pk and changed and not cleaned.get(name):
                said = _("Enter the %(secret)s again: it would go to another address.")
                secret = self._meta.model._meta.get_field(name).verbose_name
                self.add_error(name if name in self.fields else None, said % {"secret": secret})
        for name in secret_names(self._meta.model):
            if self.instance.pk and not cleaned.get(name):
                cleaned.pop(name, None)  # the stored one stays
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """The tenant takes part in unique constraints, whether the person saw the field or not."""
        return super()._get_validation_exclusions() - {"tenant"}

    def validate_unique(self) -> None:
        """A line of an inline is compared with stored ones that the form does not show: somebody may have added them.

        Django leaves the parent out of its constraints, and would meet them in the database.
        """
        super().validate_unique()
        if any(isinstance(field, InlineForeignKeyField) for field in self.fields.values()):
            try:
                self.instance.validate_constraints(exclude=self._get_validation_exclusions())
            except ValidationError as error:
                self._update_errors(error)
