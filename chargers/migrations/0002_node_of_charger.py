"""Give chargers a node and a count of connectors, and connectors the time of their making."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chargers", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions("stopreport", {"verbose_name": "unmatched stop"}),
        migrations.AddField(
            model_name="charger",
            name="connector_count",
            field=models.PositiveIntegerField(default=0, help_text="0: not known."),
        ),
        migrations.AddField(
            model_name="charger",
            name="node_id",
            field=models.BigIntegerField(
                default=1,
                help_text="The SolarNode under which its datum are found; any number above 0.",
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="node ID",
            ),
        ),
        migrations.AddField(
            model_name="connector",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
    ]
