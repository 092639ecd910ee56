from importlib import import_module

from django.db import migrations, models

# The INSERT of an arrival is kept prepared with the look for an earlier one in it: the function is not needed.
earlier_waits = import_module("portal.migrations.0002_earlier_waits")


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_earlier_waits")]
    operations = [
        migrations.RunPython(earlier_waits.remove, earlier_waits.make),
        *(
            migrations.RemoveIndex("event", name)
            for name in ("event_coalesce", "event_dead", "event_newest", "event_first", "event_by_subject")
        ),
        migrations.AddIndex("event", models.Index(fields=["tenant", "-id", "parent"], name="event_newest")),
        migrations.AddIndex(
            "event",
            models.Index(
                fields=["tenant", "subject", "-id", "status"],
                name="event_by_subject",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops", "varchar_ops"],
            ),
        ),
    ]
