"""Posts news in the background: with a token where one is asked for, again when it fails, parked in the end."""

from __future__ import annotations

import json
import threading
import time
import uuid
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

import requests

from integrations.didomi.sandbox import webhooks
from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.store import Store, Webhook
from integrations.didomi.sandbox.switches import Switches
from integrations.didomi.sandbox.webhooks import News

LANES = 4
TIMEOUT = 10
LOG_LENGTH = 10_000
RETRY_SECONDS = 300.0  # within which all retries come; where in them is not documented


@dataclass
class Parcel:
    """One piece of news on its way. `entity` and `person` are what it is about; `tries`: since it was taken."""

    id: str
    type: str
    entity: str
    person: str
    body: str
    tries: int = 0
    error: str = ""


class TokenRefused(Exception):
    """The token endpoint gave none; the message says what it did."""


class _Lane:
    """One thread with one connection pool: first tries that go through a lane keep their order."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, "didomi-webhook")
        self.session = requests.Session()
        self.session.trust_env = False


class Deliveries:
    """Takes news, posts it; that of one person goes through one lane. `lock`: the sandbox's, which guards the store."""

    def __init__(self, store: Store, switches: Switches, lock: threading.RLock) -> None:
        self._store, self._switches = store, switches
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        self._changed = threading.Condition(lock)
        self._lanes = [_Lane() for _ in range(LANES)]
        self._open: dict[str, Parcel] = {}
        self._held: Parcel | None = None
        self._token: tuple[tuple[str, str], str, float] = (("", ""), "", 0.0)  # whose, the token, until when
        self._asking = threading.Lock()
        self._stopped = False

    def take(self, news: News) -> None:
        webhook = self._store.webhook
        if webhook is None or not webhooks.concerns(webhook, news, self._switches):
            return
        body = json.dumps(webhooks.payload(news, self._switches))
        for _ in range(2 if self._switches.duplicate else 1):
            self._submit(Parcel(str(uuid.uuid4()), news.type, str(news.entity["id"]), news.person, body))

    def send_parked(self, wanted: str = "") -> int:
        """Sends what is parked again, or the one of this id, in the order it came. Returns how many."""
        with self._changed:
            chosen = [Parcel(**each) for each in self._store.parked if wanted in {"", each["id"]}]
            self._store.parked = [each for each in self._store.parked if wanted not in {"", each["id"]}]
            self._store.save()
            for parcel in chosen:
                parcel.tries, parcel.error = 0, ""
                self._dispatch(parcel)
            return len(chosen)

    def drain(self, timeout: float) -> None:
        """Sends what is held and waits until all is taken or parked; TimeoutError if that takes longer."""
        with self._changed:
            self._release(self._held)
            if not self._changed.wait_for(lambda: not self._open, timeout):
                raise TimeoutError(f"{len(self._open)} pieces of news are still under way")

    def stop(self) -> None:
        """What is under way is parked, so that the next start still has it."""
        with self._changed:
            self._stopped = True
            for parcel in list(self._open.values()):
                self._park(parcel)
        for lane in self._lanes:
            lane.executor.shutdown(wait=False, cancel_futures=True)

    def _submit(self, parcel: Parcel) -> None:
        if self._held:
            held, self._held = self._held, None
            self._dispatch(parcel)
            self._dispatch(held)
        elif self._switches.out_of_order:
            self._held = parcel
            self._open[parcel.id] = parcel
            self._later(self._switches.hold_seconds, partial(self._release, parcel))
        else:
            self._dispatch(parcel)

    def _release(self, parcel: Parcel | None) -> None:
        with self._changed:
            if parcel and self._held is parcel:
                self._held = None
                self._dispatch(parcel)

    def _dispatch(self, parcel: Parcel) -> None:
        with self._changed:
            if self._stopped:
                return
            self._open[parcel.id] = parcel
            lane = self._lanes[zlib.crc32(parcel.person.encode()) % LANES]
            lane.executor.submit(self._try, lane.session, parcel)

    def _later(self, seconds: float, action: partial[None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _try(self, session: requests.Session, parcel: Parcel) -> None:
        with self._changed:
            webhook = self._store.webhook
        status = self._post(session, webhook, parcel) if webhook else None
        with self._changed:
            parcel.tries += 1
            if self._stopped:
                return
            if status is not None and 200 <= status < 300:
                self._close(parcel)
            elif webhook is None or not self._again(parcel, status):
                self._park(parcel)
            else:
                self._later(self._pause(parcel.tries), partial(self._dispatch, parcel))

    def _again(self, parcel: Parcel, status: int | None) -> bool:
        refused = status is not None and 400 <= status < 500
        return parcel.tries <= self._switches.retries and not (refused and not self._switches.retry_refused)

    def _pause(self, tries: int) -> float:
        """Seconds until the next try: the last one is five minutes after the first, the gaps grow."""
        share = (tries**2 - (tries - 1) ** 2) / self._switches.retries**2
        return RETRY_SECONDS * share * self._switches.time_factor

    def _close(self, parcel: Parcel) -> None:
        self._open.pop(parcel.id, None)
        self._changed.notify_all()

    def _park(self, parcel: Parcel) -> None:
        self._store.parked.append(asdict(parcel))
        self._store.save()
        self._close(parcel)

    def _post(self, session: requests.Session, webhook: Webhook, parcel: Parcel) -> int | None:
        sent_at, started, status = time.time(), time.monotonic(), None
        try:
            headers = {"Content-Type": "application/json", **self._credentials(session, webhook)}
            answer = session.post(
                webhook.url, data=parcel.body.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
            status, parcel.error = answer.status_code, "" if answer.ok else answer.text[:200]
        except TokenRefused as refused:
            parcel.error = str(refused)
        except (requests.RequestException, ValueError) as failure:  # ValueError: a header that cannot be sent
            parcel.error = f"{type(failure).__name__}: {failure}"
        if status == 401:
            self._token = (("", ""), "", 0.0)
        self.log.append(
            {
                "id": parcel.id,
                "type": parcel.type,
                "entity": parcel.entity,
                "person": parcel.person,
                "url": webhook.url,
                "try": parcel.tries + 1,
                "status": status,
                "ms": round((time.monotonic() - started) * 1000, 1),
                "sent_at": sent_at,
                "error": parcel.error,
            }
        )
        return status

    def _credentials(self, session: requests.Session, webhook: Webhook) -> dict[str, str]:
        if webhook.token_url:
            return {"Authorization": f"Bearer {self._bearer(session, webhook)}"}
        return {"X-API-KEY": webhook.api_key} if webhook.api_key else {}

    def _bearer(self, session: requests.Session, webhook: Webhook) -> str:
        """A token by client credentials, kept until it expires. Raises TokenRefused."""
        with self._asking:
            whose, token, until = self._token
            if whose == (webhook.token_url, webhook.client_id) and until > time.monotonic():
                return token
            token, seconds = self._new_token(session, webhook)
            self._token = ((webhook.token_url, webhook.client_id), token, time.monotonic() + seconds)
            return token

    def _new_token(self, session: requests.Session, webhook: Webhook) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | ({"scope": webhook.scope} if webhook.scope else {})
        account = (webhook.client_id, webhook.client_secret)
        if not self._switches.token_basic:
            form |= {"client_id": account[0], "client_secret": account[1]}
        answer = session.post(
            webhook.token_url,
            data=form,
            auth=account if self._switches.token_basic else None,
            headers={"Accept": "application/json"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        try:
            found = answer.json() if answer.ok else {}
            return str(found["access_token"]), float(found.get("expires_in", 3600))
        except (ValueError, KeyError, TypeError, AttributeError) as failure:
            raise TokenRefused(f"The token endpoint answered {answer.status_code} without a token") from failure
