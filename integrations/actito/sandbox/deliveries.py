"""Posts the pushes of webhooks in the background and keeps a log of every post."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import requests

from integrations.actito.sandbox import webhooks
from integrations.actito.sandbox.store import Json, Webhook
from integrations.actito.sandbox.switches import Switches

LANES = 4
TIMEOUT = 10
RETRY_PAUSE = 0.05
LOG_LENGTH = 10_000


@dataclass(frozen=True)
class Push:
    webhook: int
    url: str
    headers: dict[str, str]
    body: bytes
    event_type: str
    profile_ids: tuple[int, ...]
    lane: int


class _Lane:
    """One thread with one connection pool: what goes through a lane keeps its order."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, "actito-webhooks")
        self.session = requests.Session()
        self.session.trust_env = False


class Deliveries:
    """Takes events, posts pushes. Those of one profile, or of one BULK webhook, go through one lane and keep order."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        self._lanes = [_Lane() for _ in range(LANES)]
        self._changed = threading.Condition(threading.RLock())
        self._open = 0
        self._held: Push | None = None
        self._blocks: defaultdict[int, list[webhooks.Event]] = defaultdict(list)
        self._webhooks: dict[int, Webhook] = {}
        self._stopped = False

    def take(self, webhook: Webhook, event: webhooks.Event) -> None:
        with self._changed:
            if webhook.body["webhookPushType"] == "BULK":
                self._collect(webhook, event)
            else:
                self._submit(self._push(webhook, [event]))

    def drain(self, timeout: float) -> None:
        """Sends what is held or collected and waits until nothing is under way; TimeoutError if that takes longer."""
        with self._changed:
            self._flush_all()
            self._release(self._held)
            if not self._changed.wait_for(lambda: self._open == 0, timeout):
                raise TimeoutError(f"{self._open} deliveries are still under way")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
        for lane in self._lanes:
            lane.executor.shutdown(wait=False, cancel_futures=True)

    def _collect(self, webhook: Webhook, event: webhooks.Event) -> None:
        block = self._blocks[webhook.id]
        block.append(event)
        self._webhooks[webhook.id] = webhook
        if len(block) >= webhook.body["maxBlockSize"]:
            self._flush(webhook.id)
        elif len(block) == 1:
            self._later(self.switches.bulk_seconds, partial(self._flush, webhook.id))

    def _flush(self, webhook_id: int) -> None:
        with self._changed:
            if block := self._blocks.pop(webhook_id, None):
                self._submit(self._push(self._webhooks[webhook_id], block))

    def _flush_all(self) -> None:
        for webhook_id in list(self._blocks):
            self._flush(webhook_id)

    def _push(self, webhook: Webhook, batch: list[webhooks.Event]) -> Push:
        bulk = webhook.body["webhookPushType"] == "BULK"
        static = {name: text for name, text in webhook.body["headers"].items() if name.lower() != "content-type"}
        return Push(
            webhook.id,
            webhook.body["targetUrl"],
            {**static, "Content-Type": "application/json"},
            json.dumps(webhooks.payload(webhook, batch, self.switches)).encode(),
            batch[0].event_type,
            tuple(event.profile_id for event in batch),
            (webhook.id if bulk else batch[0].profile_id) % LANES,
        )

    def _submit(self, push: Push) -> None:
        if self._held:
            held, self._held = self._held, None
            self._dispatch(push, held)
        elif self.switches.out_of_order:
            self._held = push
            self._later(self.switches.hold_seconds, partial(self._release, push))
        else:
            self._dispatch(push)

    def _release(self, push: Push | None) -> None:
        with self._changed:
            if push and self._held is push:
                self._held = None
                self._dispatch(push)

    def _dispatch(self, *pushes: Push) -> None:
        if self._stopped:
            return
        lane = self._lanes[pushes[0].lane]
        self._open += 1
        lane.executor.submit(self._post_all, lane.session, pushes)

    def _later(self, seconds: float, action: partial[None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _post_all(self, session: requests.Session, pushes: tuple[Push, ...]) -> None:
        try:
            for push in pushes:
                for _ in range(2 if self.switches.duplicate else 1):
                    self._post_until_accepted(session, push)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _post_until_accepted(self, session: requests.Session, push: Push) -> None:
        for attempt in range(self.switches.retries + 1):
            if attempt:
                time.sleep(RETRY_PAUSE)
            if self._post(session, push):
                return

    def _post(self, session: requests.Session, push: Push) -> bool:
        sent_at, started = time.time(), time.monotonic()
        status, error = None, ""
        try:
            status = session.post(
                push.url, data=push.body, headers=push.headers, timeout=TIMEOUT, allow_redirects=False
            ).status_code
        except (requests.RequestException, ValueError) as failure:  # ValueError: a header that cannot be sent
            error = f"{type(failure).__name__}: {failure}"
        for profile_id in push.profile_ids:
            self.log.append(
                {
                    "subscription": push.webhook,
                    "url": push.url,
                    "event_type": push.event_type,
                    "profile_id": profile_id,
                    "status": status,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                    "sent_at": sent_at,
                    "error": error,
                }
            )
        return status is not None and 200 <= status < 300
