"""Connecting step by step: what was found so far, kept between pages, and the reads of each step.

A draft lives in the person's session, its API key encrypted; a connection comes into being at the end, whole. One that
there is already is set up again in the same way: until the end it stays as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TypeVar

from django.contrib.sessions.backends.base import SessionBase

from integrations.actito.answers import ActitoProfile
from integrations.actito.checkup import find_table, sample, unique_problem
from integrations.actito.directory import Directory, Listed, detect
from integrations.actito.models import ActitoConnection
from integrations.actito.tokens import tokens
from portal.http import ApiError
from portal.secrets import Ciphertext, SecretError, decrypt, encrypt
from portal.sentences import Explained, Sentence, say

DRAFTS = "actito_drafts"  # in the session
DRAFTS_KEPT = 3  # a person may have the page open twice
NAMES_KEPT = 200
# Of a connection, what the steps ask for beside the key.
ASKED = ("name", "licence", "host", "account", "path_style", "entity", "table", "unique_key", "language_attribute")
Found = TypeVar("Found")


class Wrong(Explained):
    """What was given cannot be: `field` is the one that it is about; empty for none of them."""

    def __init__(self, sentence: Sentence, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def changed_meanwhile() -> Wrong:
    return Wrong(say("Somebody changed this connection meanwhile, or deleted it. Begin again: nothing was stored."))


@dataclass
class Draft:
    """A connection in the making. A list is None where Actito does not give it to this key."""

    tenant: int
    host: str
    account: str
    path_style: str
    secret: str  # encrypted
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    entities: list[str] | None = None
    entity: str = ""
    tables: list[str] | None = None
    table: str = ""
    unique: list[str] | None = None
    # The connection that is set up again, and what it had when that began. Without a secret here, its own is kept.
    of: int | None = None
    before: dict[str, str] = field(default_factory=dict)

    def connection(self) -> ActitoConnection:
        """A row that is not stored. Raises SecretError, and Wrong."""
        return ActitoConnection(
            tenant_id=self.tenant, name=self.entity or self.host, host=self.host, path_style=self.path_style,
            account=self.account, entity=self.entity, table=self.table,
            api_key=self._secret(),
        )  # fmt: skip

    def _secret(self) -> str:
        """A stored one goes nowhere but where it was meant for. Raises Wrong where it is no longer meant for it."""
        if self.secret:
            return decrypt(Ciphertext(self.secret), _bound(self.key))
        known = ActitoConnection.objects.for_tenant(self.tenant).filter(pk=self.of or 0)
        found = known.filter(host=self.before["host"], account=self.account).first()
        if found is None:
            raise changed_meanwhile()
        return str(found.api_key)

    def put_into(self, connection: ActitoConnection) -> None:
        for name in ("host", "account", "path_style", "entity", "table"):
            setattr(connection, name, getattr(self, name))
        if self.secret:
            connection.api_key = self._secret()


def _bound(key: str) -> str:
    return f"actito.draft:{key}"


def load(session: SessionBase, key: str) -> Draft | None:
    """None when it is unknown: the session ended, or newer ones pushed it out."""
    kept = session.get(DRAFTS, {}).get(key)
    return Draft(**kept) if kept else None


def store(session: SessionBase, draft: Draft) -> None:
    kept = {**session.get(DRAFTS, {}), draft.key: asdict(draft)}
    session[DRAFTS] = dict(list(kept.items())[-DRAFTS_KEPT:])


def forget(session: SessionBase, draft: Draft) -> None:
    session[DRAFTS] = {key: kept for key, kept in session.get(DRAFTS, {}).items() if key != draft.key}


# The steps. Each raises Wrong where something was entered that is not so, and ApiError where Actito cannot be asked.


def begin(
    tenant: int, *, host: str, account: str, api_key: str, path_style: str, again: ActitoConnection | None = None
) -> Draft:
    """Tries the key, and finds the path style unless it is given. Without a key, that of `again` is tried, and kept."""
    trial = ActitoConnection(
        name=host, host=host, account=account, api_key=api_key or _kept(again), path_style=path_style
    )
    try:
        directory = Directory(trial)
        directory.renew_token()
        found = detect(trial) if not path_style else None
        entities = found.entities if found else _or_none(directory.entities)
    except ApiError as error:
        if error.status in {401, 403}:
            raise Wrong(_refused(account), field="api_key") from error
        raise Wrong(error.sentence, field="host") from error
    finally:
        tokens.drop(trial)
    draft = Draft(tenant, host, account, trial.path_style, "", entities=_names(entities))
    draft.secret = encrypt(api_key, _bound(draft.key)) if api_key else ""
    if again:
        draft.of, draft.before = again.pk, asked_of(again)
    return draft


def asked_of(connection: ActitoConnection) -> dict[str, str]:
    return {name: getattr(connection, name) for name in ASKED}


def _kept(connection: ActitoConnection | None) -> str:
    try:
        return str(connection.api_key) if connection else ""
    except SecretError as error:
        raise Wrong(error.sentence, field="api_key") from error


def choose_entity(draft: Draft, entity: str) -> None:
    draft.entity, draft.table, draft.tables = entity, "", None
    draft.tables = _names(_asked(draft, _tables_of))


def choose_table(draft: Draft, table: str) -> None:
    """Also where tables may not be listed: then a profile of it is read."""
    draft.table = table
    draft.unique = _asked(draft, _unique_of_table)


def _unique_of_table(directory: Directory) -> list[str] | None:
    try:
        find_table(directory)
    except ApiError as error:
        if error.status == 404:
            raise Wrong(error.sentence, field="table") from error
        if error.status is None:
            raise
        _sample(directory)
        return None
    return directory.unique_attributes()


def check_unique(draft: Draft, unique_key: str) -> None:
    """Raises Wrong for an attribute that does not name one person: by the table's structure, and tried on a profile."""
    if draft.unique is not None and unique_key not in draft.unique:
        said = say("“%(attribute)s” is not unique in this table. Choose a unique attribute.", attribute=unique_key)
        raise Wrong(said, field="unique_key")

    def tried(directory: Directory) -> None:
        directory.connection.unique_key = unique_key
        profile = _sample(directory)
        problem = unique_problem(directory, profile) if profile else None
        if problem:
            raise Wrong(problem, field="unique_key")

    _asked(draft, tried)


