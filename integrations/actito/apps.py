from django.apps import AppConfig


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
        from integrations.actito.registrations import register

        register()
