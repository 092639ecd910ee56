"""Several senders, a web server of two processes, a real worker, and Actito's sandbox: the last change wins."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Max, Sum

from integrations.actito.models import ActitoConnection, ParameterMapping
from integrations.actito.sandbox import ActitoSandbox
from integrations.mapping import ValueType
from passes.design import design_of
from passes.models import WalletPass
from portal import ledger
from portal.models import Customer, Event, Identity
from tests import factories as make
from tests.faults.harness import Tally
from tests.faults.worker import prepared, wait_until
from tests.live import Server, serving
from tests.world import ACTITO_KEY, ENTITY, TABLE, map_value

pytestmark = [pytest.mark.slow, pytest.mark.long]

SENDERS, PROFILES = 4, 8
OVERTAKEN = 60
CHANGES, ACTIONS = 12, 8  # of each profile, and for each pass, by each sender
LISTENER = "/api/verdi/webhooks/listeners/actito"
TWO_PROCESSES = {"GRANIAN_WORKERS": "2", "GRANIAN_BLOCKING_THREADS": "4"}


# What runs in the portal's own processes, on their database


def prepare(url: str, profiles: list[int]) -> None:
    """A customer for each profile, and a pass that shows what the profile says and what custom actions say."""
    connection = ActitoConnection.objects.get()
    connection.host = url
    connection.save()
    map_value(connection, "points", "points", ValueType.NUMBER)
    ParameterMapping.objects.create(
        connection=connection, parameter="stamps", value_name="stamps", value_type=ValueType.NUMBER
    )
    template = make.TemplateFactory.make(tenant=connection.tenant, name="Card", carries_messages=False)
    for name in ("points", "stamps"):
        make.TemplateFieldFactory.make(template=template, key=name, label=name, expression=f"{{{{ {name} }}}}")
    template.published = design_of(template)
    template.save()
    for profile in profiles:
        customer = make.CustomerFactory.make(tenant=connection.tenant, key=f"{profile}@example.com")
        for namespace, value in ((connection.source, profile), (f"{connection.source}:key", customer.key)):
            Identity.objects.create(tenant=connection.tenant, customer=customer, namespace=namespace, value=value)
        make.PassFactory.make(template=template, customer=customer)


def found() -> dict[str, Any]:
    """What came of it all, as JSON has it: by the customers' keys."""
    actions = Event.objects.filter(kind="actito.action").order_by("pk")
    wanted = [json.loads(action.payload["body"]) for action in actions]
    shown = {
        card.customer.key: {field["key"]: field["value"] for field in card.content["fields"]}
        for card in WalletPass.objects.select_related("customer")
    }
    return {
        "ended": dict(Counter(" ".join(pair) for pair in Event.objects.values_list("kind", "status"))),
        "repeats": Event.objects.aggregate(sum=Sum("repeats"))["sum"],
        "customers": {customer.key: customer.values.get("points") for customer in Customer.objects.all()},
        "passes": shown,
        "last_actions": {f"{push['profileId']}@example.com": push["stamps"] for push in wanted},
    }


def replay_overtaken() -> int:
    """Replays the actions that newer ones of the same profile have overtaken; returns how many."""
    newest = set(
        Event.objects.filter(kind="actito.action")
        .values("subject")
        .annotate(last=Max("pk"))
        .values_list("last", flat=True)
    )
    overtaken = Event.objects.filter(kind="actito.action").exclude(pk__in=newest).order_by("pk")[:OVERTAKEN]
    for action in list(overtaken):
        ledger.replay(action.pk, by="Ann")
    return len(overtaken)


# The senders


class Sender:
    """Posts changes of every profile and custom actions for every pass, in an order of its own."""

    def __init__(self, number: int, server: Server, actito: ActitoSandbox, profiles: list[int]) -> None:
        self.number, self.server, self.actito = number, server, actito
        self.line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.answers: Counter[int] = Counter()
        self.twice = 0
        self.work = [(self.change, profile) for profile in profiles * CHANGES]
        self.work += [(self.act, profile) for profile in profiles * ACTIONS]
        random.shuffle(self.work)
        self.sent: Counter[int] = Counter()

    def run(self) -> Sender:
        for step, profile in self.work:
            step(profile)
            time.sleep(random.uniform(0, 0.03))
        self.line.close()
        return self

    def change(self, profile: int) -> None:
        self.actito.set_attribute(ENTITY, TABLE, profile, "points", random.randrange(10**9))
        body = {"id": str(uuid.uuid4()), "data": {"profileId": profile}}
        self.post("profile/Update", body)
        if random.random() < 0.3:
            self.twice += 1
            assert self.post("profile/Update", body) == 208

    def act(self, profile: int) -> None:
        """The values of one sender increase."""
        self.sent[profile] += 1
        stamps = self.sent[profile] * SENDERS + self.number
        body = {"id": str(uuid.uuid4()), "data": {"profileId": profile, "stamps": stamps}}
        self.post("custom-actions/updatePass", body)

    def post(self, operation: str, body: Any) -> int:
        headers = {"X-API-KEY": self.server.secret, "Content-Type": "application/json"}
        self.line.request("POST", f"{LISTENER}/{operation}", json.dumps(body), headers)
        answer = self.line.getresponse()
        answer.read()
        self.answers[answer.status] += 1
        return answer.status


