"""What an event may look like when it comes in: `draft` reads a body, or refuses it with a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.didomi.sandbox.catalogue import Catalogue, Json
from integrations.didomi.sandbox.store import GDPR, Refusal, read_moment, stamp
from integrations.didomi.sandbox.switches import Switches

CONFIRMED, PENDING = "confirmed", "pending_approval"
STATUSES = (CONFIRMED, PENDING)
CLOCK_TOLERANCE = timedelta(minutes=1)
PROOF = re.compile(
    r"data:(application/pdf|image/(png|jpe?g|gif)|application/msword|application/vnd\.openxml[\w.-]+);base64,"
)
_CHANGEABLE = ("status", "delegate", "metadata", "proofs_id")
_FLAGS = ("enabled", "enabled_li")


def draft(body: Any, known: Catalogue, switches: Switches) -> Json:
    """The event of a body with its defaults, but for its organisation, id and user. Raises Refusal.

    Only `consents` is asked for: the guide's smallest body has a person and purposes, whatever the OpenAPI requires.
    """
    _demand(isinstance(body, dict), "The event must be an object")
    check_user(body.get("user") or {}, switches)
    check_metadata(body.get("metadata"), switches)
    _check_delegate(body.get("delegate"))
    _check_proofs(body)
    status, regulation = body.get("status") or CONFIRMED, body.get("regulation") or GDPR
    _demand(status in STATUSES, f"'status' should be equal to one of {', '.join(STATUSES)}")
    _demand(isinstance(regulation, str), "'regulation' should be string")
    found: Json = {
        "created_at": _moment(body.get("created_at"), switches),
        "status": status,
        "regulation": regulation,
        "consents": check_consents(body.get("consents"), known, switches),
        "proofs_id": list(body.get("proofs_id") or []),
        "metadata": body.get("metadata") or {},
    }
    return found | ({"delegate": body["delegate"]} if body.get("delegate") else {})


def changes(body: Any, known: Catalogue, switches: Switches) -> Json:
    """What a PATCH says of an event: status, consents, proofs_id, delegate, metadata. Raises Refusal."""
    _demand(isinstance(body, dict), "The event must be an object")
    found: Json = {name: body[name] for name in _CHANGEABLE if body.get(name) is not None}
    _demand(found.get("status", CONFIRMED) in STATUSES, f"'status' should be equal to one of {', '.join(STATUSES)}")
    _check_delegate(body.get("delegate"))
    _check_proofs(body)
    check_metadata(body.get("metadata"), switches)
    if "consents" in body:
        found["consents"] = check_consents(body["consents"], known, switches)
    return found


def check_consents(consents: Any, known: Catalogue, switches: Switches) -> Json:
    """The consents as they came, once they are well formed and in the catalogue. Raises Refusal."""
    _demand(isinstance(consents, dict), "should have required property 'consents'")
    for part in ("channels", "purposes"):
        _check_choices(consents.get(part), part, switches)
    _demand(isinstance(consents.get("tcfcs"), str | None), "'tcfcs' should be string")
    vendors = consents.get("vendors") or {}
    _demand(isinstance(vendors, dict) and all(map(_is_texts, vendors.values())), "'vendors' must hold lists of ids")
    if switches.check_catalogue and (unknown := next(known.unknown(consents), "")):
        raise Refusal(400, f"Unknown {unknown}")
    return {**consents, "vendors": vendors}


def check_metadata(metadata: Any, switches: Switches) -> None:
    _demand(isinstance(metadata or {}, dict), "'metadata' must be an object")
    size = len(json.dumps(metadata or {}))
    _demand(not 0 < switches.metadata_limit < size, f"'metadata' is too large: {size} of {switches.metadata_limit}")


def check_proof(file: Any) -> str:
    """A proof as it came. Raises Refusal for what is no data URI of a document or picture."""
    _demand(isinstance(file, str) and bool(PROOF.match(file)), "A proof is a data URI of a PDF, PNG, JPG, GIF or DOC")
    return str(file)


def _check_choices(items: Any, part: str, switches: Switches) -> None:
    _demand(isinstance(items or [], list), f"'{part}' should be array")
    for item in items or []:
        _demand(isinstance(item, dict) and _is_id(item.get("id")), f"'{part}' should have required property 'id'")
        for flag in _FLAGS:
            _demand(isinstance(item.get(flag), bool | None), f"'{part}.{flag}' should be boolean,null")
        check_metadata(item.get("metadata"), switches)
        _check_values(item.get("values"))
        for inner in ("channels", "preferences"):
            _check_choices(item.get(inner), f"{part}.{inner}", switches)


def _check_values(values: Any) -> None:
    _demand(isinstance(values or {}, dict), "'values' should be object")
    for preference, chosen in (values or {}).items():
        value = chosen.get("value") if isinstance(chosen, dict) else chosen
        fits = isinstance(chosen, dict) and (value is None or isinstance(value, str))
        _demand(fits, f"'values.{preference}.value' should be string")


def _check_delegate(delegate: Any) -> None:
    fits = delegate is None or (isinstance(delegate, dict) and _is_id(delegate.get("id")))
    _demand(fits, "'delegate' should have required property 'id'")


def check_user(user: Any, switches: Switches) -> None:
    _demand(isinstance(user, dict), "'user' must be an object")
    for name in ("id", "organization_user_id", "organization_user_id_type", "country", "last_seen_country"):
        _demand(user.get(name) is None or _is_id(user[name]), f"'user.{name}' should be string")
    check_metadata(user.get("metadata"), switches)


def _moment(given: Any, switches: Switches) -> str:
    moment = datetime.now(UTC) if given is None else read_moment(given)
    if moment is None:
        raise Refusal(400, "'created_at' should match format \"date-time\"")
    if switches.refuse_future and moment > datetime.now(UTC) + CLOCK_TOLERANCE:
        raise Refusal(400, "'created_at' is in the future")
    return stamp(moment)


def _check_proofs(body: Mapping[str, Any]) -> None:
    for name in ("proofs", "proofs_id"):
        _demand(_is_texts(body.get(name) or []), f"'{name}' should be an array of strings")
    for file in body.get("proofs") or []:
        check_proof(file)


def _demand(fits: bool, message: str) -> None:
    if not fits:
        raise Refusal(400, message)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
