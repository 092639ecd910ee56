"""Figures of the passes' side, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import Metric

from passes.certificates import ends
from passes.models import AppleCredentials
from portal.metrics import gauge


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
