from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Integrations")

    def ready(self) -> None:
        from integrations.pairing import registrations as pairings
        from integrations.rules import triggers
        from integrations.rules.admin import registered  # noqa: F401 - registers the admins
        from integrations.rules.registry import rule_action
        from portal.erasure import erases
        from portal.ledger import handles, regularly, subscribe
        from portal.retention import holds

        triggers.register()
        rule_action("create_pass", "integrations.rules.passes.CreatePass", title=_("make a pass"))
        rule_action("update_pass", "integrations.rules.passes.UpdatePass", title=_("change a pass"))
        for news, wanted in (
            ("customer.changed", "changes_wanted"), ("pass.installed", "installations_wanted"),
            ("pass.removed", "removals_wanted"),
        ):  # fmt: skip
            subscribe(
                news, "rules", "integrations.rules.firing.consider", title=_("Rules considered"),
                wanted=f"integrations.rules.firing.{wanted}",
            )  # fmt: skip
        erases("rules", "integrations.rules.erasing.erase")
        holds("customer.changed/rules", "changes", needed=True)
        pairings.register()
        handles("rule.day", "integrations.rules.days.walk", title=_("Customers whose date has come"))
        handles("rule.due", "integrations.rules.firing.consider_day", title=_("Date of a rule"))
        regularly("rules.days", "integrations.rules.days.begin", every=timedelta(minutes=15))
