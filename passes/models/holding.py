"""On how many phones a pass is, in either wallet, to be looked up for each row that is read."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from passes.models.device import Registration
from passes.models.google import GoogleObject


def phones_count() -> Combinable:
    """Of a pass. Google does not say how many phones one holder has: it counts as one."""
    return _count(Registration.objects.filter(wallet_pass=OuterRef("pk")), "wallet_pass") + _count(
        in_google().filter(wallet_pass=OuterRef("pk")), "wallet_pass"
    )


def phones_of_customer() -> Combinable:
    """Of a customer, over all passes."""
    path = "wallet_pass__customer"
    return _count(Registration.objects.filter(**{path: OuterRef("pk")}), path) + _count(
        in_google().filter(**{path: OuterRef("pk")}), path
    )


def on_a_phone() -> Q:
    """For passes that somebody has in a wallet."""
    return Q(Exists(Registration.objects.filter(wallet_pass=OuterRef("pk")))) | Q(
        Exists(in_google().filter(wallet_pass=OuterRef("pk")))
    )


def in_google() -> QuerySet[GoogleObject]:
    found: QuerySet[GoogleObject] = GoogleObject.objects.filter(installed_at__isnull=False)
    return found


def _count(rows: QuerySet[Registration] | QuerySet[GoogleObject], path: str) -> Coalesce:
    grouped = rows.order_by().values(path).annotate(number=Count("pk"))
    return Coalesce(Subquery(grouped.values("number")), 0)
