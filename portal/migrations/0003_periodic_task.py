from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_event_indexes")]
    operations = [
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True, verbose_name="name")),
                ("due_at", models.DateTimeField(verbose_name="due")),
            ],
            options={"verbose_name": "periodic task", "verbose_name_plural": "periodic tasks"},
        ),
    ]
