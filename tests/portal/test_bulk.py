"""Rows by thousands, beneath the ORM: as the ORM would have written them."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from portal import bulk
from portal.models import Customer, Identity, Tenant
from tests.world import make_tenant

pytestmark = pytest.mark.django_db
COLUMNS = ["id", "tenant_id", "key", "language", "values", "origins", "created_at"]
STRANGE = "tab\tline\nback\\slash \\N \\. “quoted” \N{GRINNING FACE}"
MOMENT = datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)


def put(tenant: Tenant, *keys: str) -> list[Customer]:
    reserved = bulk.reserve(Customer, len(keys))
    moment = bulk.moment(MOMENT)
    told = zip(reserved, keys, strict=True)
    rows = [(pk, tenant.pk, key, "", json.dumps({"said": key}), "{}", moment) for pk, key in told]
    bulk.insert(Customer, COLUMNS, rows)
    return list(Customer.objects.filter(pk__in=reserved).order_by("pk"))


def test_what_is_inserted_is_read_as_it_was_given() -> None:
    tenant = make_tenant()
    strange, plain = put(tenant, STRANGE, "Anna@example.com")
    assert (strange.key, strange.values) == (STRANGE, {"said": STRANGE})
    assert (plain.lowered_key, plain.created_at, plain.changed_at) == ("anna@example.com", MOMENT, None)


def test_an_update_leaves_what_is_none_and_all_other_rows() -> None:
    tenant = make_tenant()
    anna, bram, cees = put(tenant, "anna", "bram", "cees")
    later = bulk.moment(MOMENT + timedelta(days=1))
    bulk.update(Customer, ["language", "changed_at", "id"], [("fr", None, anna.pk), ("nl", later, bram.pk)])
    bulk.update(Customer, ["changed_at", "id"], [(None, bram.pk)])
    bulk.update(Customer, ["changed_at", "id"], [])
    assert list(Customer.objects.order_by("pk").values_list("key", "language", "changed_at")) == [
        ("anna", "fr", None), ("bram", "nl", MOMENT + timedelta(days=1)), ("cees", "", None),
    ]  # fmt: skip
    assert cees == Customer.objects.get(language="")


def test_reserved_keys_are_given_to_nobody_else() -> None:
    tenant = make_tenant()
    (anna,) = put(tenant, "anna")
    bram = Customer.objects.create(tenant=tenant, key="bram")
    gone = bram.pk
    bram.delete()
    (cees,) = put(tenant, "cees")
    dora = Customer.objects.create(tenant=tenant, key="dora")
    assert anna.pk < gone < cees.pk < dora.pk
    assert list(bulk.reserve(Customer, 0)) == []


def test_a_row_that_is_there_already_is_refused_as_by_the_orm() -> None:
    tenant = make_tenant()
    (anna,) = put(tenant, "anna")
    columns = ["tenant_id", "customer_id", "namespace", "value", "number"]
    row = tenant.pk, anna.pk, "actito:1", "7", 1
    bulk.insert(Identity, columns, [row])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(Identity, columns, [row])


def test_the_garbage_collector_comes_back_whatever_happens() -> None:
    @bulk.at_once()
    def work() -> None:
        with bulk.at_once():
            assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        work()
    assert gc.isenabled()
