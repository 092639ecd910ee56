"""`python -m bench.ingest`: Actito's webhook against a bare view in the same server, on PostgreSQL or SQLite.

    [DATABASE_URL=postgres://…] python -m bench.ingest [--rounds 9] [--seconds 2.5] [--connections 16]

One granian, started as docs/operations.md says. In each round both views are called in turn over the same open
connections; the medians of the rounds' ratios count. The senders are processes of their own that share the machine's
cores with the server (and with PostgreSQL): what they use of them is printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import selectors
import socket
import statistics
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.place import place
from bench.web import THREADS, granian

LEAST_RATE, MOST_P99 = 0.85, 2.0
SENDERS = 2
WARM_UP_SECONDS = 3.0
NO_LIMIT = "1000000"
VIEWS = {"bare": "/api/bench/webhooks/bare", "webhook": "/api/bench/webhooks/listeners/actito/profile/Update"}
fork = multiprocessing.get_context("fork")


@dataclass
class Turn:
    """What one view did in one turn."""

    answers: int = 0
    seconds: float = 0.0
    sender_cpu: float = 0.0
    server_cpu: float = 0.0  # PostgreSQL's included
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    @property
    def cost(self) -> float:
        return self.server_cpu / self.answers

    def percentile(self, share: float) -> float:
        return sorted(self.waits)[int(len(self.waits) * share)]


def main() -> None:
    asked = _arguments()
    with place(WEBHOOK_RATE=NO_LIMIT, WEBHOOK_BURST=NO_LIMIT) as here:
        key = _prepare()
        with granian("bench.bare:application", here.folder / "web.log", threads=asked.threads) as (port, pid):
            sent = _compare(_Crew(port, pid, key, asked.connections), asked)
        kept = _check_rows(sent)
    sys.exit(0 if kept else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--threads", type=int, default=THREADS, help="granian's, of each worker")
    return parser.parse_args()


def _prepare() -> str:
    """The tables, a tenant with its connection, and the key that the senders use."""
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.db import connection  # noqa: PLC0415

    from bench.bare import Bare  # noqa: PLC0415
    from integrations.actito.models import ActitoConnection  # noqa: PLC0415
    from portal.access import make_key  # noqa: PLC0415
    from portal.models import Scope, Tenant  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Bare)
    tenant = Tenant.objects.create(slug="bench", name="Bench")
    speaks = ActitoConnection.objects.create(
        tenant=tenant, name="Actito", host="http://127.0.0.1:9", licence="b", entity="b", table="P", api_key="k"
    )
    key = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER], bound_to=speaks.source)[1]
    print(f"{connection.vendor}, {os.cpu_count()} cores")
    connection.close()
    return key


def _compare(crew: _Crew, asked: argparse.Namespace) -> dict[str, int]:
    """Prints what was measured. How many answers each view gave, the warm-up's included."""
    sent = {view: crew.call(view, WARM_UP_SECONDS).answers for view in VIEWS}
    rounds: list[dict[str, Turn]] = []
    for number in range(asked.rounds):
        order = list(VIEWS)[:: -1 if number % 2 else 1]  # whoever comes second meets the other's dust
        turns = {view: crew.call(view, asked.seconds) for view in order}
        sent = {view: sent[view] + turns[view].answers for view in VIEWS}
        rounds.append(turns)
    crew.stop()
    _print(rounds)
    return sent


def _print(rounds: list[dict[str, Turn]]) -> None:
    print("\n| view | requests/s | p50 ms | p99 ms | cpu µs: server, database | senders |\n|---|---|---|---|---|---|")
    for view in VIEWS:
        turns = [turns[view] for turns in rounds]
        cells = (
            f"{statistics.median(turn.rate for turn in turns):.0f}",
            f"{statistics.median(turn.percentile(0.5) for turn in turns) * 1e3:.1f}",
            f"{statistics.median(turn.percentile(0.99) for turn in turns) * 1e3:.1f}",
            f"{statistics.median(turn.cost for turn in turns) * 1e6:.0f}",
            f"{statistics.median(turn.sender_cpu / turn.answers for turn in turns) * 1e6:.0f}",
        )
        print(f"| {view} | {' | '.join(cells)} |")
    rates = [turns["webhook"].rate / turns["bare"].rate for turns in rounds]
    tails = [turns["webhook"].percentile(0.99) / turns["bare"].percentile(0.99) for turns in rounds]
    rate, tail = statistics.median(rates), statistics.median(tails)
    print(
        f"\nrequests/s: {rate:.2f} of the bare view's, from {min(rates):.2f} to {max(rates):.2f} (wanted: {LEAST_RATE})"
    )
    costs = [turns["webhook"].cost / turns["bare"].cost for turns in rounds]
    print(f"cpu:        {statistics.median(costs):.2f} of the bare view's (what else the machine does hardly counts)")
    print(f"p99:        {tail:.2f} of the bare view's, from {min(tails):.2f} to {max(tails):.2f} (at most {MOST_P99})")


