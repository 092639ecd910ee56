"""The connections to the sandbox's APNs: one per certificate, over real HTTP/2, whatever Apple does to them."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import ssl
import stat
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from passes.apple import apns
from passes.apple.answers import PushAnswer
from passes.apple.push import send
from passes.apple.sandbox import ApnsFault, ApnsSandbox
from portal.http import ApiError
from portal.ledger.failure import Decision
from tests.passes import world
from tests.passes.apple.push_kit import credentials, failure
from tests.passes.world import PUSH_TOKEN, SilentTrail


def lines() -> dict[str, Any]:
    return apns._process.sender()._lines


def until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class TestConnections:
    def test_one_serves_many_threads_and_loses_no_push(self, push_service: ApnsSandbox) -> None:
        assert self.pushed(push_service, threads=16, each=20) == 320
        assert push_service.connections_made == 1

    @pytest.mark.slow
    def test_one_serves_very_many_pushes_and_loses_none(self, push_service: ApnsSandbox) -> None:
        assert self.pushed(push_service, threads=32, each=200) == 6400
        assert push_service.connections_made == 1

    @pytest.mark.slow
    def test_closed_again_and_again_under_load_loses_no_push(self, push_service: ApnsSandbox) -> None:
        """A push may meet two closed connections; the ledger tries that one again, as it does here."""
        taken = itertools.count(1)

        def close_at_every_fortieth(*_: str) -> None:
            if next(taken) % 40 == 0:
                push_service.arm(ApnsFault("goaway"))

        push_service.on_push = close_at_every_fortieth
        assert self.pushed(push_service, threads=16, each=100, tries=20) == 1600
        assert push_service.connections_made > 20

    def pushed(self, push_service: ApnsSandbox, threads: int, each: int, tries: int = 1) -> int:
        """How many pushes were answered with success, each tried so often."""
        apple = credentials(push_service)

        def push_one() -> PushAnswer:
            for _ in range(tries - 1):
                with contextlib.suppress(ApiError):
                    return send(apple, PUSH_TOKEN, trail=SilentTrail())
            return send(apple, PUSH_TOKEN, trail=SilentTrail())

        def push_some(_: int) -> list[PushAnswer]:
            return [push_one() for _ in range(each)]

        with ThreadPoolExecutor(threads) as pool:
            return sum(answers.count(PushAnswer()) for answers in pool.map(push_some, range(threads)))

    @pytest.mark.parametrize("kind", ["goaway", "drop"])
    def test_that_apple_closes_is_made_anew_by_the_push_that_meets_it(
        self, push_service: ApnsSandbox, kind: Any
    ) -> None:
        apple = credentials(push_service)
        push_service.arm(ApnsFault(kind))

        answers = [send(apple, PUSH_TOKEN, trail=SilentTrail()) for _ in range(3)]

        assert answers == [PushAnswer()] * 3
        assert push_service.connections_made == 2

    def test_that_is_dropped_twice_is_left_to_the_ledger(self, push_service: ApnsSandbox) -> None:
        push_service.arm(ApnsFault("drop", times=2))

        assert failure(credentials(push_service)).decision is Decision.RETRY

    def test_stays_open_while_it_is_idle_for_half_an_hour(
        self, push_service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apple = credentials(push_service)
        send(apple, PUSH_TOKEN, trail=SilentTrail())
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 1800)
        monkeypatch.setattr("httpcore2._async.http2.time", later)

        send(apple, PUSH_TOKEN, trail=SilentTrail())

        assert push_service.connections_made == 1

    def test_of_a_renewed_certificate_is_new_and_the_old_one_is_closed(
        self, push_service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(apns, "GRACE_SECONDS", 0.05)
        for version in (1, 2, 3):
            send(credentials(push_service, version), PUSH_TOKEN, trail=SilentTrail())

        assert push_service.connections_made == 3
        assert len(lines()) == 1
        until(lambda: len(push_service._open) == 1)

    def test_of_a_pass_type_that_is_silent_for_an_hour_is_closed(
        self, push_service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(apns, "GRACE_SECONDS", 0.05)
        send(credentials(push_service, uid="another"), PUSH_TOKEN, trail=SilentTrail())
        lines()["another"].used_at -= apns.IDLE_SECONDS + 1

        send(credentials(push_service), PUSH_TOKEN, trail=SilentTrail())

        assert len(lines()) == 1
        until(lambda: len(push_service._open) == 1)

    def test_of_two_pass_types_are_two(self, push_service: ApnsSandbox) -> None:
        other = world.credentials("pass.com.example.gift")
        for _ in range(2):
            send(credentials(push_service), PUSH_TOKEN, trail=SilentTrail())
            gift = credentials(
                push_service, uid="gift", pass_type_identifier="pass.com.example.gift",
                certificate=other.certificate_pem, private_key=other.private_key_pem,
            )  # fmt: skip
            send(gift, PUSH_TOKEN, trail=SilentTrail())

        assert push_service.connections_made == 2
        assert [pushed.status for pushed in push_service.pushes] == [200] * 4

    def test_are_made_by_one_owner_even_when_all_threads_begin_at_once(self) -> None:
        barrier = threading.Barrier(16)

        def first(_: int) -> apns.Sender:
            barrier.wait()
            return apns._process.sender()

        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(first, range(16)))) == 1

    def test_are_not_shared_with_a_forked_process(self) -> None:
        apns._process.sender()
        child = os.fork()
        if child == 0:
            os._exit(0 if apns._process._sender is None else 1)

        assert os.waitpid(child, 0)[1] == 0


class TestASilentApple:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apns, "SILENCE_SECONDS", 0.2)
        monkeypatch.setattr(apns, "CALL_SECONDS", 0.6)

    def test_holds_up_a_push_for_a_while_and_the_next_one_not_at_all(self, push_service: ApnsSandbox) -> None:
        apple = credentials(push_service)
        push_service.arm(ApnsFault("slow", seconds=30))

        began = time.monotonic()
        assert failure(apple).decision is Decision.RETRY
        assert time.monotonic() - began < 1
        assert send(apple, PUSH_TOKEN, trail=SilentTrail()) == PushAnswer()
        assert push_service.connections_made == 2

    def test_that_never_speaks_tls_ends_as_a_retry(self, push_service: ApnsSandbox) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            apple = credentials(push_service, apns_url=f"https://127.0.0.1:{mute.getsockname()[1]}")

            began = time.monotonic()
            assert failure(apple).decision is Decision.RETRY
            assert time.monotonic() - began < 2

    def test_for_one_pass_type_does_not_hold_up_another(self, push_service: ApnsSandbox) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(8) as pool:
            hung = credentials(push_service, uid="hung", apns_url=f"https://127.0.0.1:{mute.getsockname()[1]}")
            waiting = [pool.submit(failure, hung) for _ in range(7)]

            began = time.monotonic()
            assert send(credentials(push_service), PUSH_TOKEN, trail=SilentTrail()) == PushAnswer()
            assert time.monotonic() - began < 0.5
            assert {future.result().decision for future in waiting} == {Decision.RETRY}

    def test_that_is_not_there_ends_as_a_retry(self, push_service: ApnsSandbox) -> None:
        assert failure(credentials(push_service, apns_url="https://127.0.0.1:1")).decision is Decision.RETRY


class TestSecrets:
    def test_the_key_file_is_private_and_gone(
        self, push_service: ApnsSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        modes, load = [], ssl.SSLContext.load_cert_chain

        def watched(context: ssl.SSLContext, file: str, **more: Any) -> None:
            modes.append(stat.S_IMODE(Path(file).stat().st_mode))
            load(context, file, **more)

        monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)

        send(credentials(push_service), PUSH_TOKEN, trail=SilentTrail())

        assert modes == [0o600]
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "broken",
        [
            {"private_key": "-----BEGIN PRIVATE KEY-----\nMIITOPSECRET\n-----END PRIVATE KEY-----"},
            {"private_key": "MIITOPSECRET"},
            {"certificate": "MIITOPSECRET"},
            {"apns_authority": "MIITOPSECRET"},
        ],
    )
    def test_an_identity_that_tls_cannot_use_pauses_and_quotes_nothing(
        self, push_service: ApnsSandbox, broken: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

        problem = failure(credentials(push_service, **broken))

        assert problem.decision is Decision.PAUSE
        assert problem.sentence == "The stored certificate and key of this pass type cannot be used. Upload them again."
        assert "TOPSECRET" not in "".join(map(repr, (problem, problem.__cause__, problem.__context__)))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("fault", [None, ApnsFault("drop", times=2), ApnsFault(status=403)])
    def test_neither_key_nor_push_token_reaches_logs_or_traces(
        self, push_service: ApnsSandbox, fault: ApnsFault | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        logging.getLogger("passes").setLevel(logging.DEBUG)
        if fault:
            push_service.arm(fault)
        apple, trail = credentials(push_service), SilentTrail()
        told = ""

        try:
            send(apple, PUSH_TOKEN, trail=trail)
        except ApiError as problem:
            told = repr(problem) + repr(problem.__cause__)

        seen = caplog.text + repr(trail.calls) + told
        assert PUSH_TOKEN not in seen
        assert not [line for line in apple.private_key.splitlines() if line in seen]

    def test_an_identity_does_not_print_its_key(self) -> None:
        assert "TOPSECRET" not in repr(apns.Identity("certificate", "TOPSECRET", "", ""))
