"""A licence is recorded without anybody's data, and what was recorded is read as the real one was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.actito.directory import Directory
from integrations.actito.models import ActitoConnection
from integrations.actito.recording import masked, record, without_people
from integrations.actito.sandbox import ActitoSandbox
from tests.integrations.actito.replayer import exchanges_in, replayed
from tests.world import make_connection, make_tenant

pytestmark = pytest.mark.django_db
LICENCES = Path(__file__).parents[2] / "payloads" / "actito" / "licences"


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    return make_connection(make_tenant(), actito.url)


def recorded(connection: ActitoConnection, folder: Path, profile: str = "emailAddress=anna.peeters@example.com") -> str:
    call_command("record_actito", str(connection.pk), str(folder), profile=profile)
    return "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_no_person_and_no_secret_stands_in_the_files(verdi: ActitoConnection, tmp_path: Path) -> None:
    files = recorded(verdi, tmp_path / "verdi")
    assert "loyalty" in files or "points" in files  # names of attributes are what a recording is for
    for secret in ("nna", "eeters", "example.com", "420", verdi.api_key, "Bearer", verdi.host):
        assert secret not in files, secret


def test_what_was_recorded_is_read_as_the_real_one_was(verdi: ActitoConnection, tmp_path: Path) -> None:
    recorded(verdi, tmp_path / "verdi")
    with replayed(exchanges_in(tmp_path / "verdi")) as address:
        again = make_connection(make_tenant("other"), address)
        real, same = Directory(verdi), Directory(again)
        assert same.entities() == real.entities()
        assert same.tables() == real.tables()
        assert same.structure() == real.structure()
        assert [each.technical_name for each in same.scenarios()] == [each.technical_name for each in real.scenarios()]
        found, profile = same.sample(), real.sample()
        assert found
        assert profile
        assert found.attributes.keys() == profile.attributes.keys()
        assert found.subscriptions == profile.subscriptions


@pytest.mark.parametrize("folder", sorted(LICENCES.glob("*")), ids=lambda folder: folder.name)
def test_every_recorded_licence_can_be_read(folder: Path) -> None:
    """Put a recording under tests/payloads/actito/licences, and its answers are held to here."""
    exchanges = exchanges_in(folder)
    with replayed(exchanges) as address:
        told = record(make_connection(make_tenant(), address), "", lambda exchange: None)
    refused = {each["step"] for each in exchanges if each["status"] >= 400}
    assert {each.step for each in told if each.problem} <= refused


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("Anna Peeters, 27/03/1985", "Xxxx Xxxxxxx, 11/11/1111"), (147471, 111111), (4.5, 1.1), ("Zoë", "Xxx")],
)
def test_a_value_keeps_its_shape_alone(given: Any, wanted: Any) -> None:
    assert masked(given) == wanted


def test_of_a_person_only_what_is_told_keeps_its_name() -> None:
    profile = {"name": "Peeters", "attributes": [{"name": "tier", "value": "Gold"}], "status": "VIP"}
    wanted = {"name": "Xxxxxxx", "attributes": [{"name": "tier", "value": "Xxxx"}], "status": "XXX"}
    assert without_people(profile, personal=True) == wanted


def test_a_folder_with_recordings_and_a_name_of_nobody_are_refused(verdi: ActitoConnection, tmp_path: Path) -> None:
    recorded(verdi, tmp_path)
    with pytest.raises(CommandError, match="holds recordings already"):
        recorded(verdi, tmp_path)
    with pytest.raises(CommandError, match="no connection named Unknown"):
        call_command("record_actito", "Unknown", str(tmp_path))
