"""Custom actions: whom one names, which passes it touches, and what it puts on each. Nothing is read from Actito."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet

from integrations.actito.commands import SERIAL, Command, Unclear, command_of, namespace_of
from integrations.actito.models import ActitoConnection, ParameterMapping, connections_of
from integrations.actito.pushes import Push
from integrations.mapping import map_document
from passes import update
from passes.models import PassTemplate, WalletPass
from passes.update import Update
from passes.values import Write
from portal import customers, ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, read, say, say_many

# An action may overtake the profile that it is about: a new customer enters a scenario at once.
UNKNOWN_RETRIES = 3


@dataclass(frozen=True)
class Plan:
    """What an action does: to which passes, and what staff should know besides."""

    passes: list[WalletPass]
    update: Update
    notes: list[Sentence]
    customer: Customer | None = None


def carry_out(work: Work) -> Result | partial[Result]:
    """Handles `actito.action`."""
    event = work.event
    connection = connections_of(event).prefetch_related("parameters").first()
    if connection is None:
        return ledger.ignored(say("The Actito connection that sent this was deleted."))
    if problem := event.payload.get("unreadable"):
        raise ledger.dead(read(problem))
    try:
        planned = plan(connection, command_of(push_of(event), connection.identifiers()))
    except Unclear as error:
        raise ledger.dead(error.sentence) from error
    if not planned.passes:
        return _nobody(event, planned)
    return partial(_order, event, planned)


def push_of(event: Event) -> Push:
    """What `actito.action` keeps of the body."""
    return Push(event.payload["_data"], "", event.source_id, False, "$.data")


def _nobody(event: Event, planned: Plan) -> Result:
    if planned.customer is None and event.retries < UNKNOWN_RETRIES:
        raise ledger.retry(say("No customer has this name yet."))
    known, unknown = say("No pass: the customer has no such pass."), say("No pass: no customer has this name.")
    return ledger.ignored(joined([known if planned.customer else unknown, *planned.notes]))


def _order(event: Event, planned: Plan) -> Result:
    for wallet_pass in planned.passes:
        update.order(wallet_pass, planned.update, cause=event, number=event.pk)
    said = say_many("For %(count)s pass.", "For %(count)s passes.", count=len(planned.passes))
    return ledger.done(joined([said, *planned.notes]))


def plan(connection: ActitoConnection, command: Command) -> Plan:
    """What the command would do now; nothing is stored. Raises Unclear when it contradicts itself."""
    passes, customer = _passes_of(connection, command)
    wanted = [one for one in passes if _is_of_type(one, command.pass_type)]
    writes, notes = writes_of(connection.parameters.all(), command.values)
    template = _template(connection, command.move_to) if command.move_to else None
    if not (writes or command.message is not None or template):
        notes.append(say("It holds nothing for a pass."))
    return Plan(wanted, Update(tuple(writes), command.message, template, command.silent), notes, customer)


def writes_of(parameters: Iterable[ParameterMapping], values: Any) -> tuple[list[Write], list[Sentence]]:
    """The values that the mapped parameters give, and sentences on those that are not mapped or cannot be read."""
    parameters = list(parameters)
    sent = _sent_as(parameters, values)
    set_to: dict[str, Write] = {}  # of two parameters that set one value, the last one does
    added: list[Write] = []
    notes: list[Sentence] = []
    for name, each in sent:
        # Each by itself: several may go to one value, and one that cannot be read does not speak for another.
        mapped = map_document(values, [each.reads(name, name)])
        notes += mapped.errors
        for value in mapped.values.values():
            if each.mode != ParameterMapping.Mode.ADD:
                set_to[each.value_name] = Write(each.value_name, value, pinned=each.pinned)
            elif value is not None:
                added.append(Write(each.value_name, value, add=True))
    known = {name for name, _each in sent}
    others = [name for name in values if name not in known]
    if others:
        notes.append(say("Not mapped: %(names)s.", names=others[:5]))
    return [*set_to.values(), *added], notes


def _sent_as(parameters: list[ParameterMapping], names: Iterable[str]) -> list[tuple[str, ParameterMapping]]:
    """The mapped parameters with the names that they were sent by: exactly, else in any case if only one is meant."""
    declared = Counter(each.parameter.lower() for each in parameters)
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(name.lower(), []).append(name)
    found = []
    for each in parameters:
        plain = each.parameter.lower()
        alike = spelled.get(plain, [])
        if each.parameter in alike:
            found.append((each.parameter, each))
        elif len(alike) == 1 and declared[plain] == 1:
            found.append((alike[0], each))
    return found


def _passes_of(connection: ActitoConnection, command: Command) -> tuple[list[WalletPass], Customer | None]:
    passes = WalletPass.objects.for_tenant(connection.tenant_id).select_related("template__apple", "customer")
    found: list[Customer] = []
    identifiers = connection.identifiers()
    for kind, name in command.who:
        if kind == SERIAL:
            if wallet_pass := _with_serial(passes, name, connection.tenant_id):
                return [wallet_pass], wallet_pass.customer
        elif customer := customers.find(connection.tenant_id, namespace_of(connection.source, kind, identifiers), name):
            found.append(customer)
    if len({customer.pk for customer in found}) > 1:
        raise Unclear(say("It names two different customers."))
    return (list(passes.filter(customer=found[0]).order_by("pk")), found[0]) if found else ([], None)


def _with_serial(passes: QuerySet[WalletPass], name: str, tenant_id: int) -> WalletPass | None:
    """By our own number, or by the one on a card that another vendor issued. Raises Unclear."""
    serial = _uuid(name)
    if serial and (own := passes.filter(serial_number=serial).first()):
        return own
    imported = list(passes.filter(imported_under__tenant=tenant_id, imported_serial=name)[:2])
    if len(imported) > 1:
        raise Unclear(say("Several cards have this serial number."))
    return imported[0] if imported else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _is_of_type(wallet_pass: WalletPass, asked: str) -> bool:
    """By the template's name or the pass type identifier, in any case; nothing asked means every pass."""
    apple = wallet_pass.template.apple
    names = [wallet_pass.template.name, apple.pass_type_identifier if apple else "", wallet_pass.template.kind]
    return not asked or asked.lower() in {name.lower() for name in names}


def _template(connection: ActitoConnection, name: str) -> int:
    templates = PassTemplate.objects.for_tenant(connection.tenant_id).filter(name__iexact=name)
    found = list(templates.values_list("pk", flat=True)[:2])
    if not found:
        raise Unclear(say("No template is named “%(name)s”.", name=name))
    if len(found) > 1:
        raise Unclear(say("Several templates are named “%(name)s”.", name=name))
    return found[0]
