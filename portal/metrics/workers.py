"""The executor's side: hearts and queue."""

from __future__ import annotations

import math
from collections.abc import Iterator

from django.apps import apps
from django.db.models import Count, Max, Q
from django.utils import timezone
from prometheus_client import Metric

from portal.metrics import gauge
from portal.models import Heart
from portal.watch.hearts import alive_since


def hearts() -> Iterator[Metric]:
    now = timezone.now()
    alive = Q(beat_at__gte=alive_since(now))
    found = Heart.objects.aggregate(number=Count("pk", filter=alive), newest=Max("beat_at"))
    yield gauge("portal_workers", "Worker processes that live.", (), [(found["number"],)])
    # Where none was ever seen, a limit on the age must be exceeded all the same.
    age = max(0.0, (now - found["newest"]).total_seconds()) if found["newest"] else math.inf
    yield gauge("portal_worker_heart_age_seconds", "Since the last sign of life of any worker.", (), [(age,)])


def queue() -> Iterator[Metric]:
    """django-q2's table, by name: its cluster is not for web processes to load."""
    taken = Q(lock__gt=timezone.now())
    found = apps.get_model("django_q", "OrmQ").objects.aggregate(
        queued=Count("pk", filter=~taken), taken=Count("pk", filter=taken)
    )
    yield gauge("portal_queue_tasks", "Tasks in the workers' queues.", ("state",), found.items())
