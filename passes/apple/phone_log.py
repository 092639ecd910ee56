"""What phones write to the web service's log, read line by line. Pure.

Apple documents the call but not its lines: the forms below are those that phones have been seen to post, such as
"[2026-03-02 09:12:44 +0100] Register task (for device 5a3f…, pass type pass.com.example, serial number 3f1c…; with web
service url https://…) encountered error: Authentication failure".
https://developer.apple.com/documentation/walletpasses/log-a-message
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LINE_LENGTH = 500


class Kind(StrEnum):
    REFUSED = "refused"  # the token of the card was not taken
    INVALID = "invalid"  # the phone does not take the new card
    REGISTER = "register"
    UNREGISTER = "unregister"
    FETCH = "fetch"
    UNCHANGED = "unchanged"  # asked for a change that was none
    CONDITION = "condition"  # got the same card again
    UNREGISTERED = "unregistered"  # heard of a card that it no longer has
    OTHER = "other"


@dataclass(frozen=True)
class Report:
    """One line: the pass that it names, where it names one, and the text, fit to be shown."""

    kind: Kind
    text: str
    serial: str = ""
    pass_type: str = ""


_STAMP = re.compile(r"\[\d{4}-\d\d-\d\d [\d:]{8} [+-]\d{4}\] ?")
_SERIAL = re.compile(r"serial number '?([^\s',;)]+?)'?(?=[\s,;)]|\.(?:\s|$)|$)", re.IGNORECASE)
_PASS_TYPE = re.compile(r"(?:pass type |error for )([^\s,;()]+)", re.IGNORECASE)
# A device's identifier is the secret by which it asks what changed, and a token opens the card.
_SECRETS = re.compile(r"((?:for device|ApplePass) \S{8})[^\s,;)]+", re.IGNORECASE)
_TASK = re.compile(r"(register|unregister|get pass) task .*encountered error: ?(.*)", re.IGNORECASE)
_TASKS = {"register": Kind.REGISTER, "unregister": Kind.UNREGISTER, "get pass": Kind.FETCH}
_SAID = (
    ("requested update to serial number", Kind.UNCHANGED),
    ("ignored the 'if-modified-since'", Kind.CONDITION),
    ("update requested for unregistered serial number", Kind.UNREGISTERED),
)


def reported(line: object) -> Report:
    """Whatever a phone, or a stranger, sent as one line."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(line)[:LINE_LENGTH])
    text = _SECRETS.sub(r"\1…", _STAMP.sub("", text, count=1)).strip()
    serial, pass_type = _SERIAL.search(text), _PASS_TYPE.search(text)
    return Report(_kind(text), text, serial[1] if serial else "", pass_type[1] if pass_type else "")


def _kind(text: str) -> Kind:
    if task := _TASK.match(text):
        problem = task[2].lower()
        if "authentication failure" in problem:
            return Kind.REFUSED
        return Kind.INVALID if "invalid pass data" in problem else _TASKS[task[1].lower()]
    return next((kind for words, kind in _SAID if words in text.lower()), Kind.OTHER)
