from django.apps import AppConfig


class DidomiConfig(AppConfig):
    name = "integrations.didomi"
    label = "didomi"
    verbose_name = "Didomi"

    def ready(self) -> None:
        from integrations.didomi.admin import connections  # noqa: F401 - registers them
        from integrations.didomi.registrations import register

        register()
