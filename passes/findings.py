"""What is found out about a design before it is published: errors stop it, warnings do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from passes.images import Png
from portal.sentences import Sentence


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """`field` is the form's: `description`, or `fields.expression` with the `row` that it belongs to."""

    severity: Severity
    field: str
    sentence: Sentence
    row: str = ""


@dataclass(frozen=True)
class Facts:
    """What a design does not say itself.

    images: by path in the pass. nfc: whether the certificate may sign passes with NFC; None when that is not known.
    reachable: whether a wallet's vendor can fetch pictures from the portal.
    known: the names of values that customers have; empty while there is none to look at. samples: the values of some
    customers.
    """

    images: Mapping[str, Png] = field(default_factory=dict)
    nfc: bool | None = None
    reachable: bool = True
    known: frozenset[str] = frozenset()
    samples: Sequence[Mapping[str, Any]] = ()


def error(field: str, sentence: Sentence, row: str = "") -> Finding:
    return Finding(Severity.ERROR, field, sentence, row)


def warning(field: str, sentence: Sentence, row: str = "") -> Finding:
    return Finding(Severity.WARNING, field, sentence, row)
