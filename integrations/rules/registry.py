"""What rules wait for and what they do. Storeys below know nothing of it; vendors register theirs in `ready()`.

rule_trigger(TriggerKind("value.crossed", _("a value crosses a number"), CUSTOMER_CHANGED, …))
rule_action("start_scenario", "integrations.actito.rule_actions.StartScenario", title=_("start a scenario"))
rule_consents("actito", "integrations.actito.rule_consents.Subscriptions")
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from django.utils.module_loading import import_string

from portal.ledger.registry import Title
from portal.models import Customer, Event
from portal.sentences import Explained, Sentence

if TYPE_CHECKING:
    from django import forms

    from integrations.rules.models import Rule


@dataclass(frozen=True)
class Happening:
    """Something that happened to a customer, as triggers look at it."""

    news: str
    customer: int
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # value -> (before, after)
    template: int | None = None  # of the pass that it is about


class Refused(Explained):
    """The action cannot be done for this customer; nothing of it was done."""


class Broken(Refused):
    """It cannot be done for anybody until somebody mends the rule, or what it needs."""


@dataclass(frozen=True)
class Done:
    """What an action did, in a sentence; `effect`: the Event that does the rest."""

    said: Sentence
    effect: Event | None = None


class Action(Protocol):
    """Registered by the dotted name of a class, made without arguments."""

    # Its fields are what the action needs; a chosen row is kept by its key. It may have, as static methods,
    # `limit_<field>` that narrows the rows to choose from, and `check` that says what is wrong, by field.
    form: type[forms.Form]

    def do(self, rule: Rule, customer: Customer, cause: Event) -> Done:
        """In the transaction that ends `cause`: no calls, but an Event that makes them. Raises Refused or Broken."""
        ...

    def problem(self, rule: Rule) -> Sentence:
        """Why it could not be done for anybody now; empty where it could."""
        ...

    def words(self, rule: Rule) -> str:
        """How the sentence of the rule ends, in the reader's language: start the scenario “Welcome”."""
        ...

    def writes(self, rule: Rule) -> Mapping[str, Any]:
        """The customer values that it sets here, with what they become, as far as can be told."""
        ...


@dataclass(frozen=True)
class Consent:
    """A customer value that says yes or no of a person, and how its consent is called where it comes from."""

    value_name: str
    title: str


class ConsentSource(Protocol):
    """A vendor whose consents become customer values. Registered by the dotted name of a class, made without arguments.

    Both are asked for the tenants that a page is about: one, but for superusers who look at all.
    """

    def offered(self, tenants: Collection[int]) -> list[Consent]: ...

    def remedy(self, tenants: Collection[int]) -> tuple[str, str]:
        """What to do where none is offered, in the reader's language, and the page where it is done."""
        ...


@dataclass(frozen=True)
class TriggerKind:
    """`fits`: whether the rule waits for the happening; None for what no happening sets off, such as a day.

    `asks`: the fields of the form that it needs. `words`: how the sentence of the rule begins.
    """

    name: str
    title: Title
    news: str
    asks: tuple[str, ...]
    words: Callable[[Rule], str]
    fits: Callable[[Rule, Happening], bool] | None = None


@dataclass(frozen=True)
class ActionKind:
    name: str
    handler: str
    title: Title

    def made(self) -> Action:
        action: Action = import_string(self.handler)()
        return action


_triggers: dict[str, TriggerKind] = {}
_actions: dict[str, ActionKind] = {}
_consents: dict[str, str] = {}


def rule_trigger(kind: TriggerKind) -> None:
    _triggers[kind.name] = kind


def rule_action(name: str, handler: str, *, title: Title) -> None:
    """`name` is part of the names of form fields: letters and underscores."""
    _actions[name] = ActionKind(name, handler, title)


def rule_consents(vendor: str, source: str) -> None:
    _consents[vendor] = source


def consent_sources() -> list[ConsentSource]:
    return [import_string(source)() for source in _consents.values()]


def triggers() -> dict[str, TriggerKind]:
    return dict(_triggers)


def actions() -> dict[str, ActionKind]:
    return dict(_actions)


def trigger_of(rule: Rule) -> TriggerKind | None:
    """None for what nobody registers any more."""
    return _triggers.get(rule.trigger)


def action_of(rule: Rule) -> Action | None:
    kind = _actions.get(rule.action)
    return kind.made() if kind else None


def triggers_of(news: str) -> list[str]:
    return [kind.name for kind in _triggers.values() if kind.news == news]
