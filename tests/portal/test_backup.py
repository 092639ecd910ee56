"""Backup and restore: rehearsed on a busy portal, and refused where they would do harm."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.models import Event
from tests.faults.worker import OWN, WorkerProcess, wait_until
from tests.live import web
from tests.portal.rehearsal import Installation, installed, stored_profiles

pytestmark = pytest.mark.slow


@pytest.fixture
def portal(own_database: str, tmp_path: Path, django_db_blocker: Any) -> Iterator[Installation]:
    with django_db_blocker.unblock(), installed(tmp_path, own_database) as found:
        yield found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_accepted_before_a_backup_survives_the_loss_of_everything(
    portal: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    with portal.busy() as load:
        load.keep_on(3)
        wait_until(lambda: len(load.accepted) > 20, 20, "webhooks are accepted")
        wait_until(lambda: Event.objects.using(OWN).filter(status="leased").exists(), 10, "something runs")
        accepted, work = list(load.accepted), set(portal.database.events().values_list("pk", flat=True))
        saved = portal.command("backup", str(folder))
        assert saved.returncode == 0, saved.stderr
        assert "in the clear" in saved.stderr
        load.keep_on(1)
        assert not load.refused
    portal.destroy()
    restored = portal.command("restore", str(folder))
    assert restored.returncode == 0, restored.stderr
    assert "All stored secrets can be read" in restored.stdout
    assert set(accepted) <= stored_profiles()
    assert work <= set(portal.database.events().values_list("pk", flat=True))
    worker = WorkerProcess(portal.database, portal.folder)
    try:
        wait_until(lambda: not portal.undone(), 60, "what ran and what waited is done")
        with web(portal.server):  # the key that senders hold is good as before
            assert portal.server.post('{"profileId": 999999}')[0] == 200
        assert "999999" in stored_profiles()
    finally:
        worker.clean_up()


def test_a_backup_is_for_its_owner_alone_and_says_what_it_is(portal: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    portal.command("backup", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["version"] == "0.1.0"
    assert "portal.0001_initial" in manifest["migrations"]
    assert len(manifest["keys_needed"]) == 1
    assert mode(folder) == mode(folder / "keys") == 0o700
    assert {mode(path) for path in [*(folder / "keys").iterdir(), folder / manifest["file"]]} == {0o600}
    assert "exists already" in portal.command("backup", str(folder)).stderr
    without = portal.command("backup", str(tmp_path / "other"), "--without-keys")
    assert "The keys are not in it" in without.stderr
    assert not (tmp_path / "other" / "keys").exists()


def test_a_restore_that_would_do_harm_is_refused_and_changes_nothing(portal: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    portal.command("backup", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = portal.database.put().pk
    assert "The database is not empty" in portal.command("restore", str(folder)).stderr
    (folder / "manifest.json").write_text(json.dumps({**manifest, "migrations": ["portal.9999_later"]}))
    assert "9999_later" in portal.command("restore", str(folder), "--yes").stderr
    (folder / "manifest.json").write_text(json.dumps({**manifest, "keys_needed": ["0badc0de"]}))
    assert "0badc0de, which is not in ENCRYPTION_KEYS" in portal.command("restore", str(folder), "--yes").stderr
    (folder / "manifest.json").write_text(json.dumps({**manifest, "sha256": "0"}))
    assert "is damaged" in portal.command("restore", str(folder), "--yes").stderr
    assert "holds no backup" in portal.command("restore", str(tmp_path), "--yes").stderr
    assert portal.database.events().filter(pk=kept).exists()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert portal.command("restore", str(folder), "--yes").returncode == 0
    assert not portal.database.events().filter(pk=kept).exists()


def test_nothing_is_restored_under_a_running_worker(portal: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    portal.command("backup", str(folder))
    worker = WorkerProcess(portal.database, portal.folder)
    try:
        portal.database.serve_one(30)
        assert "A worker is running" in portal.command("restore", str(folder), "--yes").stderr
    finally:
        worker.clean_up()
