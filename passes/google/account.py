"""The service account that acts for an issuer: its key file, and what is signed with it.

https://developers.google.com/wallet/generic/web/prerequisites
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from google.auth import jwt
from google.auth.crypt import RSASigner

from passes.models import GoogleIssuer
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.secrets import SecretError
from portal.sentences import Explained, joined, say

KEY_FILE_LIMIT = 16 * 1024
_NEEDED = ("client_email", "private_key_id", "private_key", "token_uri")


class UnusableKey(Explained, ValueError):
    """What was given is no key file of a service account."""


@dataclass(frozen=True)
class Account:
    """What stands in a key file."""

    client_email: str
    private_key_id: str
    private_key: str = field(repr=False)
    token_uri: str
    project_id: str = ""

    def signed(self, claims: Mapping[str, Any]) -> str:
        """A JSON web token, RS256."""
        token: bytes = jwt.encode(_signer(self.private_key, self.private_key_id), dict(claims))  # type: ignore[no-untyped-call]
        return token.decode()


@lru_cache(maxsize=64)
def _signer(private_key: str, key_id: str) -> RSASigner:
    signer: RSASigner = RSASigner.from_string(private_key, key_id)  # type: ignore[no-untyped-call]
    return signer


def read_account(text: str) -> Account:
    """Raises UnusableKey, with a sentence that says what to give instead."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableKey(say("This is not a JSON file. Give the key file as Google Cloud made it, whole.")) from error
    if not isinstance(found, dict) or found.get("type") != "service_account":
        said = say(
            "This JSON is not the key of a service account. Google Cloud makes one under “Service accounts”, “Keys”."
        )
        raise UnusableKey(said)
    missing = [name for name in _NEEDED if not isinstance(found.get(name), str) or not found[name].strip()]
    if missing:
        raise UnusableKey(say("The key file lacks %(names)s. Give it whole.", names=", ".join(missing)))
    given = {name: found[name].strip() for name in _NEEDED}
    account = Account(**given, project_id=str(found.get("project_id", "")))
    try:
        _signer(account.private_key, account.private_key_id)
    except (ValueError, TypeError) as error:
        raise UnusableKey(
            say("The private key in this file cannot be read. Give the file as Google Cloud made it.")
        ) from error
    return account


def account_of(issuer: GoogleIssuer) -> Account:
    """Raises ApiError, which pauses the issuer, where the stored key cannot be used."""
    cannot = say("The key file of “%(issuer)s” cannot be used.", issuer=issuer.name)
    try:
        return read_account(issuer.key_file)
    except (SecretError, UnusableKey) as error:
        raise ApiError(joined([cannot, error.sentence]), Decision.PAUSE) from error
