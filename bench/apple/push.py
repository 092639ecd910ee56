"""Pushes to a server that takes them at once: what is left is what the client costs.

Two processes are compared at one that answers after 50 ms, as Apple's do over the Internet: at once, they and the
server would share the cores of a small machine, and what is measured would be the machine.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from bench.apple.peers import Peer
from bench.place import place
from bench.ratios import Round, told

if TYPE_CHECKING:
    from passes.apple.apns import Identity

HERE = Path(__file__).parent
COUNT, FEW, THREADS = 600, 12, 32
TOKEN = "ab" * 32
FAR_MILLISECONDS = 50
ONE, TWO, ANEW, PEER = "one connection", "two processes", "a client for each push", "aioapns"
ONE_FAR, TWO_FAR = "one process, far away", "two processes, far away"
WANTED = {(ONE, PEER): 0.15, (ONE, ANEW): 25.0, (TWO_FAR, ONE_FAR): 1.8}
fork = multiprocessing.get_context("fork")


def run(rounds: int) -> bool:
    print("push: to one server, over one connection for each process")
    with place(LOG_LEVEL="ERROR") as here:
        from bench.apple.card import authority, credentials  # noqa: PLC0415 - after setup
        from passes.apple.apns import Identity  # noqa: PLC0415

        issued, root = credentials(), authority().root_pem
        identity = Identity(issued.certificate_pem, issued.private_key_pem, issued.intermediate_pem, root)
        with _server() as port, _server(FAR_MILLISECONDS) as far:
            files = {"root": root, "certificate": issued.certificate_pem + issued.intermediate_pem,
                     "key": issued.private_key_pem}  # fmt: skip
            files["all"] = files["certificate"] + files["key"]
            for name, pem in files.items():
                (here.folder / f"{name}.pem").write_text(pem)
            (here.folder / "port").write_text(str(port))
            return _measured(rounds, identity, port, far, Peer("push.py", here.folder))


def _measured(rounds: int, identity: Identity, port: int, far: int, peer: Peer) -> bool:
    crew = [_Worker(identity, f"https://127.0.0.1:{port}") for _ in range(2)]
    away = [_Worker(identity, f"https://127.0.0.1:{far}") for _ in range(2)]
    try:
        return told([_round(peer, crew, away) for _ in range(rounds)], WANTED)
    finally:
        peer.close()


@contextmanager
def _server(milliseconds: int = 0) -> Iterator[int]:
    from bench.apple.card import authority  # noqa: PLC0415 - after setup

    key, certificate = authority().server_files("127.0.0.1")
    root = authority().root_pem
    given = json.dumps({"certificate": certificate, "key": key, "authority": root, "milliseconds": milliseconds})
    command = ["node", HERE / "apns.mjs", given]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int(cast(IO[str], process.stdout).readline())
    finally:
        process.kill()
        process.wait()


def _round(peer: Peer, crew: list[_Worker], away: list[_Worker]) -> Round:
    return {
        ONE: _together(crew[:1]),
        TWO: _together(crew),
        ONE_FAR: _together(away[:1]),
        TWO_FAR: _together(away),
        ANEW: peer.rate("anew", FEW),
        PEER: peer.rate(PEER, COUNT * 4),
    }


class _Worker:
    """A process of its own, as a worker is, which pushes from many threads."""

    def __init__(self, identity: Identity, base: str) -> None:
        self.line, theirs = fork.Pipe()
        fork.Process(target=_work, args=(theirs, identity, base), daemon=True).start()


def _together(crew: list[_Worker]) -> float:
    begun = time.perf_counter()
    for worker in crew:
        worker.line.send(COUNT)
    for worker in crew:
        worker.line.recv()
    return COUNT * len(crew) / (time.perf_counter() - begun)


def _work(line: multiprocessing.connection.Connection, identity: Identity, base: str) -> None:
    from passes.apple import apns  # noqa: PLC0415 - after setup

    def push(_: int) -> int:
        return apns.post("bench", identity, base, "pass.com.example.bench", TOKEN).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        push(0)
        while count := line.recv():
            answers = set(pool.map(push, range(count)))
            if answers != {200}:
                raise RuntimeError(f"Not taken: {answers}")
            line.send(count)
