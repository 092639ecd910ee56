"""What higher storeys add to the portal's pages. They register in `AppConfig.ready()`; nothing here imports them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from portal.admin.filters import Question
from portal.models import Customer
from portal.tenancy import Action


@dataclass(frozen=True)
class Panel:
    """A card on the home page or on a customer's page."""

    title: Any
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    position: int = 50
    wide: bool = False


@dataclass(frozen=True)
class Figure:
    """A number on the home page, with the list behind it. `parts`: (title, number, address) of what it is made of."""

    title: Any
    value: Any
    url: str = ""
    note: Any = ""
    position: int = 50
    parts: tuple[tuple[Any, str, str], ...] = ()


@dataclass(frozen=True)
class FirstStep:
    """A step of the first hour, for those who may take it: the home page shows how it stands (portal.admin.checklist).

    `done`: whether these tenants have it. `where`: a page that suits better than `url_name`, once there is one.
    `optional`: not everybody needs it, and nothing waits for it.
    """

    position: int
    title: Any
    sentence: Any
    button: Any
    url_name: str
    needs: Action
    done: Callable[[Collection[int]], bool]
    where: Callable[[Collection[int]], str | None] | None = None
    optional: bool = False


@dataclass(frozen=True)
class RemoteAccount:
    """A connection or certificate, as far as pages of the portal name it."""

    tenant_id: int
    title: str
    url: str
    lane_id: int
    resume_url: str
    source: str = ""  # how API keys and identities name it; empty for what nobody speaks for


@dataclass(frozen=True)
class Column:
    """A column of the customer list. `annotation` makes a value of the row, `show` makes it readable."""

    name: str
    title: Any
    annotation: Callable[[], Any]
    show: Callable[[Any], Any]


@dataclass(frozen=True)
class Link:
    """A key of Event payloads that names a row with a page: {"customer": 7}."""

    key: str
    title: Any
    model: type[Model]
    url_name: str
    person: Callable[[Any], str] | None = None  # whom the row is about, for the list of events
    joined: tuple[str, ...] = ()  # what its name and `person` read along the way
    kinds: str = ""  # how the kinds of Events begin that mean this by the key; empty: all


@dataclass(frozen=True)
class Carried:
    """A value that an Event carries, and what a replay would make of it: `after` equals `before` where it stays."""

    where: str  # the pass, by its template's name
    name: str
    sent: Any
    before: Any
    after: Any

    @property
    def stays(self) -> bool:
        return bool(self.before == self.after)


def named_subjects(customer: Customer) -> list[str]:
    """Subjects that hold a name of the customer's."""
    own = [f"{each.namespace}:profile:{each.value}" for each in customer.identities.all()]
    return [*own, *(subject for more in extensions.customer_names for subject in more(customer))]


@dataclass
class Extensions:
    home_panels: list[Callable[[HttpRequest], Panel | None]] = field(default_factory=list)
    home_figures: list[Callable[[HttpRequest], Iterable[Figure]]] = field(default_factory=list)
    first_steps: list[FirstStep] = field(default_factory=list)
    accounts: list[Callable[[Iterable[int]], Iterable[RemoteAccount]]] = field(default_factory=list)
    customer_panels: list[Callable[[HttpRequest, Customer], Panel | None]] = field(default_factory=list)
    customer_columns: list[Column] = field(default_factory=list)
    customer_filters: list[type[Question]] = field(default_factory=list)
    # Subjects that hold a name by which another system knows the customer: they go with an erasure.
    customer_names: list[Callable[[Customer], Iterable[str]]] = field(default_factory=list)
    customer_subjects: list[Callable[[Customer], Iterable[str]]] = field(default_factory=list)
    customer_syncs: list[Callable[[Customer], int]] = field(default_factory=list)
    # Kinds of Events that carry values -> what a replay of one would do to them.
    carried: dict[str, Callable[[Any], list[Carried]]] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    def subjects_of(self, customer: Customer) -> list[str]:
        """What Events about the customer are about."""
        added = [subject for more in self.customer_subjects for subject in more(customer)]
        return [f"customer:{customer.pk}", *named_subjects(customer), *added]

    def accounts_of(self, tenant_ids: Iterable[int]) -> list[RemoteAccount]:
        wanted = list(tenant_ids)
        return [account for each in self.accounts for account in each(wanted)]


extensions = Extensions()
