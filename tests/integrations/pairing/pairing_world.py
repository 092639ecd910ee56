"""Two systems for pairings, played in memory: what each has of one person, and the reports of it that are on their way.

The real hub stands between them. Each keeps what its vendor would: the consent platform goes by the time of decision,
the profile by what was written last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.pairing import hub
from integrations.pairing.models import ConsentMapping, PairedPerson, Pairing
from integrations.pairing.registry import Choice, Received, Table, Told
from portal import ledger
from portal.models import Customer, Event, Tenant
from portal.sentences import Sentence, say

CONSENTS, PROFILES, KEY = "platform:1", "system:2", "anna@example.com"
PATH, NEWSLETTER = "consents_purposes_newsletter_enabled", "newsletter"
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class PlayedSide:
    """Both sides of a registry, for whoever asks: one customer, known by their key."""

    def offered(self, tenants: Collection[int]) -> list[Choice]:
        return [Choice(CONSENTS, "Platform"), Choice(PROFILES, "System")]

    def title(self, source: str) -> str:
        return source

    def page(self, source: str) -> str:
        return "/admin/"

    def lane_id(self, tenant_id: int, source: str) -> int | None:
        return ledger.lane_id_for(tenant_id)

    def paths(self, source: str) -> list[Choice]:
        return [Choice(PATH, "Newsletter")]

    def path_problem(self, source: str, path: str, *, both_ways: bool) -> Sentence:
        return Sentence()

    def received(self, tenant_id: int, source: str, most: int) -> list[Received]:
        return []

    def subject(self, source: str, key: str) -> str:
        return f"{source}:profile:{key}"

    def table(self, source: str) -> Table:
        return Table("emailAddress", [NEWSLETTER], [])

    def find(self, source: str, key: str) -> Customer | None:
        return Customer.objects.filter(key=key).first()

    def key_of(self, source: str, customer: Customer) -> str:
        return customer.key


def paired(tenant: Tenant, policy: str = ConsentMapping.Policy.NEWEST, **values: Any) -> Pairing:
    wanted = {"name": "Web", "consents": CONSENTS, "profiles": PROFILES, "phase": Pairing.Phase.ON,
              "enable_webhooks": True, **values}  # fmt: skip
    made = Pairing.objects.create(tenant=tenant, **wanted)
    ConsentMapping.objects.create(pairing=made, target=NEWSLETTER, path=PATH, policy=policy)
    return made


def cause(tenant: Tenant) -> Event:
    """An Event that something follows from."""
    return ledger.news("test.heard", tenant_id=tenant.pk, subject="test", result=ledger.done(say("Heard.")))


def said(state: bool | None, at: datetime, key: str = KEY, **values: Any) -> Told:
    return Told(key, at, {PATH: state}, **values)


def stands(pairing: Pairing, customer: Customer) -> bool | None:
    held = PairedPerson.objects.filter(pairing=pairing, customer=customer).first()
    return held.standing(NEWSLETTER).state if held else None


@dataclass
class Played:
    """One person's consent in both systems, at a clock of seconds."""

    pairing: Pairing
    customer: Customer
    platform: list[tuple[datetime, bool]] = field(default_factory=list)  # decisions, as the platform keeps them
    profile: bool | None = None
    reports: list[tuple[str, bool, datetime]] = field(default_factory=list)
    choices: list[tuple[datetime, bool]] = field(default_factory=list)
    writes: int = 0

    def choose(self, side: str, state: bool, at: datetime) -> None:
        """The person decides in one of the systems, which sets out to report it.

        A profile reports changes alone: one to and fro between two readings is none, and who never subscribed cannot
        unsubscribe.
        """
        if side == PROFILES:
            waiting = [number for number, each in enumerate(self.reports) if each[0] == PROFILES]
            if waiting:
                self.deliver(waiting[0])
            if state == bool(self.profile):
                return
            self.profile = state
        else:
            self.platform.append((at, state))
        self.choices.append((at, state))
        self.reports.append((side, state, at))

    def on_platform(self) -> bool | None:
        return max(self.platform)[1] if self.platform else None

    def deliver(self, number: int) -> None:
        """One of the reports comes through: the platform's says what was decided, the profile is read as it is now.

        A reading covers all reports of the profile that wait, as the ledger has it.
        """
        side, state, at = self.reports.pop(number % len(self.reports))
        event = cause(self.pairing.tenant)
        if side == CONSENTS:
            hub.told(CONSENTS, said(state, at), event)
        elif self.profile is not None:
            at = max([at, *(each for where, _, each in self.reports if where == PROFILES)])
            self.reports = [each for each in self.reports if each[0] == CONSENTS]
            hub.seen(PROFILES, self.customer, {NEWSLETTER: self.profile}, event, at=at, decides=True)

    def write(self, side: str) -> bool:
        """The writer of a side runs, as far as it lacks anything. Whether it wrote."""
        pairing = Pairing.objects.prefetch_related("mappings").get(pk=self.pairing.pk)
        has = self.on_platform() if side == CONSENTS else self.profile
        states = {} if has is None else {NEWSLETTER: has}
        planned = hub.plan(pairing, self.customer, side, states)
        if planned.unreported and any(each[0] == side for each in self.reports):
            return False  # waits for the report
        at = None
        for state in planned.states.values():
            self.writes += 1
            if side == PROFILES:
                self.profile = state
            else:
                at = self._decided_at(planned.since[NEWSLETTER])
                self.platform.append((at, state))
        hub.wrote(
            pairing, self.customer, side, cause(pairing.tenant), states=states, written=planned.states, told_at=at
        )
        return bool(planned.states)

    def _decided_at(self, since: datetime | None) -> datetime:
        told = PairedPerson.objects.get(pairing=self.pairing).last_told(CONSENTS)
        decided = since or START
        return max(decided, told + timedelta(milliseconds=1)) if told else decided

    def settle(self, most: int = 20) -> None:
        """Everything that is on its way comes through, and all that is due is written."""
        for _ in range(most):
            while self.reports:
                self.deliver(0)
            if not any([self.write(PROFILES), self.write(CONSENTS)]) and not self.reports:
                return
        raise AssertionError("It never comes to rest.")
