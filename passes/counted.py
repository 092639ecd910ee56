"""How many passes there are, by what became of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.db.models import QuerySet

from passes.models import Registration, WalletPass, in_google

Rows = Callable[[Collection[int]], QuerySet[Any]]

# Name -> the rows of these tenants that it counts.
ROWS: dict[str, Rows] = {
    "passes": lambda tenants: WalletPass.objects.filter(tenant_id__in=tenants),
    "on_iphones": lambda tenants: Registration.objects.filter(device__tenant_id__in=tenants),
    "in_google": lambda tenants: in_google().filter(tenant_id__in=tenants),
    "void": lambda tenants: WalletPass.objects.filter(tenant_id__in=tenants, voided=True),
}


def _stock(rows: Rows) -> Callable[[int], int]:
    return lambda tenant: rows([tenant]).order_by().count()


STOCKS = {name: _stock(rows) for name, rows in ROWS.items()}
