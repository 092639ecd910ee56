"""Several processes that record consents of one tenant at once, started by test_consents_check.py; prints JSON."""

from __future__ import annotations

import json
import multiprocessing
import sys

from django.db import connections

from portal.consents.check import ChainBroken, check
from portal.models import ConsentRecord, Customer, Event, Tenant
from tests.portal.consents_world import decide, entry, read, withdrawn
from tests.world import arrive, make_connection, make_tenant

PROCESSES, ROUNDS = 4, 25
fork = multiprocessing.get_context("fork")


def record(begin: multiprocessing.synchronize.Barrier, customer_id: int, cause_id: int) -> None:
    connections.close_all()
    customer, cause = Customer.objects.get(pk=customer_id), Event.objects.get(pk=cause_id)
    begin.wait()
    for _ in range(ROUNDS):
        decide(customer, [entry(), withdrawn()], cause)


def main() -> None:
    cause = arrive(make_connection(make_tenant()), 1)
    people = [read(cause, {}, number, name=str(number)).customer for number in range(1, PROCESSES + 1)]
    connections.close_all()
    begin = fork.Barrier(PROCESSES)
    processes = [fork.Process(target=record, args=(begin, person.pk, cause.pk)) for person in people]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    try:
        problem = ""
        check(Tenant.objects.get())
    except ChainBroken as broken:
        problem = str(broken)
    exits = [process.exitcode for process in processes]
    sys.stdout.write(json.dumps({"records": ConsentRecord.objects.count(), "exits": exits, "problem": problem}))
