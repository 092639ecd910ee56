"""An upgrade while everything runs: the old version goes on beside the new columns, the new one waits for them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations import AddField, AddIndex, RemoveIndex
from django.db.migrations.loader import MigrationLoader

from tests.faults.worker import OWN, WorkerProcess, wait_until
from tests.portal.rehearsal import Installation, installed, stored_profiles

OWN_APPS = {"portal", "passes", "actito"}
# Before the first release, when nothing was upgraded under load.
BEFORE = {("portal", "0004_lane_limits")}
LATER = "tests.upgrade_settings"


@pytest.fixture
def portal(own_database: str, tmp_path: Path, django_db_blocker: Any) -> Iterator[Installation]:
    with django_db_blocker.unblock(), installed(tmp_path, own_database) as found:
        yield found


def columns_and_indexes() -> tuple[set[str], set[str]]:
    introspection = connections[OWN].introspection
    with connections[OWN].cursor() as cursor:
        columns = {column.name for column in introspection.get_table_description(cursor, "portal_event")}
        return columns, set(introspection.get_constraints(cursor, "portal_event"))


def test_a_new_column_is_filled_by_the_database_so_that_the_old_version_can_go_on_writing() -> None:
    added = [
        (f"{app}.{name}: {operation.model_name}.{operation.name}", operation.field)
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in OWN_APPS and (app, name) not in BEFORE and not migration.initial
        for operation in migration.operations
        if isinstance(operation, AddField)
    ]
    wrong = [what for what, field in added if not (field.null or field.has_db_default() or field.many_to_many)]
    assert not wrong, "Give it null=True or a db_default."


def test_only_indexes_are_changed_outside_of_a_transaction() -> None:
    """SQLite copies a table to change it: rows that are written meanwhile would be lost."""
    harmless = (AddIndex, RemoveIndex)
    wrong = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in OWN_APPS and not migration.atomic and connection.vendor == "sqlite"
        for operation in migration.operations
        if not isinstance(operation, harmless)
    ]
    assert not wrong, 'Say atomic = connection.vendor == "sqlite".'


@pytest.mark.slow
def test_a_migration_of_the_ledger_is_applied_under_load_and_nothing_is_lost(
    portal: Installation, tmp_path: Path
) -> None:
    (tmp_path / "later").mkdir()
    with portal.busy() as load:
        load.keep_on(2)
        later = WorkerProcess(portal.database, tmp_path / "later", settings_module=LATER)
        try:
            wait_until(
                lambda: "Migrations wait to be applied" in later.log(), 20, "the new worker says what it waits for"
            )
            load.keep_on(2)
            assert not later.groups(), "it works before the migration"
            migrated = portal.command("migrate", "-v", "0", settings_module=LATER)
            assert migrated.returncode == 0, migrated.stderr
            columns, indexes = columns_and_indexes()
            assert "priority" in columns
            assert "event_priority" in indexes
            load.keep_on(2)  # old web processes and old workers write rows without the new column
            wait_until(later.groups, 20, "the new worker begins")
            load.keep_on(1)
            assert later.process.poll() is None
        finally:
            load.stop()
            assert len(load.accepted) > 20
            assert not load.refused
            wait_until(lambda: not portal.undone(), 60, "all work is done")
            later.clean_up()
        log = (tmp_path / "worker.log").read_text()
        assert "cluster=died" not in log
        assert "Traceback" not in log
    assert set(load.accepted) <= stored_profiles()


@pytest.mark.slow
def test_a_worker_that_waits_for_migrations_ends_when_it_is_told_to(portal: Installation) -> None:
    worker = WorkerProcess(portal.database, portal.folder, settings_module=LATER)
    try:
        wait_until(lambda: "Migrations wait to be applied" in worker.log(), 20, "it waits")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(10) == 0
    finally:
        worker.clean_up()
