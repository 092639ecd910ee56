from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.tenancy import TenantQuerySet


class Unchangeable(TypeError):
    """What has happened stays written."""


class ChangeQuerySet(TenantQuerySet["Change"]):
    def update(self, **values: Any) -> NoReturn:
        raise Unchangeable("The history of changes is only added to.")

    def delete(self) -> NoReturn:
        raise Unchangeable("The history of changes is only added to.")


class Change(models.Model):
    """Who changed what of the configuration, when, from what, to what. `portal.history` is the only writer."""

    class Kind(models.TextChoices):
        ADDED = "added", _("Added")
        CHANGED = "changed", _("Changed")
        REMOVED = "removed", _("Removed")
        DONE = "done", _("Done")

    tenant_path: ClassVar[str | None] = "tenant"

    # Empty for what belongs to the whole installation, such as accounts: only superusers see that.
    tenant = models.ForeignKey(
        "portal.Tenant", on_delete=models.CASCADE, null=True, related_name="+", db_index=False,
        verbose_name=_("tenant"),
    )  # fmt: skip
    at = models.DateTimeField(_("when"), default=timezone.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    who = models.CharField(_("who"), max_length=150, help_text=_("Kept when the account is gone."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    model = models.CharField(_("of"), max_length=100, help_text="The model's label, such as passes.passtemplate.")
    object_key = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    sentence = models.TextField(_("what"), blank=True, default="")
    # [{"part": "", "row": "", "field": "name", "before": "A", "after": "B"}], see portal.history.
    differences = models.JSONField(default=list)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        indexes = [
            models.Index(fields=["tenant", "-id"], name="change_newest"),
            models.Index(fields=["model", "object_key", "-id"], name="change_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Unchangeable("The history of changes is only added to.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Unchangeable("The history of changes is only added to.")
