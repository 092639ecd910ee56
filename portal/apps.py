from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401 - registers the system checks
        from portal.admin import checks as admin_checks  # noqa: F401
        from portal.admin import registered  # noqa: F401 - registers the admins
        from portal.ledger.registry import name_news

        name_news("portal.replayed", _("Replayed"))
