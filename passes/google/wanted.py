"""What Google is to have of a pass: its object as the pass is stored, and its class as the template is published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from passes.content import ContentError
from passes.google.callbacks import callback_address
from passes.google.images import address_of
from passes.google.names import type_of
from passes.google.resources import Resources, class_key, class_of, resources
from passes.models import GoogleIssuer, GoogleObject, PassTemplate, WalletPass
from passes.refresh import content_of

SUFFIX_LENGTH = 24


@dataclass(frozen=True)
class Wanted:
    """`content`: what the object was made from."""

    issuer: GoogleIssuer
    type: str
    class_: dict[str, Any]
    object_: dict[str, Any]
    content: dict[str, Any]

    @property
    def class_id(self) -> str:
        return str(self.class_["id"])

    @property
    def keeps_class(self) -> bool:
        """Whether the object is to stay in a class of another vendor's."""
        return bool(self.object_["classId"] != self.class_id)

    def in_class(self, class_id: str) -> Wanted:
        return replace(self, object_={**self.object_, "classId": class_id})


def wanted_for(held: GoogleObject, issuer: GoogleIssuer) -> Wanted:
    """`issuer`: the one that the pass's template names, which may be another than the object has."""
    wallet_pass, callback = held.wallet_pass, callback_address(issuer)
    made = resources(
        wallet_pass.content,
        issuer_id=issuer.issuer_id,
        class_suffix=class_suffix(wallet_pass.template, issuer, type_of(wallet_pass.content)),
        object_suffix=held.object_id.partition(".")[2],
        image_address=address_of,
        callback=callback,
    )
    class_ = _class_as_published(wallet_pass, made, callback)
    wanted = Wanted(issuer, made.type, class_, made.object_, wallet_pass.content)
    return wanted.in_class(held.class_id) if held.keeps_class else wanted


def _class_as_published(wallet_pass: WalletPass, made: Resources, callback: str) -> dict[str, Any]:
    """A pass that was not renewed yet must not bring an earlier design back to all who share its class."""
    try:
        fresh = content_of(wallet_pass).data
    except ContentError:
        return made.class_
    if (type_of(fresh), class_key(fresh)) != (made.type, made.class_key):
        return made.class_
    return class_of(fresh, class_id=made.class_["id"], image_address=address_of, callback=callback)


def class_suffix(template: PassTemplate, issuer: GoogleIssuer, type_: str) -> str:
    """One class for each template and type, which a template may change. No other installation makes the same."""
    return "c" + hashlib.sha256(f"{issuer.uid}:{template.pk}:{type_}".encode()).hexdigest()[:SUFFIX_LENGTH]
