"""Testing a connection: what the portal needs is asked once, and each line says what is missing. Nothing changes."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from integrations.didomi.client import DidomiClient
from integrations.didomi.models import DidomiConnection
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.sentences import Sentence, say, say_many, told
from portal.steps import Step, Steps

READ_SECONDS = 8.0
NOBODY = "actito-wallet-portal-test"  # whom an organisation can be asked for without telling it of anybody
TITLES: dict[str, Promise] = {
    "session": _("Session"),
    "purposes": _("Purposes"),
    "preferences": _("Preferences"),
    "user": _("A person"),
}


def check_up(connection: DidomiConnection, person: str = "") -> list[Step]:
    """Goes through all steps; where nobody answers, or the key is refused, those that follow are not tried.

    `person` is whom to read, by organization_user_id; empty to try no more than whether consents can be read.
    """
    trail = Steps()
    client = DidomiClient(connection, trail)
    client.read_seconds = READ_SECONDS
    tries: dict[str, Callable[[], Sentence]] = {
        "session": lambda: _session(client),
        "purposes": lambda: say_many("%(count)s purpose.", "%(count)s purposes.", count=len(client.purposes())),
        "preferences": lambda: say_many(
            "%(count)s preference.", "%(count)s preferences.", count=len(client.preferences())
        ),
        "user": lambda: _person(client, person),
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
            said, tone, stopped = failure.sentence, "bad", name == "session" or _is_end(failure)
        steps.append(Step(title, told(said), tone, trail.taken()))
    return steps


def passed(steps: list[Step]) -> bool:
    return all(step.tone == "good" for step in steps)


def _is_end(failure: ApiError) -> bool:
    """Whether no other call would fare better: nobody answers, or the key is not accepted."""
    return failure.status in {None, 401, 429} and failure.decision is not Decision.DEAD


def _session(client: DidomiClient) -> Sentence:
    client.renew_token()
    return say("Didomi accepts the API key and secret.")


def _person(client: DidomiClient, person: str) -> Sentence:
    found = [user for each in client.connection.regulations for user in client.users(person or NOBODY, regulation=each)]
    if not person:
        return say("Consents can be read.")
    if not found:
        raise ApiError(say("Didomi knows nobody by the id “%(person)s”.", person=person), Decision.DEAD, status=404)
    purposes = {each["id"] for user in found for each in _listed(user.consents.get("purposes"))}
    return say_many(
        "“%(person)s” was read: choices on %(count)s purpose.", "“%(person)s” was read: choices on %(count)s purposes.",
        count=len(purposes), person=person,
    )  # fmt: skip


def _listed(found: object) -> list[dict[str, str]]:
    return [each for each in found if isinstance(each, dict) and "id" in each] if isinstance(found, list) else []
