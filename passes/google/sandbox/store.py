"""What Google keeps: issuers and who may act for them, service accounts, classes and objects, and who holds what."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from passes.google.sandbox.wire import KINDS, Json, class_kind, is_class, issuer_of

NOTICES_KEPT = 1000


@dataclass
class Issuer:
    """`permissions`: the role (OWNER, WRITER, READER) by e-mail address."""

    name: str
    permissions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountKey:
    """A key of a service account; `public_key` is PEM."""

    email: str
    public_key: str


@dataclass
class Store:
    """`resources`: bodies by kind and id. `holders`: by object, who saved it and when (seconds since the epoch).
    `notices`: what was pushed to phones, oldest first. `pushed`: by object or class and sort of push, when; what counts
    against the three of a day. `links`: tokens of save links that Google keeps, by their short names. `phones`: their
    languages by name. `roots`: PEM keys of the callbacks' signatures, the newest last.
    """

    path: Path | None = None
    issuers: dict[str, Issuer] = field(default_factory=dict)
    keys: dict[str, AccountKey] = field(default_factory=dict)
    resources: dict[str, dict[str, Json]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    holders: dict[str, dict[str, float]] = field(default_factory=dict)
    notices: list[Json] = field(default_factory=list)
    pushed: dict[str, list[float]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)

    def find(self, resource: str, *, classes: bool) -> tuple[str, Json] | None:
        """(kind, body) of the class or object of this id, whatever its type: ids are unique across types."""
        for kind in KINDS:
            if is_class(kind) == classes and resource in self.resources[kind]:
                return kind, self.resources[kind][resource]
        return None

    def class_of(self, kind: str, body: Json) -> Json:
        """The class of an object; empty when there is none."""
        return self.resources[class_kind(kind)].get(str(body.get("classId")), {})

    def keys_of(self, email: str) -> list[str]:
        return [key.public_key for key in self.keys.values() if key.email == email]

    def may(self, email: str, resource: str, *, write: bool) -> bool:
        """Whether the account is a user of the resource's issuer, with the right to write if it wants to."""
        issuer = self.issuers.get(issuer_of(resource))
        role = issuer.permissions.get(email) if issuer else None
        return role in ({"OWNER", "WRITER"} if write else {"OWNER", "WRITER", "READER"})

    def note(self, notice: Json) -> None:
        self.notices = [*self.notices, notice][-NOTICES_KEPT:]

    def save(self) -> None:
        """Written beside and moved into place, so that a kill leaves the old file or the new one."""
        if not self.path:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({key: each for key, each in asdict(self).items() if key != "path"}))
        os.replace(draft, self.path)


def load(path: Path | None) -> Store:
    """The stored state, or that of the first start."""
    if path is None or not path.exists():
        return Store(path)
    saved: dict[str, Any] = json.loads(path.read_text())
    saved["issuers"] = {name: Issuer(**each) for name, each in saved["issuers"].items()}
    saved["keys"] = {name: AccountKey(**each) for name, each in saved["keys"].items()}
    return Store(path, **saved)
