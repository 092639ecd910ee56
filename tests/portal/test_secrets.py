"""Secrets at rest: bound to their row, rotated as a whole, and never read by accident."""

from __future__ import annotations

import base64
import io
import json
import pickle
from typing import Any

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from integrations.actito.models import ActitoConnection
from portal import secrets
from portal.ledger import lane_id_for
from portal.secrets import Ciphertext, SecretError, encrypt, encrypted_fields
from tests.world import ACTITO_KEY, make_connection, make_tenant

pytestmark = pytest.mark.django_db

OLD, NEW = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture(autouse=True)
def _old_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def row() -> ActitoConnection:
    return make_connection(make_tenant())


def stored(row: ActitoConnection) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT api_key FROM actito_actitoconnection WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


def reloaded(row: ActitoConnection) -> ActitoConnection:
    return ActitoConnection.objects.get(pk=row.pk)


# At rest


@pytest.mark.parametrize("secret", ["key", "Zoë 🎉", "x" * 100_000, "v1:abcd:efgh", "line\nbreak", " "])
def test_a_secret_comes_back_as_it_went_in(row: ActitoConnection, secret: str) -> None:
    row.api_key = secret
    row.save()
    assert secret not in stored(row).removeprefix("v1:")
    assert row.api_key == secret
    assert reloaded(row).api_key == secret


def test_an_empty_secret_stays_empty(row: ActitoConnection) -> None:
    row.api_key = ""
    row.save()
    assert reloaded(row).api_key == ""


def test_the_same_secret_is_stored_differently_in_each_row(row: ActitoConnection) -> None:
    other = make_connection(row.tenant, name="Other")
    assert stored(row) != stored(other)


def test_saving_a_row_that_was_loaded_leaves_its_secret_as_it_is(row: ActitoConnection) -> None:
    before = stored(row)
    again = reloaded(row)
    again.name = "Renamed"
    again.save()
    assert stored(row) == before


def test_a_ciphertext_copied_to_another_row_is_refused(row: ActitoConnection) -> None:
    other = make_connection(make_tenant("rivale"), api_key="of-rivale")
    with database.cursor() as cursor:
        cursor.execute("UPDATE actito_actitoconnection SET api_key = %s WHERE id = %s", [stored(other), row.pk])
    with pytest.raises(SecretError, match="does not belong to this row"):
        _ = reloaded(row).api_key


@pytest.mark.parametrize(
    "damage", ["v1:only", "nonsense", "v1:00000000:AAAA", "v1:{id}:****", "v1:{id}:", "v1:{id}:AAAA"]
)
def test_a_damaged_secret_is_told_in_a_sentence(row: ActitoConnection, damage: str) -> None:
    text = damage.format(id=Ciphertext(stored(row)).key_id)
    with database.cursor() as cursor:
        cursor.execute("UPDATE actito_actitoconnection SET api_key = %s WHERE id = %s", [text, row.pk])
    with pytest.raises(SecretError):
        _ = reloaded(row).api_key


