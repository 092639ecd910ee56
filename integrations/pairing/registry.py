"""What both sides of a pairing bring: registered in their `AppConfig.ready()` by the dotted name of a class.

    consent_side("didomi", "integrations.didomi.side.Didomi")
    profile_side("actito", "integrations.actito.side.Actito")

A source, such as didomi:1, begins with the name of its side. What is asked here reads the database, save where it says
that it calls the vendor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from django.utils.module_loading import import_string

from portal.models import Customer
from portal.sentences import Sentence


@dataclass(frozen=True)
class Choice:
    """A connection to choose, or a path, a subscription or an attribute of one."""

    value: str
    title: str


@dataclass(frozen=True)
class Attribute:
    name: str
    mandatory: bool = False


@dataclass(frozen=True)
class Table:
    """What is known of the profile table. None: nothing is known of that part."""

    unique_key: str
    subscriptions: Sequence[str] | None = None
    attributes: Sequence[Attribute] | None = None

    def mandatory(self) -> list[str]:
        return [each.name for each in self.attributes or [] if each.mandatory]

    def has_attribute(self, name: str) -> bool | None:
        return None if self.attributes is None else any(each.name == name for each in self.attributes)


@dataclass(frozen=True)
class Filled:
    """Whence the side's own settings fill a customer value: from a subscription, an attribute, another part."""

    part: str  # "subscriptions", "attributes", …
    target: str


@dataclass(frozen=True)
class Told:
    """One consent event of a person, as any consent platform might tell it."""

    key: str  # organization_user_id: the person's unique key; empty where the event has none
    at: datetime  # when the person decided
    # What it says, by path in each way of spelling it: True, False, a text, or None where no choice was made.
    leaves: Mapping[str, bool | str | None]
    # Paths that two different consents of the event are spelled as.
    ambiguous: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # For the proof: {"event": "…", "delegate": {…}, "proofs": […], "regulation": "gdpr", "shown": …}.
    proof: Mapping[str, Any] = field(default_factory=dict)
    # No event, but the person's state as it was read: only what differs from the last that is known of it is news.
    was_read: bool = False


@dataclass(frozen=True)
class Received:
    """A consent event that came, for samples and rehearsals. `told` None: it brings nothing; `skipped` says why."""

    event_id: int
    created_at: datetime
    told: Told | None
    skipped: Sentence = field(default_factory=Sentence)


@dataclass(frozen=True)
class Person:
    """Somebody whom a profile side knows. `subject`: of Events about the profile; `key`: the unique key, or empty."""

    customer: int
    key: str
    subject: str


class Side(Protocol):
    """Made without arguments."""

    # The kind of the Event that reads one person for a comparison (integrations.pairing.comparing).
    compares: str

    def offered(self, tenants: Collection[int]) -> list[Choice]:
        """The connections to choose from; `value` is the source."""
        ...

    def title(self, source: str) -> str:
        """The connection's name; empty for one that was deleted."""
        ...

    def page(self, source: str) -> str:
        """The address of the connection's page in the admin."""
        ...

    def lane_id(self, tenant_id: int, source: str) -> int | None:
        """The lane of calls to it; None for a connection that was deleted, or is another tenant's."""
        ...


class ConsentSide(Side, Protocol):
    def paths(self, source: str) -> list[Choice]:
        """What the organisation asks people for, from its catalogue and from what came lately."""
        ...

    def path_problem(self, source: str, path: str, *, both_ways: bool) -> Sentence:
        """Why this is no path, or cannot be written back; empty where it can be used."""
        ...

    def received(self, tenant_id: int, source: str, most: int) -> list[Received]:
        """The last events that came, newest first."""
        ...

    def subject(self, source: str, key: str) -> str:
        """Of Events about the person with this key, so that what is done about one person takes turns."""
        ...

    def sample(self, source: str, text: str) -> Told | Sentence:
        """An event that somebody pasted, as the platform would send it; else what is wrong with it."""
        ...


class ProfileSide(Side, Protocol):
    def table(self, source: str) -> Table: ...

    def facts(self, source: str) -> list[tuple[str, str]]:
        """Which people the connection holds, in the reader's language: [("entity", "demo"), …]."""
        ...

    def filled(self, source: str) -> Mapping[str, Filled]:
        """The customer values that the side's own settings fill."""
        ...

    def connector(self, source: str) -> Mapping[str, Any]:
        """What Didomi's own connector was configured with, as imported: {"mappings": [{"id", "value"}],
        "upsert_mode", "enable_webhooks", "enable_emailing"}; empty where nothing was."""
        ...

    def find(self, source: str, key: str) -> Customer | None:
        """The customer who bears this unique key there."""
        ...

    def key_of(self, source: str, customer: Customer) -> str:
        """The customer's unique key there; empty for somebody whom it does not know."""
        ...

    def people(self, source: str, after: int, most: int) -> list[Person]:
        """Those whom it knows, by customer, behind this one."""
        ...

    def count_people(self, source: str) -> int: ...


_consent_sides: dict[str, str] = {}
_profile_sides: dict[str, str] = {}


def consent_side(name: str, handler: str) -> None:
    _consent_sides[name] = handler


def profile_side(name: str, handler: str) -> None:
    _profile_sides[name] = handler


def consent_side_of(source: str) -> ConsentSide:
    """Raises KeyError for a source of no registered side."""
    return cast(ConsentSide, _made(_consent_sides, source))


def profile_side_of(source: str) -> ProfileSide:
    """Raises KeyError for a source of no registered side."""
    return cast(ProfileSide, _made(_profile_sides, source))


def side_of(source: str) -> Side:
    """Raises KeyError for a source of no registered side."""
    return cast(Side, _made(_consent_sides | _profile_sides, source))


def is_known(source: str) -> bool:
    """Whether a side is registered for it."""
    return source.partition(":")[0] in _consent_sides | _profile_sides


def title_of(source: str) -> str:
    """The connection's name, for pages; empty for one that was deleted, and for what is no connection."""
    return side_of(source).title(source) if is_known(source) else ""


def consent_choices(tenants: Collection[int]) -> list[Choice]:
    return _choices(_consent_sides, tenants)


def profile_choices(tenants: Collection[int]) -> list[Choice]:
    return _choices(_profile_sides, tenants)


def _made(sides: Mapping[str, str], source: str) -> Any:
    return import_string(sides[source.partition(":")[0]])()


def _choices(sides: Mapping[str, str], tenants: Collection[int]) -> list[Choice]:
    return [choice for handler in sides.values() for choice in import_string(handler)().offered(tenants)]
