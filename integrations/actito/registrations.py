"""What Actito's folder registers with the house, read once in `ActitoConfig.ready()`: a function for each concern."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from integrations.pairing.registry import profile_side
from integrations.rules.registry import rule_action, rule_consents
from portal import daily
from portal.api import describe
from portal.erasure import erases
from portal.jobs import job_kind
from portal.ledger import handles, regularly, subscribe
from portal.models import Event
from portal.retention import holds
from portal.tenancy import Action
from portal.watch.words import name_backlog

HERE = "integrations.actito"
OF_WALLETS = ("pass.issued", "pass.installed", "pass.removed", "pass.voided", "pass.revived")


def register() -> None:
    for concern in (_profiles, _table, _scenarios, _webhooks, _wallet_news, _imports, _rules, _consents, _days):
        concern()
    erases("actito", f"{HERE}.erasing.erase")
    regularly("actito.licences", f"{HERE}.licences.prove_all")
    describe(f"{HERE}.openapi")


def _profiles() -> None:
    """Read, written, and read again."""
    handles("actito.profile", f"{HERE}.profiles.read_profile", title=_("Actito profile changed"), coalesces=True)
    handles("actito.action", f"{HERE}.actions.carry_out", title=_("Custom action"))
    handles("actito.write", f"{HERE}.writeback.write_values", title=_("Attributes written to Actito"))
    handles("actito.nightly", f"{HERE}.nightly.begin", title=_("Oldest profiles read again"))
    regularly("actito.nightly", f"{HERE}.nightly.ask_due", every=timedelta(minutes=30))
    job_kind("actito.rereading", f"{HERE}.rereading.Rereading", title=_("Profiles read again"), needs=Action.OPERATE)
    holds("actito.profile", "body")
    holds("actito.write", "attributes", needed=True)
    holds("actito.action", "body", "_data", needed=True)
    name_backlog("actito.profile", ngettext_lazy("%(shown)s profile to read", "%(shown)s profiles to read", "n"))
    for kind in ("actito.write", "actito.wallet"):
        name_backlog(kind, ngettext_lazy("%(shown)s profile to write", "%(shown)s profiles to write", "n"))


def _table() -> None:
    handles("actito.structure", f"{HERE}.structure.read_structure", title=_("Actito table read"), coalesces=True)
    regularly("actito.structure", f"{HERE}.structure.ask_all")


def _scenarios() -> None:
    handles("actito.scenarios", f"{HERE}.scenarios.read_catalogue", title=_("Actito scenarios read"), coalesces=True)
    regularly("actito.scenarios", f"{HERE}.scenarios.ask_all")
    handles("actito.start", f"{HERE}.starting.start", title=_("Scenario started"))
    name_backlog("actito.start", ngettext_lazy("%(shown)s scenario to start", "%(shown)s scenarios to start", "n"))
    job_kind(
        "actito.starting", f"{HERE}.starting.Starting", title=_("Scenario started for many"), needs=Action.CONFIGURE
    )


def _webhooks() -> None:
    handles("actito.webhooks", f"{HERE}.subscribing.handle", title=_("Webhooks at Actito"))
    regularly("actito.webhooks", f"{HERE}.subscribing.check_all")


def _wallet_news() -> None:
    title = _("Wallet news for Actito")
    handles("actito.wallet", f"{HERE}.wallet_news.write_wallet", title=title, coalesces=True)
    for news in OF_WALLETS:
        subscribe(
            news, "actito", f"{HERE}.wallet_news.tell", title=title, coalesces=True, wanted=f"{HERE}.wallet_news.wanted"
        )
    job_kind("actito.telling", f"{HERE}.wallet_news.Telling", title=_("Wallet news for many"), needs=Action.CONFIGURE)


def _imports() -> None:
    handles("actito.look", f"{HERE}.customer_import.look.look_on", title=_("File of customers looked at"))
    handles("actito.customers", f"{HERE}.customer_import.job.import_part", title=_("Customers of a file imported"))
    job_kind(
        "actito.importing", f"{HERE}.customer_import.job.Importing", title=_("Import of customers"),
        needs=Action.CONFIGURE,
    )  # fmt: skip
    regularly("actito.imports", f"{HERE}.customer_import.job.tidy")


def _rules() -> None:
    rule_action("start_scenario", f"{HERE}.rule_actions.StartScenario", title=_("start a scenario of Actito's"))
    rule_action("write_attributes", f"{HERE}.rule_actions.WriteAttributes", title=_("write to Actito"))
    rule_consents("actito", f"{HERE}.rule_consents.Subscriptions")


def _consents() -> None:
    """The side of pairings whose subscriptions follow."""
    profile_side("actito", f"{HERE}.side.Actito")
    title = _("Consents for Actito")
    handles("actito.consents", f"{HERE}.consents.write_consents", title=title, coalesces=True)
    subscribe("consents.changed", "actito", f"{HERE}.consents.tell", title=title, coalesces=True,
              wanted=f"{HERE}.consents.wanted")  # fmt: skip
    subscribe("profile.wanted", "actito", f"{HERE}.wanted.find_profile", title=_("Profile looked for in Actito"))
    subscribe("attributes.told", "actito", f"{HERE}.wanted.take_attributes", title=_("Attributes for Actito"))
    handles("actito.compare", f"{HERE}.comparing.compare", title=_("Profile read for a comparison"))
    name_backlog("actito.compare", ngettext_lazy("%(shown)s profile to compare", "%(shown)s profiles to compare", "n"))
    holds("profile.wanted/actito", "key", "states", "attributes", "proof", needed=True)
    holds("attributes.told/actito", "attributes", needed=True)


def _days() -> None:
    """What is counted every day."""
    daily.counts_events("arrivals", "actito.profile", "actito.action", from_outside=True)
    daily.flow("starts", _("Scenario starts"), "portal_event", query="kind=actito.start", position=50)
    daily.counts_events("starts", "actito.start", statuses=[Event.Status.DONE])
