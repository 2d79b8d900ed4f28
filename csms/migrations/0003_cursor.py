"""Let takers of growing tables note where they stand."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("csms", "0002_event_drawn_at"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
                ("moved_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
