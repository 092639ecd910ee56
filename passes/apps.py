from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PassesConfig(AppConfig):
    name = "passes"
    verbose_name = _("Passes")

    def ready(self) -> None:
        from passes import checks  # noqa: F401 - registers the system checks
        from passes.admin import registered  # noqa: F401 - registers the admins
        from passes.registrations import register

        register()
