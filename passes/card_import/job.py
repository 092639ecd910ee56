"""Importing the cards that were looked at: a job whose rows are parts of the file, each done in one transaction.

A part goes with its transaction, and with it the tokens that it held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from passes.apple.service import PHONES_PER_PASS
from passes.card_import.cards import APPLE, GOOGLE, Card, lacking
from passes.card_import.known import Known
from passes.card_import.look import cards_of, home_of
from passes.card_import.verdicts import IMPORTED, PROBLEMS, Verdict
from passes.content import ContentError
from passes.models import CardImport, CardImportPart, CardImportProblem, Device, Registration, UpdateCounter, WalletPass
from passes.refresh import refresh
from portal import customers, jobs, ledger
from portal.jobs import Row
from portal.ledger import Result, Work, lane_id_for
from portal.models import Customer, Event, Job
from portal.sentences import Sentence, joined, say, say_many

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

CARD_IMPORT, CARDS = "cards.import", "pass.import"
KEPT = timedelta(days=7)
# Nobody says when a phone gave its push token to the other vendor: whenever Apple saw it go was later.
LONG_AGO = datetime(2012, 1, 1, tzinfo=UTC)
_READ_ALONG = ("card_import__template__apple", "card_import__template__google")


def begin(seen: CardImport, *, makes_customers: bool, by: AbstractBaseUser) -> Job | None:
    """Starts the job. None when somebody else has, or the import is gone."""
    with transaction.atomic():
        mine = CardImport.objects.filter(pk=seen.pk, job=None).exclude(looked_at=None)
        locked = mine.select_for_update(of=("self",)).select_related("template__apple").first()
        if locked is None:
            return None
        if makes_customers:
            locked.problems.filter(verdict=Verdict.UNKNOWN).delete()
        _raise_tags(locked)
        title = say("Import cards from “%(file)s”", file=locked)
        payload = {"card_import": locked.pk}
        job = jobs.prepared(CARD_IMPORT, tenant_id=locked.tenant_id, payload=payload, title=title)
        locked.job, locked.makes_customers = jobs.start(job, by=by), makes_customers
        locked.save(update_fields=["job", "makes_customers"])
        return locked.job


def _raise_tags(seen: CardImport) -> None:
    """Phones come with the other vendor's update tag, which may well be a time. Ours go on above any time there was.

    Otherwise a phone would take the imported passes for older than what it has.
    """
    apple, microseconds = seen.template.apple, int(timezone.now().timestamp() * 1_000_000)
    if apple:
        UpdateCounter.objects.get_or_create(pass_type_identifier=apple.pass_type_identifier)
        counter = UpdateCounter.objects.filter(pass_type_identifier=apple.pass_type_identifier)
        counter.filter(value__lt=microseconds).update(value=microseconds)


class Importing:
    """The rows: a `pass.import` for each part of the file. `payload`: {"card_import": 7}."""

    def count(self, job: Job) -> int:
        return int(_parts(job).count())

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        lane_id = lane_id_for(job.tenant_id)
        parts = _parts(job).filter(pk__gt=after or 0).order_by("pk").values_list("pk", flat=True)[:limit]
        return [Row(key, CARDS, f"cards:{key}", {"part": key}, lane_id) for key in parts]

    def lane_id(self, job: Job) -> int | None:
        return lane_id_for(job.tenant_id)


def _parts(job: Job) -> Any:
    return CardImportPart.objects.for_tenant(job.tenant_id).filter(card_import=job.payload["card_import"])


def import_part(work: Work) -> partial[Result]:
    """Handles `pass.import`."""
    return partial(_import, work.event)


def _import(event: Event) -> Result:
    parts = CardImportPart.objects.for_tenant(event.tenant_id).select_related(*_READ_ALONG)
    part = parts.filter(pk=event.payload["part"]).first()
    if part is None:
        return ledger.ignored(say("These cards were imported before, or their import was removed."))
    cards = cards_of(part)
    home = home_of(part.card_import.template)
    if said := next(filter(None, (lacking(card, home) for card in cards)), None):
        raise ledger.dead(joined([said, say("Mend the template, then retry the failed rows.")]))
    importer = _Importer(part.card_import, cards, event)
    importer.run()
    part.delete()
    return importer.result()


class _Importer:
    """Imports the cards of one part."""

    def __init__(self, seen: CardImport, cards: list[Card], event: Event) -> None:
        self.seen, self.template, self.event = seen, seen.template, event
        # By customer, so that two parts with the same ones wait for each other in turn; cards for Apple come first.
        self.cards = sorted(cards, key=lambda card: (card.customer.lower(), not card.serial, card.serial, card.line))
        self.counts: Counter[str] = Counter()
        self.problems: dict[int, CardImportProblem] = {}
        self.with_phones: list[Card] = []

    def run(self) -> None:
        # Locks of passes come before the counter of tags, as in every refresh.
        self.known = Known.of(self.template, self.cards, lock=True)
        self.people = Customer.objects.in_bulk(self.known.customers.values())
        for card in self.cards:
            self._count(card, self.known.verdict(card))
        self._add_phones()
        self._store_problems()

    def _count(self, card: Card, verdict: Verdict) -> None:
        if verdict == Verdict.UNKNOWN and self.seen.makes_customers:
            made = customers.known_by_key(card.customer, cause=self.event)
            self.known.customers[card.customer], self.people[made.pk] = made.pk, made
            verdict = self.known.verdict(card)
        try:
            if verdict in IMPORTED:
                with transaction.atomic():
                    self.known.add(self._imported(card, self.known.customers[card.customer]))
        except ContentError as error:
            self._refuse(card, Verdict.BAD, error.sentence)
            return
        except IntegrityError as error:
            raise ledger.retry(say("One of these passes was made elsewhere at the same moment.")) from error
        if verdict in PROBLEMS:
            self._refuse(card, verdict, PROBLEMS[verdict])
            return
        self.with_phones.append(card)
        self.counts[verdict] += 1

    def _imported(self, card: Card, customer: int) -> WalletPass:
        """The customer's pass as the card that the phone has. Raises ContentError."""
        parts, held = self.known.parts(card), self.known.pass_of(card)
        one = held or WalletPass(tenant_id=self.seen.tenant_id, template=self.template, customer=self.people[customer])
        # Without an origin, so that whatever the portal's own systems say, now or later, goes first.
        one.values = {**card.values, **one.values}
        if parts.get(APPLE) in IMPORTED:
            one.imported_under, one.imported_serial = self.template.apple, card.serial
            one.authentication_token = card.token
            one.content_hash = ""  # new to the phone, even where it is the same to us
        if held:
            one.save(update_fields=["imported_under", "imported_serial", "authentication_token", "values"])
        refresh(one, cause=self.event)
        if parts.get(GOOGLE) in IMPORTED:
            self.known.objects.take(one, card.google, cause=self.event)
        return one

    def _add_phones(self) -> None:
        """The phones that the other vendor told. One that has come here by itself has told its newer push token."""
        apple, cards = self.template.apple, [card for card in self.with_phones if card.device]
        Device.objects.bulk_create(
            [Device(tenant_id=self.seen.tenant_id, apple=apple, library_identifier=card.device,
                    push_token=card.push_token, token_at=LONG_AGO) for card in cards],
            ignore_conflicts=True,
        )  # fmt: skip
        named = Device.objects.filter(apple=apple, library_identifier__in=[card.device for card in cards])
        devices = dict(named.values_list("library_identifier", "pk"))
        passes = [self.known.by_serial[card.serial].pk for card in cards]
        holding = Counter(Registration.objects.filter(wallet_pass__in=passes).values_list("wallet_pass", flat=True))
        new = []
        for key, card in zip(passes, cards, strict=True):
            holding[key] += 1
            if holding[key] <= PHONES_PER_PASS:
                new.append(Registration(device_id=devices[card.device], wallet_pass_id=key))
        Registration.objects.bulk_create(new, ignore_conflicts=True)

    def _refuse(self, card: Card, verdict: Verdict, sentence: Sentence) -> None:
        self.counts[verdict] += 1
        self.problems[card.line] = CardImportProblem(
            card_import=self.seen, line=card.line, serial=card.serial or card.google, verdict=verdict, problem=sentence
        )

    def _store_problems(self) -> None:
        """Those that the first look has told are there already."""
        told = self.seen.problems.filter(line__in=self.problems) if self.problems else CardImportProblem.objects.none()
        known = set(told.values_list("line", flat=True))
        CardImportProblem.objects.bulk_create(each for line, each in self.problems.items() if line not in known)

    def result(self) -> Result:
        locked = CardImport.objects.select_for_update().get(pk=self.seen.pk)
        locked.done = dict(Counter(locked.done) + self.counts)
        locked.save(update_fields=["done"])
        made = sum(self.counts[verdict] for verdict in IMPORTED)
        here, not_made = self.counts[Verdict.HERE], len(self.problems)
        parts = [
            say_many("%(count)s card imported.", "%(count)s cards imported.", count=made),
            say_many("%(count)s was here already.", "%(count)s were here already.", count=here) if here else "",
            say_many("%(count)s was left out.", "%(count)s were left out.", count=not_made) if not_made else "",
        ]
        return ledger.done(joined(parts)) if made else ledger.ignored(joined(parts))


def tidy(tenants: Sequence[int]) -> None:
    """Every day: cards that nobody went on with, or whose job was cancelled, are forgotten after a week."""
    CardImportPart.objects.filter(card_import__created_at__lt=timezone.now() - KEPT).delete()
