"""Classes and objects as the Wallet API keeps them: what is taken, what is refused, what follows.

Source: developers.google.com/wallet/reference/rest/v1
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from passes.google import schema
from passes.google.sandbox import rules, wire
from passes.google.sandbox.notices import Notices
from passes.google.sandbox.refusals import Refusal, denied, invalid, invalid_id, unknown_name
from passes.google.sandbox.store import Store
from passes.google.sandbox.switches import Switches
from passes.google.sandbox.wire import Json, class_kind, is_class, issuer_of, schema_of

READ_ONLY = {"classReference", "hasLinkedDevice", "hasUsers", "kind", "review", "version"}
LINKED = 50  # further ones are left out without a word
ALIKE = {"Class": "Wallet Object Class", "Object": "Wallet Object"}


class Resources:
    """The caller holds the sandbox's lock."""

    def __init__(self, store: Store, switches: Switches, notices: Notices) -> None:
        self._store, self._switches, self._notices = store, switches, notices

    def checked(self, kind: str, body: Mapping[str, Any]) -> Json:
        """A whole body as it would be stored. Raises Refusal."""
        taken = self.well_formed(kind, body)
        self._check_references(kind, taken)
        return taken

    def well_formed(self, kind: str, body: Mapping[str, Any]) -> Json:
        """The same, whatever the body refers to."""
        given = {key: value for key, value in body.items() if key not in READ_ONLY}
        if self._switches.refuse_unknown_keys and (unknown := next(wire.unknown_keys(schema_of(kind), given), None)):
            raise unknown_name(unknown)
        taken = wire.kept(schema_of(kind), given)
        if wrong := schema.findings(schema_of(kind), taken):
            raise invalid(" ".join(problem.told for problem in wrong))
        if broken := list(rules.broken(schema_of(kind), taken)):
            raise invalid(" ".join(broken))
        return taken

    def insert(self, email: str, kind: str, body: Mapping[str, Any]) -> Json:
        resource = self.admit(email, body.get("id"), write=True)
        taken = self.checked(kind, body)
        if self._store.find(resource, classes=is_class(kind)):
            raise Refusal(409, "existingResource", f"{_named(kind)} {resource} already exists.")
        self._check_review(kind, taken, None)
        return self._stored(kind, taken)

    def get(self, email: str, kind: str, resource: str) -> Json:
        self.admit(email, resource, write=False)
        return self._found(kind, resource)

    def replace(self, email: str, kind: str, resource: str, body: Mapping[str, Any]) -> Json:
        """PUT: what the body leaves out is gone."""
        self.admit(email, resource, write=True)
        return self._change(kind, self._found(kind, resource), {"id": resource, **body}, body)

    def patch(self, email: str, kind: str, resource: str, body: Mapping[str, Any]) -> Json:
        self.admit(email, resource, write=True)
        before = self._found(kind, resource)
        return self._change(kind, before, wire.merged(before, body), body)

    def listed(self, email: str, kind: str, parent: str, limit: int | None, token: str) -> tuple[list[Json], str]:
        """A page of an issuer's classes or a class's objects, and the token of the next one. Without a limit: all."""
        self.admit(email, f"{parent}.x" if is_class(kind) else parent, write=False)
        if not is_class(kind) and parent not in self._store.resources[class_kind(kind)]:
            raise _not_found(class_kind(kind), parent)
        found = [body for body in self._store.resources[kind].values() if _parent(kind, body) == parent]
        start = _place(token)
        end = len(found) if limit is None else start + limit
        return found[start:end], _token(end) if end < len(found) else ""

    def add_message(self, email: str, kind: str, resource: str, message: Json) -> Json:
        self.admit(email, resource, write=True)
        before = self._found(kind, resource)
        taken = self.checked(kind, {**before, "messages": [*before.get("messages", []), message]})
        if taken["messages"][-1].get("messageType") == "TEXT_AND_NOTIFY":
            self._notices.message(kind, before, taken["messages"][-1])
        return self._stored(kind, taken)

    def admit(self, email: str, resource: Any, *, write: bool) -> str:
        """The id, if its issuer is known and the account is one of its users. Raises Refusal."""
        if not (isinstance(resource, str) and rules.RESOURCE_ID.fullmatch(resource)):
            raise invalid_id(str(resource or ""))
        if issuer_of(resource) not in self._store.issuers:
            raise invalid_id(resource)
        if not self._store.may(email, resource, write=write):
            raise denied()
        return resource

    def images(self, kind: str, body: Mapping[str, Any]) -> list[str]:
        """The addresses of the images that a body names."""
        return [
            part.value["sourceUri"]["uri"]
            for part in wire.parts(schema_of(kind), body)
            if part.schema == "Image" and isinstance(part.value.get("sourceUri"), Mapping)
            and isinstance(part.value["sourceUri"].get("uri"), str)
        ]  # fmt: skip

    def _change(self, kind: str, before: Json, after: Json, given: Mapping[str, Any]) -> Json:
        if given.get("id", before["id"]) != before["id"]:
            raise invalid("The id of a resource cannot be changed.")
        taken = self.checked(kind, after)
        self._check_review(kind, wire.kept(schema_of(kind), given), before)
        if not self._switches.class_change and taken.get("classId") != before.get("classId"):
            raise invalid("The class of an object cannot be changed.")
        stored = self._stored(kind, taken)
        if given.get("notifyPreference") == "NOTIFY_ON_UPDATE":
            self._notices.update(kind, before, stored)
        return stored

    def _stored(self, kind: str, taken: Json) -> Json:
        """notifyPreference is for one call alone; a class under review is judged at once."""
        body = {key: value for key, value in taken.items() if key != "notifyPreference"}
        if body.get("reviewStatus") == "UNDER_REVIEW":
            body["reviewStatus"] = self._switches.review
        if "linkedObjectIds" in body:
            body["linkedObjectIds"] = body["linkedObjectIds"][:LINKED]
        self._store.resources[kind][body["id"]] = body
        self._store.save()
        return body

    def _found(self, kind: str, resource: str) -> Json:
        if resource not in self._store.resources[kind]:
            raise _not_found(kind, resource)
        return self._store.resources[kind][resource]

    def _check_review(self, kind: str, given: Mapping[str, Any], before: Json | None) -> None:
        """What the caller says of a class's review. Never to be set: APPROVED and REJECTED, and DRAFT once it was
        something else."""
        if not is_class(kind) or "reviewStatus" not in schema.SCHEMAS[schema_of(kind)]["properties"]:
            return
        said = given.get("reviewStatus")
        if said is None and before is not None and not self._switches.update_needs_review:
            return
        if said not in {"UNDER_REVIEW", "DRAFT"}:
            raise invalid(f"Invalid review status {said or 'APPROVED'}. Set it to UNDER_REVIEW or DRAFT.")
        if said == "DRAFT" and before is not None and before.get("reviewStatus") != "DRAFT":
            raise invalid("The review status may not be changed back to DRAFT.")

    def _check_references(self, kind: str, taken: Json) -> None:
        if is_class(kind):
            return
        found = self._store.find(taken["classId"], classes=True)
        if found is None:
            raise _not_found(class_kind(kind), taken["classId"])
        known, parent = found
        if known != class_kind(kind) or issuer_of(taken["classId"]) != issuer_of(taken["id"]):
            raise invalid(f"The class {taken['classId']} is not one for this object.")
        if parent.get("reviewStatus") in {"DRAFT", "REJECTED"}:
            raise invalid(f"The class {taken['classId']} is {parent['reviewStatus']}: it takes no objects.")
        for linked in (*taken.get("linkedObjectIds", []), *taken.get("linkedOfferIds", [])):
            if issuer_of(linked) != issuer_of(taken["id"]):
                raise invalid(f"{linked} is of another issuer.")
            if not self._store.find(linked, classes=False):
                raise _not_found("Object", linked)
        self._check_unlinked(kind, taken)

    def _check_unlinked(self, kind: str, taken: Json) -> None:
        before = self._store.resources[kind].get(taken["id"], {})
        if set(before.get("linkedObjectIds", [])) - set(taken.get("linkedObjectIds", [])):
            raise invalid("Linked objects cannot be unlinked.")


