"""PostgreSQL stopped as by a crash, while webhooks come in and while work is drained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.faults.cluster import Cluster, own_cluster
from tests.faults.conftest import ON_SQLITE, site_on
from tests.faults.harness import OUTAGE_SECONDS, Site, prove
from tests.faults.worker import OWN, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(ON_SQLITE, reason="a file cannot be stopped")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as one:
        yield one


@pytest.fixture(scope="module")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Site]:
    with django_db_blocker.unblock(), site_on(cluster.url, tmp_path_factory.mktemp("site")) as one:
        yield one


def stop_for(cluster: Cluster, seconds: float) -> None:
    connections[OWN].close()
    cluster.stop()
    time.sleep(seconds)
    cluster.start()


def test_nothing_is_lost_or_doubled_by_a_stop_during_ingest(site: Site, cluster: Cluster) -> None:
    with site.load("ingest") as load:
        stop_for(cluster, OUTAGE_SECONDS)
        load.mark()
    assert load.answers[503] > 0
    prove(site, load, f"PostgreSQL stopped for {OUTAGE_SECONDS:g} s during ingest")
    assert_the_workers_go_on(site)


def test_nothing_is_lost_or_doubled_by_a_stop_during_drain(site: Site, cluster: Cluster) -> None:
    """Work piles up at a slow vendor, so that runs, batches and claims ahead meet the lost database."""
    site.vendor.takes_seconds = 0.05
    with site.load("drain", per_second=60) as load:
        time.sleep(2)
        stop_for(cluster, OUTAGE_SECONDS)
        load.mark()
    site.vendor.takes_seconds = 0.01
    prove(site, load, f"PostgreSQL stopped for {OUTAGE_SECONDS:g} s during drain")
    assert_the_workers_go_on(site)


def assert_the_workers_go_on(site: Site) -> None:
    assert site.worker
    text = site.worker.log()
    assert "database=unreachable" in text
    assert len(site.worker.groups()) == 1  # nothing that lived was killed
    wait_until(lambda: site.database.serve_one(5) < 1, 10, "work is served at once")
