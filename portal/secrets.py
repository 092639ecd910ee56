"""Vendor secrets at rest: an encrypted model field bound to its row, key rotation, and redaction for traces and logs.

Stored form: `v1:<key id>:<base64 of nonce and ciphertext>`, AES-256-GCM. The associated data names model, field and
row, so a ciphertext copied to another row does not decrypt. Keys come from ENCRYPTION_KEYS, newest first.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

NONCE_BYTES = 12


class SecretError(Exception):
    """A stored secret cannot be read with the keys at hand."""


class Ciphertext(str):
    """A stored, still encrypted value."""

    __slots__ = ()

    @property
    def key_id(self) -> str:
        return self.split(":", 2)[1]


@lru_cache(maxsize=4)
def _ciphers(keys: tuple[str, ...]) -> dict[str, AESGCM]:
    raw = [base64.urlsafe_b64decode(key) for key in keys]
    return {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in raw}


def ciphers() -> dict[str, AESGCM]:
    """By key id, newest first."""
    return _ciphers(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str, bound_to: str) -> Ciphertext:
    key_id, cipher = next(iter(ciphers().items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, text.encode(), bound_to.encode())
    return Ciphertext(f"v1:{key_id}:{base64.b64encode(sealed).decode()}")


def decrypt(stored: Ciphertext, bound_to: str) -> str:
    _, key_id, body = stored.split(":", 2)
    if key_id not in ciphers():
        raise SecretError(f"The secret was stored with key {key_id}, which is not in ENCRYPTION_KEYS.")
    sealed = base64.b64decode(body)
    try:
        return ciphers()[key_id].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode()).decode()
    except InvalidTag as error:
        raise SecretError("The stored secret does not belong to this row, or was changed.") from error


class _Attribute:
    """Decrypts on access: only then are the row and its identity known."""

    def __init__(self, field: EncryptedTextField) -> None:
        self.field = field

    def __get__(self, row: models.Model | None, owner: type[models.Model]) -> Any:
        if row is None:
            return self
        if self.field.attname not in row.__dict__:
            row.refresh_from_db(fields=[self.field.attname])
        stored = row.__dict__[self.field.attname]
        if isinstance(stored, Ciphertext):
            return decrypt(stored, self.field.bound_to_row(row))
        return stored

    def __set__(self, row: models.Model, text: str) -> None:
        row.__dict__[self.field.attname] = text


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """Text that is encrypted at rest. `bound_to` names a field that identifies the row before it is stored."""

    def __init__(self, *args: Any, bound_to: str = "uid", **kwargs: Any) -> None:
        self.bound_to = bound_to
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bound_to": self.bound_to}

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Attribute(self))

    def bound_to_row(self, row: models.Model) -> str:
        return f"{row._meta.label_lower}.{self.attname}:{getattr(row, self.bound_to)}"

    def from_db_value(self, stored: str | None, *_: Any) -> str | None:
        return Ciphertext(stored) if stored else stored

    def pre_save(self, row: models.Model, add: bool) -> str | None:
        held = row.__dict__.get(self.attname)
        if not held or isinstance(held, Ciphertext):
            return held
        row.__dict__[self.attname] = sealed = encrypt(held, self.bound_to_row(row))
        return sealed

    def get_prep_value(self, text: Any) -> Any:
        if text and not isinstance(text, Ciphertext):
            raise TypeError(f"{self.name} is encrypted: set it on a row and save the row.")
        return str(text) if text else text


_SECRET_WORDS = (
    "authorization|x-api-key|api[-_]?key|access_?token|authentication_?token|push_?token|password|secret|assertion"
)
_JSON_SECRET = re.compile(rf'("(?:[^"]*(?:{_SECRET_WORDS})[^"]*)"\s*:\s*)"[^"]*"', re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|ApplePass|Basic)\s+\S+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without tokens, keys and passwords: values of JSON members and headers whose names tell of one."""
    return _BEARER.sub(r"\1 •••", _JSON_SECRET.sub(r'\1"•••"', text))


def excerpt(body: bytes | str, limit: int = 2000) -> str:
    """What a trace keeps of a body: readable, redacted, cut to `limit` characters."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    text = redact(text).replace("\x00", "")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
