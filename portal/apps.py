from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401 - registers the system checks
        from portal.admin import checks as admin_checks  # noqa: F401
        from portal.admin import registered  # noqa: F401 - registers the admins
        from portal.registrations import register

        register()
