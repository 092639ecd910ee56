"""Who looks at an admin, and what counts as a leak.

Every visit is undone afterwards: rows, cookies and what processes keep in memory are as before, so that any number of
visits see the same two worlds.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client

from portal.caching import BriefCache
from portal.tenancy import Action
from tests.portal.admin_world import World
from tests.portal.stranger_pages import Data, text_of
from tests.portal.stranger_rights import may_read, may_write
from tests.portal.stranger_rows import Rows, changed, crossings, snapshot
from tests.portal.surfaces import Kind

# What each finding means.
SHOWN = "shows what is theirs"
SECRET = "shows a secret"
REACHED = "opens their row"
CHANGED = "changes what is theirs"
CROSSED = "points from one tenant to the other"
ALLOWED = "allows what the role may not do"
REVEALED = "reveals that they use a value"
FILTERED = "filters by what no filter offers"
BROKEN = "breaks"
OPEN = "is open to people who may not enter"
UNSEEN = "cannot be judged: the worlds have no row of this model"

# A plain secret of the worlds, or one as it is stored (portal/secrets.py): "v1:" alone also ends a signed time.
SECRET_MARKS = re.compile(r"secret-|v1:[0-9a-f]{8}:")
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b(?!.*\"?(django_session|axes_))", re.IGNORECASE | re.DOTALL)
# Superusers may look at all; the table of roles does not speak of them.
EVERYTHING = frozenset(Action)


@dataclass(frozen=True)
class Leak:
    what: str
    kind: Kind
    address: str
    found: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.address} {self.what}. {self.found}".strip()


@dataclass
class Report:
    visits: list[tuple[Kind, str, str, int]] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)

    def add(self, what: str, kind: Kind, address: str, found: str = "") -> None:
        self.leaks.append(Leak(what, kind, address, found))

    def count(self) -> Counter[Kind]:
        return Counter(kind for kind, *_rest in self.visits)

    def statuses(self, kind: Kind) -> Counter[int]:
        return Counter(status for visited, _method, _address, status in self.visits if visited == kind)

    def found(self, what: str, kind: Kind | None = None, part: str = "") -> list[Leak]:
        return [leak for leak in self.leaks
                if leak.what == what and kind in {None, leak.kind} and part in leak.address]  # fmt: skip

    def __str__(self) -> str:
        counts = ", ".join(f"{kind} {number}" for kind, number in sorted(self.count().items()))
        return "\n".join([f"{len(self.visits)} visits: {counts}", *map(str, dict.fromkeys(self.leaks))])


@dataclass
class Looker:
    """A person who looks at `ours` through a client, and must learn nothing of `theirs`."""

    client: Client
    ours: World
    theirs: World
    actions: frozenset[Action] = frozenset()  # what the person may do in ours
    superuser: bool = False
    knows: tuple[str, ...] = ()  # names of theirs that this person may read
    report: Report = field(default_factory=Report)
    before: Rows = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.raise_request_exception = False
        self.before = snapshot()
        cache.clear()

    def get(self, kind: Kind, address: str, query: Mapping[str, Any] | None = None) -> Any:
        asked = f"{address}?{urlencode(query, doseq=True)}" if query else address
        return self._visit(kind, asked, None, sent=query or {})

    def post(self, kind: Kind, address: str, data: Data) -> Any:
        return self._visit(kind, address, data, sent=data)

    def may_read(self, model: type[Model] | None) -> bool:
        return self.superuser or model is None or may_read(model, self.actions)

    def may_write(self, model: type[Model]) -> bool:
        return self.superuser or may_write(model, self.actions)

    def _visit(self, kind: Kind, address: str, data: Data | None, sent: Mapping[str, Any]) -> Any:
        method = "GET" if data is None else "POST"
        with self._undone(), _noted_writes() as wrote:
            response = self.client.get(address) if data is None else self.client.post(address, data)
            self.report.visits.append((kind, method, address, response.status_code))
            if wrote:
                self._judge_rows(kind, f"{method} {address}")
            self._judge_text(kind, f"{method} {address}", response, sent)
        return response

    @contextmanager
    def _undone(self) -> Iterator[None]:
        cookies = deepcopy(self.client.cookies)
        logging.disable()  # most answers are refusals, each with a trace
        try:
            with patch("django.test.client.store_rendered_templates", _keep_dialogs), transaction.atomic():
                yield
                transaction.set_rollback(True)
        finally:
            logging.disable(logging.NOTSET)
            self.client.cookies = cookies
            for cache in BriefCache.instances:
                cache.clear()

    def _judge_text(self, kind: Kind, address: str, response: Any, sent: Mapping[str, Any]) -> None:
        if response.status_code >= 500:
            error = getattr(response, "exc_info", None)
            self.report.add(BROKEN, kind, address, repr(error[1]) if error else str(response.status_code))
        text = text_of(response)
        for said in sorted([*self.knows, *self._marked(sent)], key=len, reverse=True):
            # What the person knew before is no news. Something stays in its place: what stood around it is no word.
            text = text.replace(said.lower(), "\n")
        for mark in self.theirs.marks:
            if (at := text.find(mark.lower())) >= 0:
                self.report.add(SHOWN, kind, address, f"“{' '.join(text[max(0, at - 40) : at + 60].split())}”")
                break
        self.report.leaks += [Leak(SECRET, kind, address, mark) for mark in sorted(set(SECRET_MARKS.findall(text)))]

    def _judge_rows(self, kind: Kind, address: str) -> None:
        for model, pk, whose in changed(self.before, snapshot()):
            said = f"{model._meta.label} {pk}"
            if whose - {self.ours.tenant.pk, None} or (model is self.theirs.owner.__class__ and self._is_theirs(pk)):
                self.report.add(CHANGED, kind, address, said)
            elif not self.may_write(model):
                self.report.add(ALLOWED, kind, address, f"It changes {said}.")
        for said in crossings():
            self.report.add(CROSSED, kind, address, said)

    def _marked(self, sent: Mapping[str, Any]) -> list[str]:
        """What the person sent and has a mark in it. Nothing shorter: a part of a mark would hide the mark."""
        values = [each for value in sent.values() for each in (value if isinstance(value, list | tuple) else [value])]
        return [str(each) for each in values if self.theirs.mark.lower() in str(each).lower()]

    def _is_theirs(self, user_id: Any) -> bool:
        return bool(user_id == self.theirs.owner.pk)


def _keep_dialogs(store: dict[str, Any], signal: Any, sender: Any, template: Any, context: Any, **kwargs: Any) -> None:
    """The test client copies the context of each template that a page includes, which takes longer than the page."""
    if "dialog" in context and "form" in context:
        store["context"] = [{"form": context["form"]}]  # of a single one Django takes the first


@contextmanager
def _noted_writes() -> Iterator[list[str]]:
    """The statements that wrote something besides sessions and counts of sign-ins."""
    noted: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if _WRITES.match(sql):
            noted.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield noted
