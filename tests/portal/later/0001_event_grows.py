"""A column and an index for the ledger, as the next version may bring them: filled in by the database itself."""

from typing import ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models

COLUMN = "priority"


class _OfTheLedger:
    """An operation of this app on the ledger's table, whose own migrations stay as they are."""

    def state_forwards(self, app_label, state):
        super().state_forwards("portal", state)

    def database_forwards(self, app_label, editor, from_state, to_state):
        super().database_forwards("portal", editor, from_state, to_state)


class AddColumn(_OfTheLedger, migrations.AddField):
    pass


class AddIndex(_OfTheLedger, AddIndexConcurrently if connection.vendor == "postgresql" else migrations.AddIndex):
    pass


class Migration(migrations.Migration):
    # PostgreSQL builds an index without a lock outside of transactions only. SQLite copies the whole table for a new
    # column: outside of a transaction, what is written meanwhile would be lost.
    atomic = connection.vendor == "sqlite"
    dependencies: ClassVar = [("portal", "0001_initial")]
    operations: ClassVar = [
        AddColumn("event", COLUMN, models.PositiveSmallIntegerField(db_default=0)),
        AddIndex("event", models.Index(fields=["tenant", COLUMN], name="event_priority")),
    ]
