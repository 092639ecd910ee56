"""Payloads and subjects in the form in which both databases store them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from portal.text import storable

SUBJECT_LIMIT = 200
# In JSON as json.dumps writes it. Escaped backslashes and whole pairs are matched first, so that they stay.
_ESCAPES = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}|\\u0000")


def encode(payload: Mapping[str, Any]) -> str:
    """The payload as JSON that both databases take."""
    text = json.dumps(payload)
    return _ESCAPES.sub(_replaced, text) if "\\u0000" in text or "\\ud" in text else text


def _replaced(found: re.Match[str]) -> str:
    escape = found[0]
    return escape if len(escape) in {2, 12} else "\\ufffd"


def storable_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(encode(payload))
    return decoded


def fitting_subject(subject: str) -> str:
    """A subject only has to be the same for the same thing: the end of a very long one gives way to its hash."""
    subject = storable(subject)
    if len(subject) <= SUBJECT_LIMIT:
        return subject
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return f"{subject[: SUBJECT_LIMIT - len(digest) - 1]}#{digest}"
