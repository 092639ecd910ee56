"""Service accounts: their key files, and access tokens for what their keys sign.

Source: developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.sandbox.store import AccountKey

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # fixed, whatever token_uri says
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
TOKEN_SECONDS, LONGEST_ASSERTION, CLOCK_SKEW = 3600, 3600, 300
PROJECT = "sandbox-wallet"

KeyFile = dict[str, str]


class TokenRefused(Exception):
    """`code` and the text are RFC 6749's error and error_description, as Google words them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def email_of(name: str) -> str:
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"


def key_file(email: str, key: rsa.RSAPrivateKey, token_uri: str) -> tuple[KeyFile, AccountKey]:
    """What the Cloud console lets a person download once, and what Google keeps of it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip
    file = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": secrets.token_hex(20),
        "private_key": pem,
        "client_email": email,
        "client_id": str(10**20 + secrets.randbelow(10**20)),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }
    return file, AccountKey(email, public)


def asserted(form: Mapping[str, str], keys: Mapping[str, AccountKey]) -> str:
    """The e-mail address of the account that signed the assertion. Raises TokenRefused."""
    if form.get("grant_type") != GRANT:
        raise TokenRefused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    assertion = form.get("assertion", "")
    try:
        key = keys.get(str(jwt.get_unverified_header(assertion).get("kid")))
        claimed = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise TokenRefused("invalid_grant", "Bad Request") from None
    issuer = str(claimed.get("iss"))
    if issuer not in {each.email for each in keys.values()}:
        raise TokenRefused("invalid_grant", "Invalid grant: account not found")
    if key is None or key.email != issuer:
        raise TokenRefused("invalid_grant", "Invalid JWT Signature.")
    return _checked(assertion, key)


def _checked(assertion: str, key: AccountKey) -> str:
    try:
        claims = jwt.decode(
            assertion, key.public_key, algorithms=["RS256"], audience=AUDIENCE, leeway=CLOCK_SKEW,
            options={"require": ["iss", "aud", "iat", "exp"]},
        )  # fmt: skip
    except jwt.InvalidSignatureError:
        raise TokenRefused("invalid_grant", "Invalid JWT Signature.") from None
    except jwt.InvalidAudienceError:
        raise TokenRefused("invalid_grant", "Invalid JWT: Failed audience check.") from None
    except jwt.PyJWTError:
        raise TokenRefused("invalid_grant", _TIMEFRAME) from None
    if claims["exp"] - claims["iat"] > LONGEST_ASSERTION:
        raise TokenRefused("invalid_grant", _TIMEFRAME)
    if SCOPE not in str(claims.get("scope", "")).split():
        raise TokenRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return key.email


_TIMEFRAME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp "
    "values in the JWT claim."
)


class Tokens:
    """The access tokens that are out, and how fast each account calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out: dict[str, tuple[float, str]] = {}  # -> until when (monotonic), and whose it is
        self._calls: dict[str, deque[float]] = {}

    def give(self, email: str) -> dict[str, Any]:
        token, now = f"ya29.{secrets.token_urlsafe(48)}", time.monotonic()
        with self._lock:
            self._out = {known: held for known, held in self._out.items() if held[0] > now}
            self._out[token] = (now + TOKEN_SECONDS, email)
        return {"access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer"}

    def account(self, authorization: str) -> str | None:
        """Whose token it is; None for none, an unknown or an expired one."""
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            until, email = self._out.get(token, (0.0, ""))
        return email if scheme.lower() == "bearer" and until > time.monotonic() else None

    def withdraw(self, email: str) -> None:
        """Tokens that are out end at once, as when the account is disabled."""
        with self._lock:
            self._out = {known: held for known, held in self._out.items() if held[1] != email}

    def within(self, email: str, limit: int) -> bool:
        """Counts a call; False for one beyond the limit of a second."""
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(email, deque())
            while calls and calls[0] <= now - 1:
                calls.popleft()
            if limit and len(calls) >= limit:
                return False
            calls.append(now)
        return True