def shown(store: Store, kind: str, body: Json, switches: Switches, *, whole: bool = False) -> Json:
    """A resource as an answer has it. `whole`: with a copy of its class, as GET tells it (never for generic)."""
    told = dict(body)
    if not is_class(kind):
        told["hasUsers"] = bool(store.holders.get(body["id"]))
        if whole and kind != "genericObject" and (parent := store.class_of(kind, body)):
            told["classReference"] = dict(parent)
    return wire.echoed(schema_of(kind), told) if switches.legacy_echo else told


def not_fetched(images: list[str]) -> Refusal:
    return invalid(f"Image cannot be loaded: {', '.join(images)}.")


def _named(kind: str) -> str:
    return ALIKE["Class" if is_class(kind) else "Object"]


def _not_found(kind: str, resource: str) -> Refusal:
    reason = "classNotFound" if is_class(kind) else "resourceNotFound"
    return Refusal(404, reason, f"{_named(kind)} {resource} not found.")


def _parent(kind: str, body: Json) -> str:
    return issuer_of(body["id"]) if is_class(kind) else str(body["classId"])


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"from:{start}".encode()).decode()


def _place(token: str) -> int:
    """Where a page begins. Raises Refusal for a token that was never given."""
    if not token:
        return 0
    try:
        name, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if name != "from" or not number.isdecimal():
            raise ValueError(token)
    except (ValueError, binascii.Error):
        raise invalid("Invalid page token.") from None
    return int(number)
