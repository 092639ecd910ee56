"""Whole passes, with five pictures of 120 KB, signed with RSA-2048.

Two threads are measured against one, and against two processes: no two threads reach more than the machine has.
"""

from __future__ import annotations

import io
import multiprocessing
import statistics
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench.apple.peers import Peer
from bench.place import place
from bench.ratios import Round, told

if TYPE_CHECKING:
    from passes.models import WalletPass

SLICE, SLICES, PEERS = 100, 7, 4
OURS, RAW, THREADS, PROCESSES = "passes", "bare signatures", "passes, two threads", "passes, two processes"
WANTED = {
    (OURS, RAW): 0.75,
    (THREADS, OURS): 1.8,
    (THREADS, PROCESSES): 0.9,  # 1.8 of a machine whose two processes are twice as fast as one
    (OURS, "py-pkpass"): 100.0,
    (OURS, "django-walletpass"): 100.0,
}


def run(rounds: int) -> bool:
    print("make: whole passes")
    with place(LOG_LEVEL="ERROR") as here:
        from django.core.management import call_command  # noqa: PLC0415 - after setup

        from bench.apple.card import card, template  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        held = card(template())
        peer = Peer("make.py", _unpacked(held, here.folder))
        try:
            return told([_round(held, peer) for _ in range(rounds)], WANTED)
        finally:
            peer.close()


def _unpacked(held: WalletPass, folder: Path) -> Path:
    """The pass for the peers: its files and who signs it."""
    from passes.apple.bundle import build  # noqa: PLC0415 - after setup

    apple = held.template.apple
    assert apple
    with zipfile.ZipFile(io.BytesIO(build(held))) as archive:
        archive.extractall(folder / "card")
        files = [entry for entry in archive.infolist() if entry.filename.endswith(".png")]
        print(f"  {len(files)} pictures, {sum(entry.file_size for entry in files):,} bytes")
    signers = {"certificate": apple.certificate, "key": apple.private_key, "issuer": apple.intermediate}
    for name, pem in signers.items():
        (folder / "card" / f"{name}.pem").write_text(pem)
    return folder / "card"


def _round(held: WalletPass, peer: Peer) -> Round:
    """Slices alternate, and the middle one of each counts: what else the machine does hits single slices, and two
    threads more than one."""
    from passes.apple.bundle import build  # noqa: PLC0415 - after setup

    def ours() -> object:
        return build(held)

    bare = _bare(held)
    ours(), bare()
    spent: dict[str, list[float]] = {OURS: [], RAW: [], THREADS: [], PROCESSES: []}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(SLICES):
            spent[RAW].append(_seconds(bare))
            spent[OURS].append(_seconds(ours))
            begun = time.perf_counter()
            list(pool.map(_seconds, (ours, ours)))
            spent[THREADS].append((time.perf_counter() - begun) / 2)
            spent[PROCESSES].append(max(_in_processes(ours)) / 2)
    found = {name: SLICE / statistics.median(seconds) for name, seconds in spent.items()}
    return {**found, **{name: peer.rate(name, PEERS) for name in ("py-pkpass", "django-walletpass")}}


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(SLICE):
        work()
    return time.perf_counter() - begun


def _in_processes(work: Callable[[], object]) -> list[float]:
    """The seconds of one slice in each of two processes, from the moment at which both are there."""
    forked = multiprocessing.get_context("fork")
    both, found = forked.Barrier(2), forked.Queue()

    def slice_of_one() -> None:
        work()
        both.wait()
        found.put(_seconds(work))

    processes = [forked.Process(target=slice_of_one) for _ in range(2)]
    for each in processes:
        each.start()
    seconds = [found.get() for _ in processes]
    for each in processes:
        each.join()
    return seconds


def _bare(held: WalletPass) -> Callable[[], object]:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils  # noqa: PLC0415 - with the rest
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    assert held.template.apple
    key = load_pem_private_key(held.template.apple.private_key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return lambda: key.sign(b"\0" * 32, padding.PKCS1v15(), utils.Prehashed(SHA256()))