@pytest.fixture
def actito() -> Iterator[ActitoSandbox]:
    sandbox = ActitoSandbox()
    sandbox.start()
    yield sandbox
    sandbox.stop()


@contextmanager
def working(server: Server, log: Path) -> Iterator[None]:
    with log.open("wb") as written:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=settings.BASE_DIR,
            env={**server.environment, "WORKER_THREADS": "4"}, stdout=written, stderr=written,
        )  # fmt: skip
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(20)


def ask(server: Server, call: str) -> Any:
    return json.loads(
        server.shell(f"import json; from {__name__} import found, prepare, replay_overtaken; print(json.dumps({call}))")
        or "null"
    )


def test_the_last_change_wins_while_many_arrive_at_once(
    actito: ActitoSandbox, own_database: str, tmp_path: Path, django_db_blocker: Any
) -> None:
    people = [{"emailAddress": f"{number}@example.com", "points": 0} for number in range(1, PROFILES + 1)]
    profiles = actito.seed(entity=ENTITY, table=TABLE, api_key=ACTITO_KEY, profiles=people).profile_ids
    assert profiles == list(range(1, PROFILES + 1))  # so that each has the address of its number
    with (
        serving(tmp_path, own_database, **TWO_PROCESSES) as server,
        django_db_blocker.unblock(),
        prepared(own_database) as database,
    ):

        def at_rest() -> bool:
            return not database.events().filter(status__in=["waiting", "leased"]).exists()

        ask(server, f"prepare({actito.url!r}, {profiles!r})")
        with working(server, tmp_path / "worker.log"), ThreadPoolExecutor(SENDERS) as pool:
            first, *senders = (Sender(number, server, actito, profiles) for number in range(-1, SENDERS))
            for profile in profiles:
                first.change(profile)
            wait_until(at_rest, 30, "the worker works")
            done = [first, *pool.map(Sender.run, senders)]
            wait_until(at_rest, 30, "all work is done")
            ended = ask(server, "found()")
            assert ask(server, "replay_overtaken()") == OVERTAKEN
            wait_until(at_rest, 30, "the replays are done")
        replayed = ask(server, "found()")
    assert (replayed["customers"], replayed["passes"]) == (ended["customers"], ended["passes"])
    Tally(OVERTAKEN, 0, 0, 0).tell("Old actions that carry values replayed after newer ones")

    answers = sum((sender.answers for sender in done), Counter())
    twice = sum(sender.twice for sender in done)
    sys.stdout.write(f"{dict(answers)}, {twice} sent twice, {ended['ended']}\n")
    assert set(answers) == {200, 208}
    assert answers[208] >= twice
    assert ended["repeats"] == twice
    counts = ended["ended"]
    assert counts["actito.profile done"] + counts["actito.profile merged"] == PROFILES * (1 + SENDERS * CHANGES)
    assert counts["actito.profile done"] > 2 * PROFILES  # it was read again and again while changes arrived
    assert counts["actito.action done"] == SENDERS * PROFILES * ACTIONS
    # What was overtaken by something newer on its way to the pass changes nothing any more.
    assert {name for name in counts if not name.endswith((" done", " merged"))} <= {
        "pass.update ignored",
        "customer.changed/passes ignored",
    }
    last_of_somebody = {ACTIONS * SENDERS + number for number in range(SENDERS)}
    for profile in profiles:
        key, truth = f"{profile}@example.com", actito.values(ENTITY, TABLE, profile)["points"]
        assert ended["customers"][key] == truth
        assert ended["last_actions"][key] in last_of_somebody
        assert ended["passes"][key] == {"points": truth, "stamps": ended["last_actions"][key]}
