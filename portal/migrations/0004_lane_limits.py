from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def limit_the_known(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    lanes = apps.get_model("portal", "Lane").objects.using(editor.connection.alias)
    lanes.filter(key__startswith="actito:").update(calls_per_minute=100)
    lanes.filter(key="local").update(max_running=256)


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_periodic_task")]
    operations = [
        migrations.AddField(
            "lane",
            "budget_until",
            models.FloatField(default=0.0, help_text="Seconds since 1970: when all that was used is refilled."),
        ),
        migrations.AddField(
            "lane",
            "calls_per_minute",
            models.PositiveIntegerField(
                default=0, help_text="Over all workers; 0 is no limit.", verbose_name="calls a minute"
            ),
        ),
        migrations.AddField(
            "lane", "failures", models.PositiveIntegerField(default=0, verbose_name="failed calls in a row")
        ),
        migrations.RunPython(limit_the_known, migrations.RunPython.noop),
    ]
