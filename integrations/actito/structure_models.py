from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.actito.tables import Change, Structure, changes_of, structure_of
from portal.tenancy import TenantModel


class TableStructure(TenantModel):
    """What a connection's profile table consists of, as last read. Written by integrations.actito.structure alone."""

    connection = models.OneToOneField("actito.ActitoConnection", on_delete=models.CASCADE, related_name="structure",
                                      verbose_name=_("connection"))  # fmt: skip
    # Of which table it was read: a connection that is moved to another one has changed nothing there.
    host = models.URLField()
    entity = models.CharField(_("entity"), max_length=100)
    table = models.CharField(_("profile table"), max_length=100)
    # {"attributes": [{"name": "points", "type": "INTEGER", "unique": false, "label": "Points"}], "subscriptions": []}
    parts = models.JSONField()
    # What changed since somebody last looked, as integrations.actito.tables.Change.
    changes = models.JSONField(default=list)
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("structure of a profile table")
        verbose_name_plural = _("structures of profile tables")

    def __str__(self) -> str:
        return self.table

    def structure(self) -> Structure:
        return structure_of(self.parts)

    def open_changes(self) -> list[Change]:
        return changes_of(self.changes)