def test_without_its_key_a_secret_names_the_key_it_needs(row: ActitoConnection, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(SecretError, match=Ciphertext(stored(row)).key_id):
        _ = reloaded(row).api_key


def test_without_any_key_nothing_is_stored(row: ActitoConnection, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(SecretError, match="ENCRYPTION_KEYS is empty"):
        encrypt("key", "row")


# Ways around a row


def test_values_show_the_ciphertext_only(row: ActitoConnection) -> None:
    assert ACTITO_KEY not in repr(list(ActitoConnection.objects.values()))
    assert ActitoConnection.objects.values_list("api_key", flat=True).get() == stored(row)


def test_a_deferred_secret_is_fetched_when_it_is_asked_for(row: ActitoConnection) -> None:
    for found in (ActitoConnection.objects.defer("api_key").get(), ActitoConnection.objects.only("name").get()):
        assert "api_key" not in found.__dict__
        assert found.api_key == ACTITO_KEY
        assert isinstance(found.__dict__["api_key"], Ciphertext)


def test_refreshing_a_row_keeps_its_secret(row: ActitoConnection) -> None:
    row.refresh_from_db()
    assert row.api_key == ACTITO_KEY
    row.save()
    assert reloaded(row).api_key == ACTITO_KEY


def test_many_rows_made_at_once_are_encrypted_each(row: ActitoConnection) -> None:
    rows = [
        ActitoConnection(
            tenant=row.tenant, name=f"C{number}", host="https://a.example", licence="l", entity="e", table="t",
            api_key=f"key-{number}", lane_id=lane_id_for(row.tenant_id),
        )
        for number in range(3)
    ]  # fmt: skip
    ActitoConnection.objects.bulk_create(rows)
    for each in rows:
        assert "key-" not in stored(each)
        assert reloaded(each).api_key == each.api_key


@pytest.mark.parametrize(
    "write",
    [
        lambda rows, row: rows.update(api_key="plain"),
        lambda rows, row: rows.bulk_update([row], ["api_key"]),
        lambda rows, row: rows.filter(api_key="plain").count(),
    ],
    ids=["update", "bulk_update", "filter"],
)
def test_a_plain_secret_never_reaches_the_database(row: ActitoConnection, write: Any) -> None:
    row.api_key = "plain"
    before = stored(row)
    with pytest.raises(TypeError), transaction.atomic():
        write(ActitoConnection.objects.all(), row)
    assert stored(row) == before


def test_a_dump_holds_the_ciphertext_only(row: ActitoConnection) -> None:
    row.refresh_from_db()
    dumped = serializers.serialize("json", [reloaded(row)])
    assert ACTITO_KEY not in dumped
    assert json.loads(dumped)[0]["fields"]["api_key"] == stored(row)


def test_a_pickled_row_holds_the_ciphertext_only(row: ActitoConnection) -> None:
    again = reloaded(row)
    _ = again.api_key
    assert ACTITO_KEY.encode() not in pickle.dumps(again)


def test_a_row_tells_no_secret_when_it_is_shown(row: ActitoConnection) -> None:
    assert ACTITO_KEY not in f"{row} {row!r}"


# Rotation


def rotate(**options: Any) -> str:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out, **options)
    return out.getvalue()


def test_every_model_with_secrets_takes_part_in_the_rotation() -> None:
    names = {f"{model.__name__}.{field.name}" for model, field in encrypted_fields()}
    assert names >= {"ActitoConnection.api_key", "AppleCredentials.private_key", "WalletPass.authentication_token"}


def test_a_rotation_stores_everything_under_the_newest_key(row: ActitoConnection, settings: Settings) -> None:
    make_connection(row.tenant, name="Other", api_key="another")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    said = rotate()
    assert "actito.ActitoConnection.api_key: 2 rotated" in said
    assert "older keys can be removed" in said
    settings.ENCRYPTION_KEYS = [NEW]
    assert {each.api_key for each in ActitoConnection.objects.all()} == {ACTITO_KEY, "another"}
    assert "2 up to date" in rotate()


def test_a_dry_run_changes_nothing(row: ActitoConnection, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    before = stored(row)
    said = rotate(dry_run=True)
    assert "actito.ActitoConnection.api_key: 1 to rotate" in said
    assert f"Still in use: key {Ciphertext(before).key_id} (1)" in said
    assert stored(row) == before


def test_a_rotation_leaves_what_it_cannot_read_and_says_so(row: ActitoConnection, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    other = make_connection(row.tenant, name="Other", api_key="another")
    before = stored(row)
    with pytest.raises(CommandError, match=f"ActitoConnection {row.pk}: The secret was stored with key"):
        rotate()
    assert stored(row) == before
    assert reloaded(other).api_key == "another"


def test_a_rotation_never_overwrites_a_secret_that_was_entered_meanwhile(
    row: ActitoConnection, settings: Settings
) -> None:
    field = ActitoConnection._meta.get_field("api_key")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    seen = reloaded(row)
    row.api_key = "entered meanwhile"
    row.save()
    assert secrets.rotate(seen, field) is False  # type: ignore[arg-type]
    assert reloaded(row).api_key == "entered meanwhile"


def test_an_error_page_of_the_api_tells_no_secret(row: ActitoConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(row.api_key)

    monkeypatch.setattr("portal.access.check_key", fail)
    answer = Client(raise_request_exception=False).post("/api/verdi/webhooks/listeners/actito/profile/Update")
    assert answer.status_code == 500
    assert ACTITO_KEY not in answer.content.decode()
