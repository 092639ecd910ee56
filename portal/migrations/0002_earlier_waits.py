from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Whether one of the 20 newest Events of a subject before this one waits and is covered by one run with it. As a function,
# PostgreSQL plans it once per connection; inside each arrival's INSERT, planning it took longer than the INSERT itself.
MAKE = """
CREATE FUNCTION portal_earlier_waits(its_tenant bigint, its_subject text, its_kind text, its_id bigint)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM (
            SELECT past.kind, past.coalesces, past.status FROM portal_event past
            WHERE past.tenant_id = its_tenant AND past.subject = its_subject AND past.id < its_id
            ORDER BY past.id DESC LIMIT 20
        ) earlier WHERE earlier.kind = its_kind AND earlier.coalesces AND earlier.status = 'waiting'
    );
END $$
"""
REMOVE = "DROP FUNCTION portal_earlier_waits(bigint, text, text, bigint)"


def make(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(MAKE)


def remove(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(REMOVE)


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunPython(make, remove)]
