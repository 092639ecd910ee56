"""What a person may do in the admin: the table of `portal.tenancy`, asked once per request."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from portal.models import Tenant
from portal.tenancy import Action, TenantQuerySet, actions_in, is_superuser, tenant_id_of, tenant_ids

CHOSEN_TENANT = "portal_tenant"  # in the session: the key of the tenant that the person went over to


def tenants_within_reach(request: HttpRequest) -> QuerySet[Tenant]:
    """The tenants that the person may go over to, by name."""
    tenants = Tenant.objects.order_by("name", "pk")
    return tenants if is_superuser(request.user) else tenants.filter(pk__in=tenant_ids(request.user))


def current_tenant_id(request: HttpRequest) -> int | None:
    """The tenant that the person works in; None for superusers who look at all, and for people without any."""
    kept = request.__dict__
    if "_portal_current" not in kept:
        kept["_portal_current"] = _current(request)
    return kept["_portal_current"]  # type: ignore[no-any-return]


def _current(request: HttpRequest) -> int | None:
    session = getattr(request, "session", None)
    chosen = session.get(CHOSEN_TENANT) if session is not None else None
    within_reach = tenants_within_reach(request).values_list("pk", flat=True)
    if chosen is not None and (found := within_reach.filter(pk=chosen).first()):
        return found
    if is_superuser(request.user):
        return None
    first = within_reach.first()
    if session is not None and first is not None:
        session[CHOSEN_TENANT] = first  # somebody who is added to another team stays where they are
    return first


def allowed_tenants(request: HttpRequest, action: Action) -> frozenset[int]:
    """Where the person may take the action, among what is looked at. A page asks often; the database is asked once."""
    kept = request.__dict__
    if "_portal_allowed" not in kept:
        kept["_portal_allowed"] = _allowed(request)
    allowed: dict[Action, frozenset[int]] = kept["_portal_allowed"]
    return allowed[action]


def _allowed(request: HttpRequest) -> dict[Action, frozenset[int]]:
    here = current_tenant_id(request)
    if is_superuser(request.user):
        looked_at = frozenset(Tenant.objects.values_list("pk", flat=True) if here is None else [here])
        return dict.fromkeys(Action, looked_at)
    may = actions_in(request.user, here) if here is not None else frozenset()
    return {action: frozenset({here} if here is not None and action in may else ()) for action in Action}


def forget(request: HttpRequest) -> None:
    """The database is asked again: for decisions that are made under a lock, and after a change of tenant."""
    for name in ("_portal_allowed", "_portal_current", "_portal_tenant"):
        request.__dict__.pop(name, None)


def may_here(request: HttpRequest, action: Action | None, tenant_id: int | None = None) -> bool:
    """Whether the person may take the action in the tenant, or in any when none is given. Nobody may do None."""
    if action is None:
        return False
    if tenant_id is None:
        return is_superuser(request.user) or bool(allowed_tenants(request, action))
    return tenant_id in allowed_tenants(request, action)


def rows(request: HttpRequest, model: type[Model], action: Action | None = Action.VIEW) -> QuerySet[Any]:
    """The rows of a model in the tenants where the person may take the action."""
    found = TenantQuerySet(model)
    if action is None:
        return found.none()
    if is_superuser(request.user) and (current_tenant_id(request) is None or not found.has_tenant()):
        return found.all()
    return found.for_tenants(allowed_tenants(request, action))


def row(request: HttpRequest, model: type[Model], key: Any, action: Action | None = Action.VIEW) -> Any:
    """One row by its key. Raises Http404, as if it did not exist, for a row of somebody else."""
    try:
        return rows(request, model, action).get(pk=key)
    except (model.DoesNotExist, ValueError, ValidationError) as error:
        raise Http404 from error


def tenant_of(model: type[Model], row_or_key: Any) -> int | None:
    """The tenant of a row, or of the row with that key: unfold hands over keys as text."""
    if isinstance(row_or_key, Model):
        return tenant_id_of(row_or_key)
    path = getattr(model, "tenant_path", None)
    if not path:
        return None
    column = "pk" if path == "self" else f"{path}_id"
    try:
        found: int | None = TenantQuerySet(model).filter(pk=row_or_key).values_list(column, flat=True).first()
    except (ValueError, ValidationError):
        return None
    return found
