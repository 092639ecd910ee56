"""The links on which customers get a pass themselves, as a list for mailings or for an attribute of profiles."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from passes.api.wishes import LinkSearch, link_search_of
from passes.issuing import Way, choices_open_to
from passes.links import link_to_get
from passes.models import PassTemplate
from portal.access import caller_of
from portal.models import Customer, Scope
from portal.problems import BadQuery
from portal.webhook import Endpoint

NOT_OPEN = "There is no active, published template with this number whose passes customers get by a link."


class LinksView(Endpoint):
    """`GET links`: a page of customers with their links to a template, those who came first before."""

    http_method_names = ["get", "head"]
    required_scope = Scope.PASS_READ

    def get(self, request: Request, tenant: str) -> Response:
        search = link_search_of(request.query_params.dict())
        template = _template(caller_of(request).tenant_id, search.template)
        found = list(_customers(template, search)[: search.limit + 1])
        page = found[: search.limit]
        links = [{"customer": each.key, "link": link_to_get(template, each)} for each in page]
        following = _address(tenant, request, page[-1]) if len(found) > search.limit else None
        return Response({"links": links, "next": following})


def _template(tenant_id: int, key: int) -> PassTemplate:
    """Raises BadQuery."""
    templates = PassTemplate.objects.for_tenant(tenant_id).filter(active=True, published__isnull=False)
    found: PassTemplate | None = templates.filter(pk=key, issue__in=choices_open_to(Way.LINK)).first()
    if found is None:
        raise BadQuery({"template": [NOT_OPEN]})
    return found


def _customers(template: PassTemplate, search: LinkSearch) -> QuerySet[Customer]:
    customers: QuerySet[Customer] = Customer.objects.for_tenant(template.tenant_id).filter(pk__gt=search.after)
    if search.customer is not None:
        # The key as it is spelt has no index.
        customers = customers.filter(key=search.customer, lowered_key=Lower(Value(search.customer)))
    return customers.order_by("pk").only("key")


def _address(tenant: str, request: Request, last: Customer) -> Any:
    query = urlencode({**request.query_params.dict(), "after": last.pk})
    return f"{settings.PUBLIC_URL}{reverse('api-links', args=[tenant])}?{query}"
