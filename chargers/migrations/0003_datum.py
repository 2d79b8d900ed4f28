"""Make room for datum: streams, the series itself, and what is published."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from csms.partitions import CreateTimeSeries
from csms.settled import NoteDrawing


class Migration(migrations.Migration):
    dependencies = [
        ("chargers", "0002_node_of_charger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DatumStream",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=128, unique=True)),
                ("node_id", models.BigIntegerField(verbose_name="node ID")),
                ("source_id", models.CharField(max_length=64, verbose_name="source ID")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "charger",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="datum_streams",
                        to="chargers.charger",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="datum_streams",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["owner_id", "node_id", "source_id"],
            },
        ),
        CreateTimeSeries(
            by="measured_at",
            name="Datum",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("received_at", models.DateTimeField()),
                ("measured_at", models.DateTimeField()),
                ("properties", models.JSONField(default=dict)),
                ("is_stored", models.BooleanField(default=True)),
                ("is_published", models.BooleanField(default=True)),
                (
                    "stream",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="datum",
                        to="chargers.datumstream",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "datum",
            },
        ),
        NoteDrawing("chargers_datum"),
        migrations.CreateModel(
            name="PublishSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "publish_to_solar_in",
                    models.BooleanField(
                        default=True,
                        help_text="Store datum, for SolarQuery to find.",
                        verbose_name="publish to SolarIn",
                    ),
                ),
                (
                    "publish_to_solar_flux",
                    models.BooleanField(
                        default=True,
                        help_text="Publish datum to the MQTT broker.",
                        verbose_name="publish to SolarFlux",
                    ),
                ),
                (
                    "source_id_template",
                    models.CharField(
                        blank=True,
                        help_text="With {chargePointId}, {chargerIdentifier}, {evseId}, {connectorId}, {location} and {phase}; empty: as the account says, else /ocpp/cp/{chargerIdentifier}/{connectorId}/{location}",
                        max_length=255,
                        verbose_name="source ID template",
                    ),
                ),
                (
                    "charger",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publish_settings",
                        to="chargers.charger",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publish_settings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "publish settings",
            },
        ),
        migrations.AddIndex(
            model_name="datumstream",
            index=models.Index(fields=["owner", "node_id", "source_id"], name="stream_of_owner"),
        ),
        migrations.AddIndex(
            model_name="datum",
            index=models.Index(fields=["id"], condition=models.Q(is_stored=False), name="datum_not_stored"),
        ),
        migrations.AddConstraint(
            model_name="datum",
            constraint=models.UniqueConstraint(fields=("stream", "measured_at"), name="datum_of_stream"),
        ),
        migrations.AddConstraint(
            model_name="publishsettings",
            constraint=models.UniqueConstraint(
                condition=models.Q(("charger", None)),
                fields=("owner",),
                name="publish_settings_of_account",
                violation_error_message="This account has its settings already.",
            ),
        ),
    ]
