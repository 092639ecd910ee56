"""Save links: what their tokens must be, and what they ask for.

Source: developers.google.com/wallet/reference/rest/v1/Jwt and developers.google.com/wallet/generic/web
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jwt

from passes.google.sandbox.store import Store
from passes.google.sandbox.wire import RESOURCES, Json, is_class

AUDIENCE, TYPE, SAFE_LENGTH = "google", "savetowallet", 1800
SKINNY = {"id", "classId"}


class LinkRefused(Exception):
    """A token that Google does not take; every reason is listed."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class Named(NamedTuple):
    """A class or object that a link names; with its id alone, or whole."""

    kind: str
    body: Json

    @property
    def skinny(self) -> bool:
        return not is_class(self.kind) and set(self.body) <= SKINNY


class Link(NamedTuple):
    """`account`: who signed it. `warnings`: what works here and may not on a phone."""

    account: str
    named: list[Named]
    warnings: list[str]


def read(token: str, store: Store) -> Link:
    """Verifies the token, and every name in it. Raises LinkRefused."""
    try:
        email = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
    except jwt.PyJWTError as error:
        raise LinkRefused(f"This is no token: {error}.") from None
    keys = store.keys_of(email)
    if not keys:
        raise LinkRefused(f"iss must be the e-mail address of a service account, not {email!r}.")
    claims = _verified(token, keys)
    if reasons := list(_problems(claims)):
        raise LinkRefused(*reasons)
    return Link(email, _named(claims["payload"]), list(_warnings(token, claims)))


def payload_of(text: Any) -> list[Named]:
    """What the JSON of a token's claims, or of its payload alone, names. Raises LinkRefused."""
    if not isinstance(text, Mapping):
        raise LinkRefused("The JSON must be an object.")
    payload = text.get("payload", text)
    if reasons := list(_payload_problems(payload)):
        raise LinkRefused(*reasons)
    return _named(payload)


def _verified(token: str, keys: list[str]) -> Json:
    for key in keys:
        try:
            claims: Json = jwt.decode(
                token, key, algorithms=["RS256"], options={"verify_aud": False, "verify_iat": False}
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise LinkRefused(f"The token is not taken: {error}.") from None
        return claims
    raise LinkRefused("The token's signature is not of a key of this service account.")


def _problems(claims: Mapping[str, Any]) -> Iterator[str]:
    if claims.get("aud") != AUDIENCE:
        yield f"aud must be {AUDIENCE!r}, not {claims.get('aud')!r}."
    if claims.get("typ") != TYPE:
        yield f"typ must be {TYPE!r}, not {claims.get('typ')!r}."
    if "iat" in claims and not isinstance(claims["iat"], int):
        yield "iat must be a whole number of seconds."
    if not isinstance(claims.get("origins", []), list):
        yield "origins must be a list."
    yield from _payload_problems(claims.get("payload"))


def _payload_problems(payload: Any) -> Iterator[str]:
    if not isinstance(payload, Mapping) or not payload:
        yield "payload must name classes or objects."
        return
    for key, listed in payload.items():
        if key not in RESOURCES:
            yield f"payload has no {key}: it has {', '.join(RESOURCES)}."
        elif not (isinstance(listed, list) and listed and all(isinstance(each, Mapping) for each in listed)):
            yield f"payload.{key} must be a list of objects."
        elif not all(isinstance(each.get("id"), str) for each in listed):
            yield f"payload.{key}: each needs an id."
    if not any(str(key).endswith("Objects") for key in payload):
        yield "payload names no object to save."


def _named(payload: Mapping[str, Any]) -> list[Named]:
    """Classes first: fat objects may belong to them."""
    found = [Named(RESOURCES[key], dict(each)) for key, listed in payload.items() for each in listed]
    return sorted(found, key=lambda named: not is_class(named.kind))


def _warnings(token: str, claims: Mapping[str, Any]) -> Iterator[str]:
    if len(token) > SAFE_LENGTH:
        yield f"The token has {len(token)} characters. Beyond {SAFE_LENGTH} browsers may cut the link."
    if "iat" not in claims:
        yield "The token has no iat."
    if "origins" not in claims:
        yield "The token has no origins."
    if "exp" in claims:
        yield "Google documents no exp for save links."