def _sample(directory: Directory) -> ActitoProfile | None:
    try:
        return sample(directory)
    except ApiError as error:
        if error.status == 403:
            said = say("The API key may not read profiles of this table. Give it that right in Actito.")
            raise Wrong(said) from error
        if error.status == 404:
            raise Wrong(error.sentence, field="table") from error
        raise


def _tables_of(directory: Directory) -> list[Listed] | None:
    try:
        return directory.tables()
    except ApiError as error:
        if error.status == 404:
            said = say("Actito knows no entity “%(entity)s”, or hides it from this key.",
                       entity=directory.connection.entity)  # fmt: skip
            raise Wrong(said, field="entity") from error
        if error.status is None:
            raise
        return None


def _or_none(read: Callable[[], Found]) -> Found | None:
    """None where Actito answers, but does not tell."""
    try:
        return read()
    except ApiError as error:
        if error.status in {None, 401}:
            raise
        return None


def _asked(draft: Draft, ask: Callable[[Directory], Found]) -> Found:
    """With the draft's connection, of which nothing is kept. Raises Wrong for what hinders the call as a whole."""
    try:
        connection = draft.connection()
    except SecretError as error:
        raise Wrong(error.sentence) from error
    try:
        return ask(Directory(connection))
    except ApiError as error:
        raise Wrong(error.sentence) from error
    finally:
        tokens.drop(connection)


def _names(listed: Iterable[Listed] | None) -> list[str] | None:
    return None if listed is None else [each.name for each in listed][:NAMES_KEPT]


def _refused(account: str) -> Sentence:
    if account:
        return say("Actito does not accept this account and password.")
    return say("Actito does not accept this API key. Copy it whole from “View API key”, and choose its environment.")
