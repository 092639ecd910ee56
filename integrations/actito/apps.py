from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy


class ActitoConfig(AppConfig):
    name = "integrations.actito"
    label = "actito"
    verbose_name = "Actito"

    def ready(self) -> None:
        from integrations.actito import (  # noqa: F401 - registers them
            admin,
            import_admin,
            scenario_admin,
            starting_admin,
            starting_chosen,
        )
        from integrations.rules.registry import rule_action, rule_consents
        from portal.api import describe
        from portal.erasure import erases
        from portal.jobs import job_kind
        from portal.ledger import handles, regularly, subscribe
        from portal.retention import holds
        from portal.tenancy import Action
        from portal.watch.words import name_backlog

        handles(
            "actito.profile",
            "integrations.actito.profiles.read_profile",
            title=_("Actito profile changed"),
            coalesces=True,
        )
        name_backlog("actito.profile", ngettext_lazy("%(shown)s profile to read", "%(shown)s profiles to read", "n"))
        handles("actito.action", "integrations.actito.actions.carry_out", title=_("Custom action"))
        handles(
            "actito.scenarios",
            "integrations.actito.scenarios.read_catalogue",
            title=_("Actito scenarios read"),
            coalesces=True,
        )
        handles(
            "actito.structure",
            "integrations.actito.structure.read_structure",
            title=_("Actito table read"),
            coalesces=True,
        )
        handles("actito.start", "integrations.actito.starting.start", title=_("Scenario started"))
        name_backlog("actito.start", ngettext_lazy("%(shown)s scenario to start", "%(shown)s scenarios to start", "n"))
        handles(
            "actito.write", "integrations.actito.writeback.write_values", title=_("Attributes written to Actito")
        )  # fmt: skip
        handles(
            "actito.wallet", "integrations.actito.wallet_news.write_wallet", title=_("Wallet news for Actito"),
            coalesces=True,
        )  # fmt: skip
        for news in ("pass.issued", "pass.installed", "pass.removed", "pass.voided", "pass.revived"):
            subscribe(
                news, "actito", "integrations.actito.wallet_news.tell", title=_("Wallet news for Actito"),
                coalesces=True, wanted="integrations.actito.wallet_news.wanted",
            )  # fmt: skip
        job_kind(
            "actito.telling", "integrations.actito.wallet_news.Telling", title=_("Wallet news for many"),
            needs=Action.CONFIGURE,
        )  # fmt: skip
        name_backlog("actito.wallet", ngettext_lazy("%(shown)s profile to write", "%(shown)s profiles to write", "n"))
        name_backlog("actito.write", ngettext_lazy("%(shown)s profile to write", "%(shown)s profiles to write", "n"))
        erases("actito", "integrations.actito.erasing.erase")
        holds("actito.profile", "body")
        holds("actito.write", "attributes", needed=True)
        holds("actito.action", "body", "_data", needed=True)
        handles("actito.webhooks", "integrations.actito.subscribing.handle", title=_("Webhooks at Actito"))
        regularly("actito.webhooks", "integrations.actito.subscribing.check_all")
        regularly("actito.scenarios", "integrations.actito.scenarios.ask_all")
        regularly("actito.structure", "integrations.actito.structure.ask_all")
        job_kind(
            "actito.rereading", "integrations.actito.rereading.Rereading", title=_("Profiles read again"),
            needs=Action.OPERATE,
        )  # fmt: skip
        job_kind(
            "actito.starting", "integrations.actito.starting.Starting", title=_("Scenario started for many"),
            needs=Action.CONFIGURE,
        )  # fmt: skip
        handles(
            "actito.look", "integrations.actito.customer_import.look.look_on", title=_("File of customers looked at")
        )
        handles(
            "actito.customers", "integrations.actito.customer_import.job.import_part",
            title=_("Customers of a file imported"),
        )  # fmt: skip
        job_kind(
            "actito.importing", "integrations.actito.customer_import.job.Importing", title=_("Import of customers"),
            needs=Action.CONFIGURE,
        )  # fmt: skip
        handles("actito.nightly", "integrations.actito.nightly.begin", title=_("Oldest profiles read again"))
        regularly("actito.nightly", "integrations.actito.nightly.ask_due", every=timedelta(minutes=30))
        regularly("actito.licences", "integrations.actito.licences.prove_all")
        regularly("actito.imports", "integrations.actito.customer_import.job.tidy")
        describe("integrations.actito.openapi")
        rule_action(
            "start_scenario", "integrations.actito.rule_actions.StartScenario", title=_("start a scenario of Actito's")
        )
        rule_action("write_attributes", "integrations.actito.rule_actions.WriteAttributes", title=_("write to Actito"))
        rule_consents("actito", "integrations.actito.rule_consents.Subscriptions")
