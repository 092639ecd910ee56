"""Vendor secrets at rest: an encrypted model field bound to its row, and the rotation of its keys.

Stored form: `v1:<key id>:<base64 of nonce and ciphertext>`, AES-256-GCM. The associated data names model, field and
row, so a ciphertext copied to another row does not decrypt. Keys come from ENCRYPTION_KEYS, newest first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import models

from portal.redaction import excerpt, redact
from portal.sentences import Explained, say

__all__ = [
    "Ciphertext", "EncryptedTextField", "Sealed", "SecretError", "decrypt", "encrypt", "excerpt", "redact", "sealed",
]  # fmt: skip

NONCE_BYTES = 12


class SecretError(Explained):
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
    return {_id_of(key): AESGCM(key) for key in raw}


def _id_of(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


def ciphers() -> dict[str, AESGCM]:
    """By key id, newest first."""
    return _ciphers(tuple(settings.ENCRYPTION_KEYS))


def newest_key_id() -> str:
    for key_id in ciphers():
        return key_id
    raise SecretError(say("ENCRYPTION_KEYS is empty, so no secret can be stored."))


def encrypt(text: str, bound_to: str) -> Ciphertext:
    key_id = newest_key_id()
    cipher = ciphers()[key_id]
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, text.encode(), bound_to.encode())
    return Ciphertext(f"v1:{key_id}:{base64.b64encode(sealed).decode()}")


def decrypt(stored: Ciphertext, bound_to: str) -> str:
    try:
        _, key_id, body = stored.split(":", 2)
        sealed = base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error) as error:
        raise SecretError(say("The stored secret is damaged.")) from error
    if key_id not in ciphers():
        raise SecretError(say("The secret was stored with key %(key)s, which is not in ENCRYPTION_KEYS.", key=key_id))
    try:
        return ciphers()[key_id].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SecretError(say("The stored secret does not belong to this row, or was changed.")) from error


def fingerprint(text: str) -> str:
    """Tells equal secrets by, and nothing else: without the newest of ENCRYPTION_KEYS no guess can be tried on it.

    Under another newest key the same secret has another one. Raises SecretError where there is no key.
    """
    newest_key_id()
    key = base64.urlsafe_b64decode(settings.ENCRYPTION_KEYS[0])
    return hmac.new(key, b"fingerprint\n" + text.encode(), hashlib.sha256).hexdigest()


def sign(text: str) -> str:
    """A signature that nobody makes without the newest of ENCRYPTION_KEYS. Raises SecretError where there is none."""
    return _signed(text, newest_key_id())


def verifies(text: str, key_id: str, signature: str) -> bool:
    """Whether `sign` made it under that key, which must be at hand."""
    return key_id in ciphers() and hmac.compare_digest(_signed(text, key_id), signature)


def _signed(text: str, key_id: str) -> str:
    key = next(raw for raw in map(base64.urlsafe_b64decode, settings.ENCRYPTION_KEYS) if _id_of(raw) == key_id)
    # What encrypts signs nothing itself.
    derived = hmac.digest(key, b"signature", "sha256")
    return hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Sealed:
    """A secret as it is stored, and what it is bound to: equal for equal ones, so what is made of it can be kept."""

    stored: str
    bound_to: str

    def opened(self) -> str:
        """Raises SecretError."""
        return decrypt(self.stored, self.bound_to) if isinstance(self.stored, Ciphertext) else self.stored


def sealed(row: models.Model, name: str) -> Sealed:
    """The secret of a row's encrypted field."""
    field = row._meta.get_field(name)
    if not isinstance(field, EncryptedTextField):
        raise TypeError(f"{name} is not encrypted.")
    return Sealed(row.__dict__[name] if name in row.__dict__ else field.stored_in(row) or "", field.bound_to_row(row))


class _Attribute:
    """Decrypts on access: only then are the row and its identity known."""

    def __init__(self, field: EncryptedTextField) -> None:
        self.field = field

    def __get__(self, row: models.Model | None, owner: type[models.Model]) -> Any:
        if row is None:
            return self
        if self.field.attname not in row.__dict__:  # deferred
            row.__dict__[self.field.attname] = self.field.stored_in(row)
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

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether there is one, or whether it is this very ciphertext; anything else raises FieldError."""
        return super().get_lookup(lookup_name) if lookup_name in {"isnull", "exact"} else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bound_to": self.bound_to}

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Attribute(self))

    def bound_to_row(self, row: models.Model) -> str:
        return f"{row._meta.label_lower}.{self.attname}:{getattr(row, self.bound_to)}"

    def stored_in(self, row: models.Model) -> Ciphertext | None:
        """What the database holds for the row, still encrypted."""
        rows = type(row)._base_manager.using(row._state.db).filter(pk=row.pk)
        stored: Ciphertext | None = rows.values_list(self.attname, flat=True).get()
        return stored

    def value_to_string(self, obj: models.Model) -> str:
        """For `dumpdata`: as it is stored."""
        return str(obj.__dict__.get(self.attname) or "")

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


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Every encrypted field of every model that has a table of its own."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def rotate(row: models.Model, field: EncryptedTextField) -> bool:
    """Stores the row's secret anew under the newest key. False when another process changed it meanwhile.

    Raises SecretError when it cannot be read.
    """
    old = row.__dict__[field.attname]
    bound_to = field.bound_to_row(row)
    rows = type(row)._base_manager.filter(pk=row.pk, **{field.attname: old})
    return bool(rows.update(**{field.attname: encrypt(decrypt(old, bound_to), bound_to)}))
