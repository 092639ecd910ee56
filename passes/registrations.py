"""What this storey registers with the house, read once in `PassesConfig.ready()`: a function for each concern."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from passes.counted import STOCKS
from portal import daily
from portal.api import describe
from portal.erasure import erases
from portal.jobs import job_kind
from portal.ledger import handles, regularly, subscribe
from portal.ledger.registry import name_news
from portal.metrics import collects
from portal.models import Event
from portal.retention import holds, removes
from portal.tenancy import Action
from portal.watch.trouble import watches
from portal.watch.words import name_backlog


def register() -> None:
    for concern in (_passes, _messages, _apple, _google, _imports, _news, _days):
        concern()
    erases("passes", "passes.erasing.erase", preview="passes.erasing.preview")
    describe("passes.api.openapi")


def _passes() -> None:
    subscribe(
        "customer.changed", "passes", "passes.refresh.refresh_customer", title=_("Passes renewed"), coalesces=True
    )
    handles("pass.refresh", "passes.refresh.refresh_pass", title=_("Pass renewed"), coalesces=True)
    handles("pass.due", "passes.refresh.refresh_customer", title=_("Pass due"), coalesces=True)
    handles("pass.update", "passes.update.update_pass", title=_("Values for a pass"))
    job_kind("template.publication", "passes.publication.Publication", title=_("Publication"), needs=Action.CONFIGURE)
    # Its mark that an addition has counted stays (passes.update).
    holds("pass.update", "writes", "message", needed=True)
    holds("customer.changed/passes", "changes")
    for kind in ("pass.refresh", "pass.due", "customer.changed/passes"):
        name_backlog(kind, ngettext_lazy("%(shown)s pass to renew", "%(shown)s passes to renew", "n"))


def _messages() -> None:
    handles("message.planned", "passes.messaging.sending.begin", title=_("Message planned"))
    handles("message.pass", "passes.messaging.sending.send", title=_("Message to a pass"))
    job_kind("passes.message", "passes.messaging.sending.Sending", title=_("Message to many"), needs=Action.CONFIGURE)


def _apple() -> None:
    handles("apple.push", "passes.delivery.push_device", title=_("Push to iPhone"), coalesces=True)
    handles("apple.remind", "passes.answering.remind_phones", title=_("Phones that did not come"), coalesces=True)
    regularly("passes.unheard", "passes.answering.remind", every=timedelta(minutes=15))
    name_backlog("apple.push", ngettext_lazy("%(shown)s phone to tell", "%(shown)s phones to tell", "n"))
    removes(
        "notices",
        _("Reports of phones"),
        setting="RETENTION_NOTICES_DAYS",
        below="passes.notices.below",
        batch="passes.notices.batch",
    )
    collects("certificates", "passes.metrics.certificates")
    collects("phones", "passes.metrics.phones")
    watches("passes.watch.certificates")


def _google() -> None:
    handles("google.pass", "passes.google.delivery.send_object", title=_("Pass for Google Wallet"), coalesces=True)
    handles("google.class", "passes.google.delivery.send_class", title=_("Class for Google Wallet"), coalesces=True)
    handles("google.retire", "passes.google.delivery.retire_object", title=_("Card in Google Wallet replaced"))
    handles("google.message", "passes.google.messages.send_message", title=_("Notification by Google"))
    handles("google.callback", "passes.google.callbacks.take_callback", title=_("News from Google Wallet"))
    holds("google.message", "texts", needed=True)
    name_backlog("google.pass", ngettext_lazy("%(shown)s pass for Google", "%(shown)s passes for Google", "n"))


def _imports() -> None:
    handles("pass.import", "passes.card_import.job.import_part", title=_("Cards of another vendor imported"))
    job_kind("cards.import", "passes.card_import.job.Importing", title=_("Import of cards"), needs=Action.CONFIGURE)
    regularly("passes.card_import", "passes.card_import.job.tidy")


def _news() -> None:
    for kind, title in {
        "pass.made": _("Pass made for another system"),
        "customer.enrolled": _("E-mail address confirmed"),
        "pass.enrolled": _("Pass made through the customer's link"),
        "pass.installed": _("Pass added to a phone"),
        "pass.removed": _("Pass removed from a phone"),
        "pass.voided": _("Pass voided"),
        "pass.revived": _("Pass valid again"),
        "pass.moved": _("Pass moved to another template"),
        "pass.fetched": _("Pass fetched by a phone"),
    }.items():
        name_news(kind, title)


def _days() -> None:
    """What is counted every day. `Done` alone: what Apple or Google took."""
    done = [Event.Status.DONE]
    daily.flow("added", _("Passes added"), "portal_event", query="kind=pass.installed", position=30)
    daily.flow("removed", _("Passes removed"), "portal_event", query="kind=pass.removed", position=35)
    daily.flow("sent", _("Sent to wallets"), "portal_event", query="kind=apple.push", position=40)
    daily.counts_events("added", "pass.installed")
    daily.counts_events("removed", "pass.removed")
    daily.counts_events("sent", "apple.push", "google.pass", "google.message", statuses=done)
    for name, how_many in STOCKS.items():
        daily.stock(name, how_many)
