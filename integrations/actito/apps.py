from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy


class ActitoConfig(AppConfig):
    name = "integrations.actito"
    label = "actito"
    verbose_name = "Actito"

    def ready(self) -> None:
        from integrations.actito import admin, import_admin, scenario_admin, starting_admin  # noqa: F401 - registers them
        from portal.api import describe
        from portal.jobs import job_kind
        from portal.ledger import handles, regularly
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
        handles("actito.start", "integrations.actito.starting.start", title=_("Scenario started"))
        name_backlog("actito.start", ngettext_lazy("%(shown)s scenario to start", "%(shown)s scenarios to start", "n"))
        holds("actito.profile", "body")
        holds("actito.action", "body", "_data", needed=True)
        regularly("actito.scenarios", "integrations.actito.scenarios.ask_all")
        job_kind(
            "actito.rereading", "integrations.actito.rereading.Rereading", title=_("Profiles read again"),
            needs=Action.OPERATE,
        )  # fmt: skip
        job_kind(
            "actito.starting", "integrations.actito.starting.Starting", title=_("Scenario started for many"),
            needs=Action.CONFIGURE,
        )  # fmt: skip
        handles(
            "actito.customers", "integrations.actito.customer_import.job.import_part",
            title=_("Customers of a file imported"),
        )  # fmt: skip
        job_kind(
            "actito.importing", "integrations.actito.customer_import.job.Importing", title=_("Import of customers"),
            needs=Action.CONFIGURE,
        )  # fmt: skip
        regularly("actito.imports", "integrations.actito.customer_import.job.tidy")
        describe("integrations.actito.openapi")
