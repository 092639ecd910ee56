from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PassesConfig(AppConfig):
    name = "passes"
    verbose_name = _("Passes")

    def ready(self) -> None:
        from passes.admin import registered  # noqa: F401 - registers the admins
        from portal.ledger import handles, subscribe
        from portal.ledger.registry import name_news

        subscribe(
            "customer.changed", "passes", "passes.refresh.refresh_customer", title=_("Passes renewed"), coalesces=True
        )
        handles("pass.refresh", "passes.refresh.refresh_pass", title=_("Pass renewed"), coalesces=True)
        handles("pass.due", "passes.refresh.refresh_customer", title=_("Pass due"), coalesces=True)
        handles("pass.update", "passes.update.update_pass", title=_("Values for a pass"))
        handles("apple.push", "passes.delivery.push_device", title=_("Push to iPhone"), coalesces=True)
        name_news("pass.installed", _("Pass added to a phone"))
        name_news("pass.removed", _("Pass removed from a phone"))
        name_news("pass.fetched", _("Pass fetched by a phone"))
