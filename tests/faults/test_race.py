"""Several real processes on one database: the last change wins, and nothing is lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.apart import run_apart


def run_race(mode: str, url: str, var: Path, *, subjects: int = 100, **more: str) -> dict[str, Any]:
    environment = {"WORKER_THREADS": "4", **more}
    ended = run_apart("tests.faults.race", f"main({mode!r}, {subjects})", url=url, folder=var, **environment)
    counts: dict[str, Any] = json.loads(ended.stdout)
    sys.stdout.write(f"{mode} on {settings.DATABASES['default']['ENGINE']}: {counts}\n")
    if mode != "stopped":
        assert ended.stderr == ""  # no claim failed, no statement met a locked database
    return counts


def check(counts: dict[str, Any]) -> None:
    assert counts["exits"] == [0] * 5
    assert (counts["stale"], counts["lost"]) == (0, 0)
    assert set(counts["statuses"]) <= {"done", "merged"}
    assert sum(counts["statuses"].values()) == counts["arrivals"]
    assert counts["reads"] < counts["arrivals"]


@pytest.mark.parametrize("subjects", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_the_last_change_wins_for_every_subject_while_workers_race(
    own_database: str, tmp_path: Path, subjects: int
) -> None:
    counts = run_race("race", own_database, tmp_path, subjects=subjects)
    check(counts)
    assert counts["reads"] == counts["statuses"]["done"]


@pytest.mark.slow
def test_workers_that_stood_still_for_longer_than_their_lease_change_nothing(own_database: str, tmp_path: Path) -> None:
    check(run_race("stopped", own_database, tmp_path, LEASE_SECONDS="1", HEART_SECONDS="0.2"))


def test_the_same_vendor_event_id_posted_by_two_at_once_is_one_event(own_database: str, tmp_path: Path) -> None:
    counts = run_race("twins", own_database, tmp_path)
    assert counts == {"repeats": [99], "exits": [0, 0]}
