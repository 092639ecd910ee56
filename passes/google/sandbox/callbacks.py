"""News of saves and removals, signed as Google signs them, and posted to the class's address.

Source: developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions, and the layout of what is
signed from developers.google.com/pay/api/web/guides/resources/payment-data-cryptography (ECv2SigningOnly).
"""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from passes.google.sandbox.store import Store
from passes.google.sandbox.switches import Switches
from passes.google.sandbox.wire import Json

PROTOCOL, SENDER, WRONG_SENDER = "ECv2SigningOnly", "GooglePayPasses", "GoogleWalletPasses"
DAY = 24 * 3600
ROOT_SECONDS, INTERMEDIATE_SECONDS, MESSAGE_SECONDS = 365 * DAY, 9 * DAY, DAY
AGENT = "Googlebot/2.1 (sandbox)"
TIMEOUT, RETRY_PAUSE, LOG_LENGTH = 10, 0.05, 1000
_ESCAPED = {"=": "\\u003d", "&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "'": "\\u0027"}

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Post:
    """One callback, sealed. `about`: what of it stands in the log."""

    url: str
    body: bytes
    about: Json


def signed_bytes(*texts: str) -> bytes:
    """Each text after its length in bytes, four of them, the least significant first."""
    encoded = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(each)) + each for each in encoded)


def escaped(value: Json) -> str:
    """JSON as Google's servers write it, safe within HTML."""
    text = json.dumps(value, separators=(",", ":"))
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def sealed(message: Json, issuer: str, root: Key, switches: Switches) -> Json:
    """The envelope of a message: signed by a new intermediate key, which the root key signs."""
    now, intermediate = time.time(), ec.generate_private_key(ec.SECP256R1())
    sender = WRONG_SENDER if switches.wrong_sender else SENDER
    recipient = f"{issuer}0" if switches.wrong_issuer else issuer
    ends = now + (-1 if switches.expired_intermediate else INTERMEDIATE_SECONDS)
    signed_key = escaped({"keyValue": _public(intermediate), "keyExpiration": str(int(ends * 1000))})
    signed_message = escaped(message)
    signature = _signature(intermediate, signed_bytes(sender, recipient, PROTOCOL, signed_message))
    if switches.bad_signature:
        signature = _signature(intermediate, b"something else")
    return {
        "signature": signature,
        "intermediateSigningKey": {
            "signedKey": signed_key,
            "signatures": [_signature(root, signed_bytes(sender, PROTOCOL, signed_key))],
        },
        "protocolVersion": PROTOCOL,
        "signedMessage": signed_message,
    }


class Callbacks:
    """Posts in the background, one after another. Callers of `tell` hold the sandbox's lock."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store, self._switches = store, switches
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        self._root: tuple[str, Key] | None = None
        self._changed = threading.Condition(threading.RLock())
        self._open, self._stopped = 0, False
        self._held: Post | None = None
        self._executor = ThreadPoolExecutor(1, "google-callbacks")
        self._session = requests.Session()
        self._session.trust_env = False

    def keys(self) -> Json:
        """What the address of root keys answers."""
        self._signer()
        ends = str(int((time.time() + ROOT_SECONDS) * 1000))
        return {
            "keys": [
                {"keyValue": _public(_read(pem)), "protocolVersion": PROTOCOL, "keyExpiration": ends}
                for pem in self._store.roots
            ]
        }

    def new_root(self, *, keep: bool = True) -> None:
        """Signs with another root key from now on. Without `keep` the earlier ones are no longer listed."""
        self._store.roots = [*(self._store.roots if keep else []), _pem(ec.generate_private_key(ec.SECP256R1()))]
        self._store.save()

    def tell(self, issuer: str, url: str, held: Json, event: str, count: int) -> None:
        """`event`: save, del, or activate, which names its objects otherwise."""
        message: Json = {
            "classId": held["classId"],
            "objectId": held["id"],
            "eventType": event,
            "expTimeMillis": int((time.time() + (-1 if self._switches.expired_message else MESSAGE_SECONDS)) * 1000),
            "count": count,
            "nonce": str(uuid.uuid4()),
        }
        if event == "activate":
            message["objectIds"] = [message.pop("objectId")]
            message["deviceContext"] = {"deviceId": uuid.uuid4().hex}
        body = json.dumps(sealed(message, issuer, self._signer(), self._switches)).encode()
        self._submit(Post(url, body, {"object": held["id"], "event": event, "url": url, "nonce": message["nonce"]}))

    def drain(self, timeout: float = 10.0) -> None:
        """Sends what is held and waits until nothing is under way; TimeoutError if that takes longer."""
        with self._changed:
            self._release(self._held)
            if not self._changed.wait_for(lambda: self._open == 0, timeout):
                raise TimeoutError(f"{self._open} callbacks are still under way")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _signer(self) -> Key:
        if not self._store.roots:
            self.new_root()
        newest = self._store.roots[-1]
        if self._root is None or self._root[0] != newest:
            self._root = (newest, _read(newest))
        return self._root[1]

    def _submit(self, post: Post) -> None:
        with self._changed:
            if self._held:
                held, self._held = self._held, None
                self._dispatch(post, held)
            elif self._switches.out_of_order:
                self._held = post
                timer = threading.Timer(self._switches.hold_seconds, partial(self._release, post))
                timer.daemon = True
                timer.start()
            else:
                self._dispatch(post)

    def _release(self, post: Post | None) -> None:
        with self._changed:
            if post and self._held is post:
                self._held = None
                self._dispatch(post)

    def _dispatch(self, *posts: Post) -> None:
        if not self._stopped:
            self._open += 1
            self._executor.submit(self._post_all, posts)

    def _post_all(self, posts: tuple[Post, ...]) -> None:
        try:
            for post in posts:
                for _ in range(2 if self._switches.duplicate else 1):
                    self._post_until_taken(post)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _post_until_taken(self, post: Post) -> None:
        for attempt in range(self._switches.retries + 1):
            if attempt:
                time.sleep(RETRY_PAUSE)
            if self._post(post):
                return

    def _post(self, post: Post) -> bool:
        status, error, started = None, "", time.time()
        try:
            if self._switches.heed_robots and not self._let_in(post.url):
                raise ValueError("robots.txt does not let Googlebot in")
            status = self._session.post(
                post.url, data=post.body, timeout=TIMEOUT, allow_redirects=False,
                headers={"Content-Type": "application/json", "User-Agent": AGENT},
            ).status_code  # fmt: skip
        except (requests.RequestException, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        took = round((time.time() - started) * 1000, 1)
        self.log.append({**post.about, "status": status, "ms": took, "sent_at": started, "error": error})
        return status is not None and 200 <= status < 300

    def _let_in(self, url: str) -> bool:
        """A host without a robots.txt lets everybody in."""
        answer = self._session.get(urljoin(url, "/robots.txt"), timeout=TIMEOUT, headers={"User-Agent": AGENT})
        rules = RobotFileParser()
        rules.parse(answer.text.splitlines() if answer.status_code == 200 else [])
        return rules.can_fetch("Googlebot", url)


def _signature(key: Key, data: bytes) -> str:
    return base64.b64encode(key.sign(data, ec.ECDSA(hashes.SHA256()))).decode()


def _public(key: Key) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _pem(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _read(pem: str) -> Key:
    key: Any = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a root key is an elliptic curve's")
    return key
