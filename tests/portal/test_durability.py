"""Commits that need not wait for the disk, and only those."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from portal.durability import unhurried, write_unhurried
from portal.models import Tenant
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRESQL = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="asks PostgreSQL for its log")


def in_one_statement(tenant: Tenant, name: str) -> None:
    table = Tenant._meta.db_table
    row = write_unhurried(f"UPDATE {table} SET name = %s WHERE id = %s RETURNING name, id", [name, tenant.pk])
    assert row == (name, tenant.pk)


def in_a_block(tenant: Tenant, name: str) -> None:
    with unhurried():
        Tenant.objects.filter(pk=tenant.pk).update(name=name)


def usually(tenant: Tenant, name: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(name=name)


def told(setting: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(setting)
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("write", [in_one_statement, in_a_block])
def test_it_is_committed_and_what_comes_after_waits_for_the_disk_again(write: Callable[[Tenant, str], None]) -> None:
    tenant = make.TenantFactory.make()
    write(tenant, "Changed")
    assert Tenant.objects.get().name == "Changed"
    if connection.vendor == "postgresql":
        assert told("SHOW synchronous_commit") == "on"
    else:
        assert told("PRAGMA synchronous") == "2"  # FULL


@POSTGRESQL
@pytest.mark.parametrize(("write", "waits"), [(in_one_statement, False), (in_a_block, False), (usually, True)])
def test_whether_a_commit_waits_is_seen_in_the_log(write: Callable[[Tenant, str], None], waits: bool) -> None:
    tenant = make.TenantFactory.make()
    on_disk = 0
    for number in range(40):
        before = told("SELECT pg_current_wal_insert_lsn()")
        write(tenant, f"Number {number}")
        on_disk += told(f"SELECT pg_current_wal_flush_lsn() > '{before}'") == "True"
    # Others take the log to the disk, too, so a commit that does not wait may be there all the same.
    assert on_disk == 40 if waits else on_disk < 40


def test_an_update_that_finds_nothing_returns_nothing() -> None:
    assert write_unhurried(f"UPDATE {Tenant._meta.db_table} SET name = 'x' WHERE id = %s RETURNING id", [-1]) is None
