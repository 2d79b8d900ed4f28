"""Room for the signatures of requests, where each is taken once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0002_human_id"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsedSignature",
            fields=[
                ("signature", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
