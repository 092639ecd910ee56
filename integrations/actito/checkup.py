"""Testing a connection: each thing that the portal needs is read once, and what is missing is said. Nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from integrations.actito.answers import ActitoProfile
from integrations.actito.directory import Directory, Listed, named
from integrations.actito.models import ActitoConnection
from integrations.actito.subscriptions import Subscriptions
from portal.http import ApiError
from portal.ledger import Failure
from portal.ledger.failure import Decision
from portal.sentences import Sentence, joined, say, say_many, told
from portal.steps import Step, Steps

NAMES_TOLD = 5
# What a 403 means for each step, by its title's key.
LACKING = {
    "entity": say("The API key may not list entities. Give it the right to read them in Actito."),
    "table": say("The API key may not list profile tables. Give it the right to read their structure in Actito."),
    "profile": say("The API key may not read profiles of this table. Give it that right in Actito."),
    "unique": say("The API key may not read profiles of this table. Give it that right in Actito."),
    "scenarios": say("The API key may not read scenarios. Give it that right in Actito."),
    "webhooks": say("The API key may not read webhooks. Give it the right to read and write them in Actito."),
}
TITLES: dict[str, Promise] = {
    "token": _("Token"),
    "entity": _("Entity"),
    "table": _("Profile table"),
    "profile": _("A profile"),
    "unique": _("Unique attribute"),
    "scenarios": _("List of scenarios"),
    "webhooks": _("List of webhooks"),
}


@dataclass
class Checkup:
    """What came of a test. `profile` is the one that was read, if any."""

    steps: list[Step] = field(default_factory=list)
    profile: ActitoProfile | None = None

    @property
    def passed(self) -> bool:
        return all(step.tone == "good" for step in self.steps)


def check_up(connection: ActitoConnection, profile: str = "") -> Checkup:
    """Goes through all steps; where nobody answers, or the key is refused, those that follow are not tried.

    `profile` is the one to read, by id or `attribute=value`; empty for whichever Actito lists first.
    """
    trail = Steps()
    directory = Directory(connection, trail)
    webhooks = Subscriptions(connection, trail)
    webhooks.read_seconds = directory.read_seconds
    found = Checkup()

    def read() -> Sentence:
        found.profile = _profile(directory, profile)
        return say("Profile %(profile)s was read.", profile=found.profile.profile_id)

    tries: dict[str, Callable[[], Sentence]] = {
        "token": lambda: _token(directory),
        "entity": lambda: _entity(directory),
        "table": lambda: _table(directory),
        "profile": read,
        "unique": lambda: _unique(directory, found.profile),
        "scenarios": lambda: _listed_scenarios(directory),
        "webhooks": lambda: _listed_webhooks(webhooks),
    }
    stopped = False
    for name, attempt in tries.items():
        if stopped:
            found.steps.append(Step(str(TITLES[name]), _t("Not tried."), "quiet"))
            continue
        try:
            said, tone = attempt(), "good"
        except Failure as failure:
            said, tone, stopped = *_refused(name, failure), name == "token" or _is_end(failure)
        found.steps.append(Step(str(TITLES[name]), told(said), tone, trail.taken()))
    return found


def _refused(name: str, failure: Failure) -> tuple[Sentence, str]:
    lacking = LACKING.get(name) if getattr(failure, "status", None) == 403 else None
    return lacking or failure.sentence, "bad"


def _is_end(failure: Failure) -> bool:
    """Whether no other call would fare better: nobody answers, or the key is not accepted."""
    return isinstance(failure, ApiError) and failure.status in {None, 401, 429} and failure.decision != Decision.DEAD


def _token(directory: Directory) -> Sentence:
    directory.renew_token()
    if directory.connection.account:
        return say("An account of HTTP Basic needs none.")
    return say("Actito accepts the API key.")


def _entity(directory: Directory) -> Sentence:
    entity, found = directory.connection.entity, directory.entities()
    if named(found, entity):
        return say("The key reaches “%(entity)s”.", entity=entity)
    raise _unknown(say("Actito lists no entity “%(entity)s” for this key.", entity=entity), found)


def _table(directory: Directory) -> Sentence:
    return say("“%(table)s” is there.", table=find_table(directory).name)


def find_table(directory: Directory) -> Listed:
    """The connection's table in Actito's list. Raises ApiError where it is not there, or may not be listed."""
    connection = directory.connection
    try:
        found = directory.tables()
    except ApiError as error:
        if error.status == 404:
            said = say("Actito knows no entity “%(entity)s”, or hides it from this key.", entity=connection.entity)
            raise ApiError(said, Decision.DEAD, status=404) from error
        raise
    if table := named(found, connection.table):
        return table
    said = say("Actito knows no profile table “%(table)s” in “%(entity)s”.", table=connection.table,
               entity=connection.entity)  # fmt: skip
    raise _unknown(said, found)


def _unknown(said: Sentence, found: list[Listed]) -> ApiError:
    names = ", ".join(each.name for each in found[:NAMES_TOLD])
    more = " …" if len(found) > NAMES_TOLD else ""
    hint = say("It lists: %(names)s.", names=names + more) if names else say("It lists none.")
    return ApiError(joined([said, hint]), Decision.DEAD, status=404)


def _profile(directory: Directory, wanted: str) -> ActitoProfile:
    found = directory.read_profile(wanted) if wanted else sample(directory)
    if found is None and wanted:
        said = say("Actito knows no profile “%(profile)s”, or hides it from this key.", profile=wanted)
        raise ApiError(said, Decision.DEAD, status=404)
    if found is None:
        raise ApiError(say("The table is empty: there is no profile to read."), Decision.DEAD, status=404)
    return found


def sample(directory: Directory) -> ActitoProfile | None:
    """Some profile of the table. Raises ApiError, in words about the table where Actito knows none."""
    try:
        return directory.sample()
    except ApiError as error:
        if error.status != 404:
            raise
        named_ = {"table": directory.connection.table, "entity": directory.connection.entity}
        said = say("Actito knows no profile table “%(table)s” in “%(entity)s”, or hides it from this key.", **named_)
        raise ApiError(said, Decision.DEAD, status=404) from error


def _unique(directory: Directory, profile: ActitoProfile | None) -> Sentence:
    key = directory.connection.unique_key
    if profile is None:
        raise ApiError(say("There is no profile to try it on."), Decision.DEAD, status=404)
    if problem := unique_problem(directory, profile):
        raise ApiError(problem, Decision.DEAD, status=400)
    return say("“%(attribute)s” names one profile.", attribute=key)


def unique_problem(directory: Directory, profile: ActitoProfile) -> Sentence | None:
    """Why the connection's unique attribute does not name a person, tried on a profile; None when it does."""
    key = directory.connection.unique_key
    if key not in profile.attributes:
        return say("Profile %(profile)s has no attribute “%(attribute)s”.", profile=profile.profile_id, attribute=key)
    value = profile.attributes[key]
    if value is None or value == "":
        return None  # nothing can be tried on somebody who has none
    no = say("“%(attribute)s” is not unique: Actito finds no profile by it. Choose a unique attribute.", attribute=key)
    try:
        again = directory.read_profile(f"{key}={value}")
    except ApiError as error:
        if error.status in {400, 409, 422}:
            return no
        raise
    return None if again and again.profile_id == profile.profile_id else no


def _listed_scenarios(directory: Directory) -> Sentence:
    return say_many("%(count)s scenario.", "%(count)s scenarios.", count=len(directory.scenarios()))


def _listed_webhooks(webhooks: Subscriptions) -> Sentence:
    return say_many("%(count)s webhook.", "%(count)s webhooks.", count=len(webhooks.listed()))
