"""Who may see and do what: rows of a tenant, and the one table of roles and actions.

Every model says how it reaches its tenant in `tenant_path` ("tenant", "template__tenant"), or sets it to None with a
reason in `tenant_path_reason`. Admin, API and tests all read the rows through `for_user()` and `for_tenant()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from portal.models import Tenant

ModelT_co = TypeVar("ModelT_co", bound=models.Model, covariant=True)


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MARKETER = "marketer", _("Marketer")
    OPERATOR = "operator", _("Operator")
    AUDITOR = "auditor", _("Auditor")


class Action(StrEnum):
    VIEW = "view"
    AUDIT = "audit"  # read the team, the API keys and the history of changes
    EXPORT = "export"  # take customers' data away as a file
    CONFIGURE = "configure"  # mappings, templates, scenarios, rules, messages, review lists
    OPERATE = "operate"  # replay, sync, trigger for one customer, void
    CONNECT = "connect"  # connections, certificates and other secrets, API keys
    TEAM = "team"
    ERASE = "erase"


ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(Action),
    Role.MARKETER: frozenset({Action.VIEW, Action.EXPORT, Action.CONFIGURE}),
    Role.OPERATOR: frozenset({Action.VIEW, Action.OPERATE}),
    Role.AUDITOR: frozenset({Action.VIEW, Action.AUDIT}),
}
# What the people of a suspended tenant may still do.
READING = frozenset({Action.VIEW, Action.AUDIT})


def roles_allowing(action: Action) -> list[Role]:
    return [role for role, actions in ROLE_ACTIONS.items() if action in actions]


def tenant_ids(user: AbstractBaseUser | AnonymousUser, action: Action = Action.VIEW) -> list[int]:
    """The tenants in which a person who is not a superuser may take the action. One query.

    A suspended tenant can be read, nothing else.
    """
    from portal.models import Membership  # noqa: PLC0415 - models import this module

    if not user.is_authenticated or not user.is_active:
        return []
    memberships = Membership.objects.filter(user_id=user.pk, role__in=roles_allowing(action))
    if action not in READING:
        memberships = memberships.filter(tenant__suspended_at=None)
    return list(memberships.values_list("tenant_id", flat=True))


def actions_in(user: AbstractBaseUser | AnonymousUser, tenant_id: int) -> frozenset[Action]:
    """What a person who is not a superuser may do in the tenant. One query."""
    from portal.models import Membership  # noqa: PLC0415 - models import this module

    if not user.is_authenticated or not user.is_active:
        return frozenset()
    held = Membership.objects.filter(user_id=user.pk, tenant_id=tenant_id).values_list("role", "tenant__suspended_at")
    of_roles = ((ROLE_ACTIONS[Role(role)], suspended) for role, suspended in held)
    return frozenset().union(*(actions & READING if suspended else actions for actions, suspended in of_roles))


def is_superuser(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(user.is_active and getattr(user, "is_superuser", False))


def may(user: AbstractBaseUser | AnonymousUser, action: Action, tenant_id: int | None = None) -> bool:
    """Whether the person may take the action in the tenant, or in any tenant when none is given."""
    if is_superuser(user):
        return True
    allowed = tenant_ids(user, action)
    return tenant_id in allowed if tenant_id is not None else bool(allowed)


class TenantQuerySet(models.QuerySet[ModelT_co]):
    def _tenant_path(self) -> str | None:
        return getattr(self.model, "tenant_path", "")

    def for_tenant(self, tenant: Tenant | int) -> Self:
        path = self._tenant_path()
        if not path:
            raise TypeError(f"{self.model.__name__} does not belong to a tenant.")
        key = tenant if isinstance(tenant, int) else tenant.pk
        return self.filter(**{_column(path): key})

    def has_tenant(self) -> bool:
        return bool(self._tenant_path())

    def for_tenants(self, tenants: Iterable[int]) -> Self:
        """The rows of these tenants; none of a model that has no tenant."""
        path = self._tenant_path()
        return self.filter(**{f"{_column(path)}__in": list(tenants)}) if path else self.none()

    def for_user(self, user: AbstractBaseUser | AnonymousUser, action: Action = Action.VIEW) -> Self:
        """The rows of the tenants in which the person may take the action; everything for a superuser."""
        if is_superuser(user):
            return self.all()
        return self.for_tenants(tenant_ids(user, action))


def _column(path: str) -> str:
    """The filter on the tenant's key: a column of the row itself or of the nearest parent, without a join too many."""
    return "pk" if path == "self" else f"{path}_id"


def tenant_id_of(row: models.Model) -> int | None:
    """The tenant a row belongs to, following its path."""
    path = getattr(row, "tenant_path", None)
    if not path:
        return None
    if path == "self":
        return cast(int | None, row.pk)
    *parents, last = path.split("__")
    for name in parents:
        row = getattr(row, name)
    return cast(int | None, getattr(row, f"{last}_id"))


class TenantModel(models.Model):
    """A row of a tenant. All rows that it points to must be of the same tenant."""

    tenant_path: ClassVar[str | None] = "tenant"
    personal: ClassVar[bool] = False  # whether its name is a customer's, which no history may keep
    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", verbose_name=_("tenant"))

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        check_same_tenant(self)


def check_same_tenant(row: models.Model) -> None:
    """Raises ValidationError when a foreign key of the row points into another tenant."""
    own = tenant_id_of(row)
    for field in row._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey) or not getattr(field.related_model, "tenant_path", None):
            continue
        if getattr(row, field.attname) is None or field.name == "tenant":
            continue
        if tenant_id_of(getattr(row, field.name)) != own:
            raise ValidationError({field.name: _("Choose one from your own list.")})
