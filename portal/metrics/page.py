"""/metrics: one answer for Prometheus, whatever a collector or the database does meanwhile."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from portal.aside import Aside
from portal.metrics.registry import collectors, gauge, load
from portal.readiness import DATABASE, Check, State, checks_now

log = logging.getLogger(__name__)

# Prometheus itself gives up after ten seconds.
LIMIT_SECONDS = 5.0


@dataclass(frozen=True)
class Read:
    """What a collector gave, and in how many seconds; None when it failed."""

    name: str
    families: list[Metric] | None
    seconds: float


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Not there (404) until METRICS_TOKEN is set; then for those alone who bear it."""
    if not settings.METRICS_TOKEN:
        return HttpResponse("There is nothing at this address.", status=404, content_type="text/plain")
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if not _bears_token(request.headers.get("Authorization", "")):
        challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return HttpResponse("This needs the token.", status=401, content_type="text/plain", headers=challenge)
    body = told() if request.method == "GET" else b""
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _bears_token(authorization: str) -> bool:
    scheme, _, token = authorization.partition(" ")
    given = token.strip().encode(errors="replace")
    return scheme.lower() == "bearer" and hmac.compare_digest(given, settings.METRICS_TOKEN.encode())


def told() -> bytes:
    checks = checks_now()
    # A database that gives no answer is not asked again, collector by collector.
    reachable = all(check.state is State.OK for check in checks if check.name == DATABASE)
    return exposition(_aside.ask() if reachable else [], checks)


def scrape() -> Iterator[Read]:
    for name, dotted in collectors().items():
        began = time.monotonic()
        families = _families(name, dotted)
        yield Read(name, families, time.monotonic() - began)


def _families(name: str, dotted: str) -> list[Metric] | None:
    try:
        return list(load(dotted)())
    except Exception as error:  # whatever it is, the other figures are still told
        log.error("metrics=%s not_read (%s)", name, type(error).__name__)
        return None


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(found: list[Read], checks: list[Check]) -> bytes:
    read = {each.name: each for each in found if each.families is not None}
    families = [family for each in read.values() for family in each.families or ()]
    return generate_latest(_Families([*families, *_own(read, checks)]))


def _own(read: dict[str, Read], checks: list[Check]) -> Iterator[Metric]:
    """What is known without the database."""
    states = [(check.name, check.state is State.OK) for check in checks]
    yield gauge("portal_check_ok", "The checks of /health/ready.", ("check",), states)
    errors = [(name, name not in read) for name in collectors()]
    yield gauge("portal_scrape_errors", "1 where a collector could not be read.", ("collector",), errors)
    seconds = [(each.name, each.seconds) for each in read.values()]
    yield gauge("portal_scrape_seconds", "How long a collector took.", ("collector",), seconds)


_aside = Aside(scrape, seconds=LIMIT_SECONDS)
