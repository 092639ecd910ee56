"""An issuer of bearer tokens on loopback: its JWKS over real sockets, its tokens made with real keys."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from portal.sandbox import Request, Response, Sandbox, route
from tests.world import post

MINIMAL = {"data": {"profileId": 147471}}
AUDIENCE = "https://portal.example/api"
SCOPE = "ActitoListener.Write"
RSA_KEY, OTHER_RSA_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
_WRITERS: dict[str, Any] = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "ES": ECAlgorithm, "Ed": OKPAlgorithm}


def jwk(key: Any, kid: str | None, algorithm: str = "RS256", **more: Any) -> dict[str, Any]:
    """The public part, as a JWKS has it."""
    member = json.loads(_WRITERS[algorithm[:2]].to_jwk(key.public_key()))
    member.pop("key_ops", None)
    return {**member, **({"kid": kid} if kid is not None else {}), **more}


class Issuer(Sandbox):
    """Publishes `members`, or answers `document` if there is one."""

    name = "issuer"

    def __init__(self) -> None:
        super().__init__()
        self.members = [jwk(RSA_KEY, "rsa-1"), jwk(EC_KEY, "ec-1", "ES256"), jwk(ED_KEY, "ed-1", "EdDSA")]
        self.document: Any = None

    @route("GET", "/jwks.json")
    def jwks(self, request: Request) -> Response:
        return Response(200, {"keys": self.members} if self.document is None else self.document)

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks.json"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a good token says; None takes a claim away."""
        now = int(time.time())
        told = {"iss": self.url, "aud": AUDIENCE, "exp": now + 600, "iat": now, "nbf": now, "sub": "someone",
                "azp": "sender", "scope": f"openid {SCOPE}", **changed}  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}

    def token(
        self, key: Any = RSA_KEY, kid: Any = "rsa-1", algorithm: str = "RS256", headers: Any = None, **changed: Any
    ) -> str:
        named = {"kid": kid} if kid is not None else {}
        return jwt.encode(self.claims(**changed), key, algorithm, headers={**named, **(headers or {})})


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


class Clock:
    """A monotonic clock that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def send(token: str | None, tenant: str = "verdi", **more: Any) -> Any:
    headers = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return post(MINIMAL, tenant=tenant, secret=None, **headers, **more)


def reads(issuer: Issuer) -> int:
    return sum(request["path"] == "/jwks.json" for request in issuer.requests)