def _check_rows(sent: dict[str, int]) -> bool:
    """Each answer is one row, and nothing was queued."""
    from django_q.models import OrmQ  # noqa: PLC0415

    from bench.bare import Bare  # noqa: PLC0415
    from portal.models import Event  # noqa: PLC0415

    stored = {"bare": Bare.objects.count(), "webhook": Event.objects.count()}
    told = ", ".join(f"{view} {sent[view]:,} answers and {stored[view]:,} rows" for view in VIEWS)
    print(f"{told}; {OrmQ.objects.count()} tasks queued")
    return stored == sent and not OrmQ.objects.exists()


class _Crew:
    """The senders' processes, which share the open connections evenly."""

    def __init__(self, port: int, server: int, key: str, connections: int) -> None:
        self._server = server
        self._lines: list[Connection] = []
        for _ in range(SENDERS):
            ours, theirs = fork.Pipe()
            fork.Process(target=_send, args=(theirs, port, key, connections // SENDERS), daemon=True).start()
            self._lines.append(ours)

    def call(self, view: str, seconds: float) -> Turn:
        used = _cpu_of_server(self._server)
        for line in self._lines:
            line.send((view, seconds))
        turns: list[Turn] = [line.recv() for line in self._lines]
        return Turn(
            answers=sum(turn.answers for turn in turns),
            seconds=max(turn.seconds for turn in turns),
            sender_cpu=sum(turn.sender_cpu for turn in turns),
            server_cpu=_cpu_of_server(self._server) - used,
            waits=[wait for turn in turns for wait in turn.waits],
        )

    def stop(self) -> None:
        for line in self._lines:
            line.send(None)


def _send(line: Connection, port: int, key: str, connections: int) -> None:
    sender = _Sender(port, key, connections)
    while order := line.recv():
        line.send(sender.call(*order))


class _Sender:
    """Some open connections, each with one request under way."""

    def __init__(self, port: int, key: str, connections: int) -> None:
        self._key = key
        self._selector = selectors.DefaultSelector()
        for _ in range(connections):
            link = socket.create_connection(("127.0.0.1", port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(link, selectors.EVENT_READ)

    def call(self, view: str, seconds: float) -> Turn:
        turn = Turn()
        links: list[Any] = [entry.fileobj for entry in self._selector.get_map().values()]
        began, used = time.perf_counter(), _cpu()
        sent_at: dict[Any, float] = {}
        for link in links:
            link.sendall(self._request(view))
            sent_at[link] = time.perf_counter()
        while sent_at:
            for entry, _ in self._selector.select():
                link: Any = entry.fileobj
                answer = link.recv(8192)
                now = time.perf_counter()
                _check(answer)
                turn.waits.append(now - sent_at.pop(link))
                if now - began < seconds:
                    link.sendall(self._request(view))
                    sent_at[link] = now
        turn.answers, turn.seconds, turn.sender_cpu = len(turn.waits), time.perf_counter() - began, _cpu() - used
        return turn

    def _request(self, view: str) -> bytes:
        body = _body()
        return (
            f"POST {VIEWS[view]} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Actito\r\nAccept: application/json\r\n"
            f"X-API-KEY: {self._key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def _body() -> str:
    """What Actito pushes when a profile changes; the profile and the number of the push are new each time."""
    profile = random.randrange(1, 2**53)
    return json.dumps({
        "id": str(uuid.uuid4()),
        "eventType": "UPDATE",
        "operation": "UPDATE",
        "data": {
            "profileId": profile,
            "emailAddress": f"anna.peeters.{profile}@example.com",
            "firstName": "Anna",
            "lastName": "Peeters",
            "motherLanguage": "NL",
            "birthDate": "1987-05-14",
            "loyaltyPoints": profile % 5000,
            "updateMoment": "2026-01-31 10:00:00",
        },
        "_links": {"webhook": {"href": "/webhooks/v4/entity/demo/webhookSubscription/123789654"}},
    })  # fmt: skip


def _check(answer: bytes) -> None:
    """A whole answer with nothing in its body; anything else ends the benchmark."""
    if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"\r\n\r\n"):
        sys.exit(f"Not what was expected: {answer[:1000]!r}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cpu_of_server(pid: int) -> float:
    """What the web server's processes used so far, and PostgreSQL's where they serve the same database here."""
    used = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    database = f" {os.environ.get('DATABASE_URL', '').rpartition('/')[2]} "
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            told = each.read_text(errors="replace")
            if told.startswith("postgres: ") and database in told:
                used.append(int(each.parent.name))
    stats = [Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split() for each in used]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
