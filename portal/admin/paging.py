"""Lists that hold at millions of rows.

A page is found in two steps: first the keys of its rows, which an index alone gives, then the rows themselves. An
index gives keys in order within one tenant, status or subject only; so a list is asked branch by branch, and the
database merges the branches as it reads them. Counts and searches stop at a limit. Figures: docs/admin.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from unfold.views import ChangeList

from portal.admin.rights import allowed_tenants
from portal.tenancy import Action
from portal.watch.words import spaced

COUNT_LIMIT = 10_000
SEARCH_LIMIT = 500
TERM_LIMIT = 200
# SQLite takes 500 parts of a UNION. Beyond it (a superuser who looks at hundreds of tenants) the index helps less.
BRANCH_LIMIT = 400
MORE_FOUND = "_portal_more_found"  # set on a request whose search found more than it may


class AtLeast(int):
    """A count that stopped at its limit."""

    def __str__(self) -> str:
        return f"{spaced(self)}+"


def keys_in_order(rows: QuerySet[Any], branches: Iterable[Q] = ()) -> QuerySet[Any]:
    """What the rows are ordered by, the key last. The branches together must cover the rows, each row once.

    Branches are equalities that an index begins with: it then gives the rest in order, and no row is sorted or read.
    """
    order = [str(each) for each in rows.query.order_by or rows.model._meta.ordering]
    # PostgreSQL merges branches that say their order; SQLite takes no order in a branch, and merges them all the same.
    inner = order if connection.features.supports_slicing_ordering_in_compound else []
    return _merged(rows, branches, [name.removeprefix("-") for name in order], inner).order_by(*order)


def _merged(
    rows: QuerySet[Any], branches: Iterable[Q], columns: Sequence[str], order: Sequence[str] = ()
) -> QuerySet[Any]:
    bare = rows.select_related(None).order_by(*order).values_list(*columns)
    first, *others = [bare.filter(branch) for branch in branches] or [bare]
    return first.union(*others, all=True) if others else first


def newest(rows: QuerySet[Any], branches: Iterable[Q], limit: int) -> list[Any]:
    """The first rows in their order."""
    return _in_order(rows, [found[-1] for found in keys_in_order(rows, branches)[:limit]])


def _in_order(rows: QuerySet[Any], keys: Sequence[Any]) -> list[Any]:
    found = rows.order_by().in_bulk(keys)
    return [found[key] for key in keys if key in found]


def by_tenant(tenants: Iterable[int], parts: Sequence[Q] = (Q(),)) -> list[Q]:
    """A branch for each tenant and part; none where there would be too many."""
    branches = [Q(tenant_id=tenant) & part for tenant in sorted(tenants) for part in parts]
    return branches if len(branches) <= BRANCH_LIMIT else []


def lowered(term: str) -> Lower:
    """As the database itself lowers: what is stored was lowered by it."""
    return Lower(Value(term))


class CappedPaginator(Paginator):
    """Counts to a limit only: nobody turns to page 201, and counting millions of rows takes longer than showing 50."""

    def __init__(self, *args: Any, branches: Sequence[Q] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.branches = branches

    @cached_property
    def count(self) -> int:
        if not isinstance(self.object_list, QuerySet):
            return len(self.object_list)
        number = _merged(self.object_list, self.branches, ["pk"])[: COUNT_LIMIT + 1].count()
        return AtLeast(COUNT_LIMIT) if number > COUNT_LIMIT else number

    def nearest(self, number: int) -> int:
        """The page with that number, or the first or last one."""
        return min(max(number, 1), self.num_pages)

    def keys(self, number: int) -> list[Any]:
        """The keys of the rows of a page."""
        first = (number - 1) * self.per_page
        last = min(first + self.per_page, self.count)
        return [found[-1] for found in keys_in_order(self.object_list, self.branches)[first:last]]


class ManyRowsList(ChangeList):
    """Takes the keys of a page first. Its order is its own, whatever the address asks for."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        orders = [order for spec in self.filter_specs if (order := getattr(spec, "order", None)) and spec.value()]
        return list(orders[0]) if orders else list(self.lookup_opts.ordering)

    def get_ordering_field_columns(self) -> dict[int, str]:
        return {}

    def get_results(self, request: HttpRequest) -> None:
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.result_count = self.paginator.count
        self.page_num = self.paginator.nearest(self.page_num)
        rows = self.apply_select_related(self.root_queryset)
        self.result_list = _in_order(rows, self.paginator.keys(self.page_num))
        self.multi_page = self.result_count > self.list_per_page
        self.can_show_all, self.show_full_result_count, self.full_result_count = False, False, None
        self.show_admin_actions = True
        if MORE_FOUND in request.__dict__:
            said = _("More than %(number)s begin like this. Type more of it to find the others.")
            messages.info(request, said % {"number": spaced(SEARCH_LIMIT)})


class ManyRows:
    """For the admin of a model whose tenants may have millions of rows.

    Its indexes begin with the tenant; its filters are answers that an index gives in the order of the list.
    """

    sortable_by = ()
    search_path: ClassVar[str] = "pk"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ManyRowsList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, **kwargs: Any) -> Paginator:
        return CappedPaginator(queryset, per_page, branches=self._branches(request), **kwargs)

    def _branches(self, request: HttpRequest) -> list[Q]:
        if request.GET.get(SEARCH_VAR, "").strip():
            return []  # a search has found its few rows already
        return by_tenant(allowed_tenants(request, Action.VIEW), self.parts(request))

    def parts(self, request: HttpRequest) -> list[Q]:
        """What else the index begins with, beside the tenant; all possible values when the person chose none."""
        return [Q()]

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """The rows of the list, or those that `search_path` leads to, whose name begins with the term."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The index of names has another order than the list, so some rows at most are found, then put in order."""
        term = search_term.strip()
        if not term or not self.search_fields:
            return queryset, False
        tenants = allowed_tenants(request, Action.VIEW)  # its index begins with them, a superuser's list does not
        found = self.begins_with(queryset, term).filter(tenant_id__in=tenants)
        keys = list(found.select_related(None).order_by().values_list("pk", flat=True)[: SEARCH_LIMIT + 1])
        if len(keys) > SEARCH_LIMIT:
            request.__dict__[MORE_FOUND] = True
        return queryset.filter(**{f"{self.search_path}__in": keys[:SEARCH_LIMIT]}), False


def shortened_search(request: HttpRequest) -> HttpResponse | None:
    """Leads to the same list with a search that a database takes, when a longer one was sent."""
    asked = request.GET.get(SEARCH_VAR, "")
    if len(asked) <= TERM_LIMIT:
        return None
    messages.warning(request, _("Only the first %(number)d characters are searched for.") % {"number": TERM_LIMIT})
    query = request.GET.copy()
    query[SEARCH_VAR] = asked[:TERM_LIMIT]
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
