"""Whose connections are one licence: those that one secret reaches at one address, whatever name was entered."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from integrations.actito.licences import prove_all
from integrations.actito.models import ActitoConnection
from portal.models import Lane, LaneProof, SharedBudget
from tests.world import make_connection, make_tenant

pytestmark = pytest.mark.django_db
HOST = "https://api3.actito.com"


@pytest.fixture
def verdi() -> ActitoConnection:
    return make_connection(make_tenant("verdi"), HOST)


def rossi(**values: Any) -> ActitoConnection:
    return make_connection(make_tenant("rossi"), **{"host": HOST, **values})


def are_one(*connections: ActitoConnection) -> bool:
    lanes = Lane.objects.filter(pk__in=[each.lane_id for each in connections])
    shared = set(lanes.values_list("shared", flat=True))
    return len(shared) == 1 and shared != {None}


def test_tenants_that_use_one_key_share_the_licence_also_under_another_name(verdi: ActitoConnection) -> None:
    assert are_one(verdi, rossi(licence="Rossi's own name for it", host=f"{HOST.upper().replace('HTTPS', 'https')}/"))


@pytest.mark.parametrize(
    "values",
    [{"api_key": "another"}, {"host": "https://api1.actito.com"}, {"account": "verdi/ws", "path_style": "legacy"}],
)
def test_the_name_of_a_licence_alone_proves_nothing(verdi: ActitoConnection, values: dict[str, str]) -> None:
    assert not are_one(verdi, rossi(licence=verdi.licence, **values))
    assert not SharedBudget.objects.exists()


def test_two_keys_of_one_licence_are_one_where_somebody_uses_both(verdi: ActitoConnection) -> None:
    theirs = rossi(api_key="another")
    second = make_connection(verdi.tenant, HOST, name="Shop", table="Shop", api_key="another")
    assert are_one(verdi, theirs)
    second.api_key = "a third"
    second.save()
    assert not are_one(verdi, theirs)


def test_a_connection_that_moves_to_another_licence_shares_no_longer(verdi: ActitoConnection) -> None:
    theirs = rossi()
    theirs.licence, theirs.api_key = "another", "another"
    before = theirs.lane_id
    theirs.save()
    assert theirs.lane_id != before
    assert not SharedBudget.objects.exists()
    assert not LaneProof.objects.filter(lane=before).exists()


def test_whoever_calls_the_licence_otherwise_leaves_the_count_of_its_calls_alone(verdi: ActitoConnection) -> None:
    theirs = rossi()
    counted = SharedBudget.objects.get()
    for number in range(8):  # lanes of any number
        theirs.licence = f"name {number}"
        theirs.save()
        assert SharedBudget.objects.get() == counted
        assert are_one(verdi, theirs)


def test_every_day_what_no_save_told_of_is_put_right(verdi: ActitoConnection) -> None:
    theirs = rossi()
    digests = set(LaneProof.objects.values_list("digest", flat=True))
    assert len(digests) == 1
    assert "sandbox-api-key" not in digests
    with override_settings(ENCRYPTION_KEYS=["u" * 43 + "="]):  # the secrets cannot be read with it
        prove_all([])
    assert not LaneProof.objects.exists()
    prove_all([])
    assert are_one(verdi, theirs)
    theirs.delete()
    prove_all([])
    assert [*Lane.objects.filter(shared__isnull=False)] == []
    assert set(LaneProof.objects.values_list("digest", flat=True)) == digests
