"""The server of bench.ingest: the portal as it is, and beside it a view that only parses JSON and makes one row."""

from __future__ import annotations

import json
import uuid
from typing import Any

from portal.wsgi import application  # isort: skip - it sets Django up

from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from portal.models import Event
from portal.urls import urlpatterns as portal_urls

__all__ = ["Bare", "application", "urlpatterns"]
settings.ROOT_URLCONF = __name__


class Bare(models.Model):
    """As wide as an Event: the same columns, and no index but its number's."""

    tenant_id = models.BigIntegerField()
    lane_id = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    coalesces = models.BooleanField(default=False)
    payload = models.JSONField(default=dict)
    source = models.CharField(max_length=60)
    source_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - as an Event's
    body_hash = models.CharField(max_length=64, default="")
    repeats = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=12, default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    first_failed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    leased_by = models.CharField(max_length=80, default="")
    correlation_id = models.UUIDField(default=uuid.uuid4)
    parent_id = models.BigIntegerField(null=True)
    merged_into_id = models.BigIntegerField(null=True)
    job_id = models.BigIntegerField(null=True)
    outcome = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"#{self.pk}"


def columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields]


if columns(Bare) != columns(Event):
    raise RuntimeError("bench.bare.Bare is no longer as wide as an Event.")


@csrf_exempt
def bare(request: HttpRequest, tenant: str) -> HttpResponse:
    body: dict[str, Any] = json.loads(request.body)
    profile = body["data"]["profileId"]
    Bare.objects.create(
        tenant_id=1,
        lane_id=1,
        kind="actito.profile",
        subject=f"actito:1:profile:{profile}",
        coalesces=True,
        payload={"connection": 1, "profile": str(profile), "event_type": "UPDATE", "body": json.dumps(body["data"])},
        source="actito:1",
        source_id=body["id"],
        body_hash="0" * 64,
    )
    return HttpResponse()


# Beside the webhooks, so that all middleware treats both alike.
urlpatterns = [path("api/<str:tenant>/webhooks/bare", bare), *portal_urls]
