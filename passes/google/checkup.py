"""Testing an issuer: what the portal needs of Google is asked once, and each line says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from passes.google.client import GoogleClient
from passes.models import GoogleIssuer
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.sentences import Sentence, say, told
from portal.steps import Step, Steps

READ_SECONDS = 8.0
TITLES: dict[str, Promise] = {
    "key": _("Key file"),
    "token": _("Token"),
    "issuer": _("Issuer"),
    "permission": _("Permission"),
    "classes": _("Classes"),
}
# Of Google's roles, those that may write classes and objects.
WRITING = frozenset({"OWNER", "WRITER"})


def check_up(issuer: GoogleIssuer) -> list[Step]:
    """Goes through all steps; what follows a step that failed is tried where it can still tell something."""
    trail = Steps()
    client = GoogleClient(issuer, trail)
    client.read_seconds = READ_SECONDS
    tries: dict[str, Callable[[], Sentence]] = {
        "key": lambda: _key(client),
        "token": lambda: _token(client),
        "issuer": lambda: _issuer(client),
        "permission": lambda: _permission(client),
        "classes": lambda: _classes(client),
    }
    steps, stopped = [], False
    for name, attempt in tries.items():
        title = str(TITLES[name])
        if stopped:
            steps.append(Step(title, _t("Not tried."), "quiet"))
            continue
        try:
            said, tone = attempt(), "good"
        except ApiError as failure:
            said, tone = failure.sentence, "bad"
            stopped = name in {"key", "token"} or failure.status is None
        steps.append(Step(title, told(said), tone, trail.taken()))
    return steps


def _key(client: GoogleClient) -> Sentence:
    account = client.account
    if account.project_id:
        return say("It belongs to “%(account)s” in the project %(project)s.", account=account.client_email,
                   project=account.project_id)  # fmt: skip
    return say("It belongs to “%(account)s”.", account=account.client_email)


def _token(client: GoogleClient) -> Sentence:
    client.renew_token()
    return say("Google accepts the key.")


def _issuer(client: GoogleClient) -> Sentence:
    name = client.issuer_account().get("name")
    return say("Google knows it as “%(name)s”.", name=name) if isinstance(name, str) else say("Google knows it.")


def _permission(client: GoogleClient) -> Sentence:
    """Google writes roles and addresses in either case."""
    email = client.account.client_email.lower()
    roles = {role for each in _listed(client.permissions()) if (role := _role(each, email))}
    if roles & WRITING:
        return say("The service account may write cards.")
    said = say(
        "“%(account)s” is not among the issuer's users, or may only read. In the Google Pay & Wallet console, under "
        "“Users”, invite this address as a developer; wait a few minutes, then test again.", account=email,
    )  # fmt: skip
    raise ApiError(said, Decision.PAUSE, status=403)


def _listed(found: Mapping[str, Any]) -> list[Any]:
    listed = found.get("permissions")
    return listed if isinstance(listed, list) else []


def _role(permission: Any, email: str) -> str:
    if not isinstance(permission, Mapping) or str(permission.get("emailAddress", "")).lower() != email:
        return ""
    return str(permission.get("role", "")).upper()


def _classes(client: GoogleClient) -> Sentence:
    client.listed("genericClass", issuerId=client.issuer.issuer_id, maxResults="1")
    return say("Classes can be read.")
