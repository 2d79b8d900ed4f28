"""Make room for instructions, behind which stand commands."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chargers", "0003_datum"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Instruction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("node_id", models.BigIntegerField(verbose_name="node ID")),
                ("topic", models.CharField(max_length=128)),
                ("parameters", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("instruction_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, help_text="Why it became no command.")),
                (
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="instruction",
                        to="chargers.command",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="instruction",
            index=models.Index(fields=["owner", "node_id", "id"], name="instruction_of_node"),
        ),
        migrations.AddIndex(
            model_name="instruction",
            index=models.Index(fields=["created_at"], name="instruction_by_age"),
        ),
    ]
