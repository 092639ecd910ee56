"""PostgreSQL's own tools. The password travels in the environment, never on a command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.db import connection, transaction

from portal.backup.manifest import BackupError

FILE = "database.dump"
# Rows of processes that will be gone: queues and hearts.
_OF_PROCESSES = ("django_q_ormq", "portal_heart")
# libpq's names for what a database URL may say besides.
_OPTIONS = {name: f"PG{name.upper()}" for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "service")}
# A web process that still serves holds its tables for moments only.
_LOCK_SECONDS = 10


def dump(path: Path) -> None:
    """A consistent picture of one moment; nobody has to stop for it."""
    left_out = [f"--exclude-table-data={table}" for table in _OF_PROCESSES]
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", *left_out, f"--file={path}")


def load(path: Path) -> None:
    """Replaces all tables; none of the present ones stays."""
    connection.close()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")
    connection.close()
    _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
         f"--dbname={connection.settings_dict['NAME']}", str(path))  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # plans would be made from nothing until the server's own turn comes


def _run(tool: str, *arguments: str) -> None:
    try:
        ended = subprocess.run([tool, *arguments], env=_environment(), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BackupError(f"{tool} is not installed here. It comes with PostgreSQL's client tools.") from error
    if ended.returncode:
        raise BackupError(f"{tool} failed: {ended.stderr.strip()[-500:]}")


def _environment() -> dict[str, str]:
    named = connection.settings_dict
    given = {"PGHOST": named["HOST"], "PGPORT": named["PORT"], "PGUSER": named["USER"], "PGPASSWORD": named["PASSWORD"],
             "PGDATABASE": named["NAME"]}  # fmt: skip
    options = {variable: named["OPTIONS"].get(name) for name, variable in _OPTIONS.items()}
    return {**os.environ, **{name: str(text) for name, text in {**given, **options}.items() if text}}
