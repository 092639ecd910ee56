"""Figures of the passes' side, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import Metric

from passes.answering import unheard
from passes.certificates import ends
from passes.models import AppleCredentials
from portal.metrics import gauge
from portal.models import Tenant

PHONES_COUNTED = 10_000


def certificates() -> Iterator[Metric]:
    rows = AppleCredentials.objects.values_list(
        "tenant__slug", "pass_type_identifier", "certificate", "intermediate"
    ).order_by()
    parts = [(tenant, name, *each) for tenant, name, *pems in rows for each in ends(*pems)]
    now = datetime.now(UTC)
    yield gauge(
        "portal_certificate_days_left", "Days until a certificate ends.", ("tenant", "certificate", "part"),
        [(*labels, (end - now).total_seconds() / 86_400) for *labels, end in parts],
    )  # fmt: skip


def phones() -> Iterator[Metric]:
    counted = []
    for tenant_id, slug in Tenant.objects.values_list("pk", "slug"):
        # Counted up to a limit: it may be many where Apple's pushes do not arrive.
        counted.append((slug, unheard().filter(tenant=tenant_id).order_by()[:PHONES_COUNTED].count()))
    yield gauge("portal_phones_unheard", "Phones that did not ask what changed after a push.", ("tenant",), counted)
