from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ActitoConfig(AppConfig):
    name = "integrations.actito"
    label = "actito"
    verbose_name = "Actito"

    def ready(self) -> None:
        from integrations.actito import admin  # noqa: F401 - registers the admins
        from portal.api import describe
        from portal.ledger import handles

        handles(
            "actito.profile",
            "integrations.actito.profiles.read_profile",
            title=_("Actito profile changed"),
            coalesces=True,
        )
        handles("actito.action", "integrations.actito.actions.carry_out", title=_("Custom action"))
        describe("integrations.actito.openapi")
