"""What a charger says about its own settings."""

from django.db import models

from chargers.models.charger import Charger
from csms.ownership import OwnedQuerySet


class Variable(models.Model):
    """A variable of the device model; an OCPP 1.6 configuration key is one without a component."""

    class Mutability(models.TextChoices):
        READ_ONLY = "ReadOnly", "Read only"
        WRITE_ONLY = "WriteOnly", "Write only"
        READ_WRITE = "ReadWrite", "Read and write"

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="variables")
    component = models.CharField(max_length=50, blank=True)
    component_instance = models.CharField(max_length=50, blank=True)
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=255)
    instance = models.CharField(max_length=50, blank=True)
    attribute = models.CharField(max_length=10, default="Actual")
    value = models.TextField(blank=True, null=True)
    mutability = models.CharField(max_length=10, choices=Mutability, blank=True)
    data_type = models.CharField(max_length=20, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    is_secret = models.BooleanField(default=False)
    reported_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["component", "name", "evse_id", "connector_id", "instance"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "charger",
                    "component",
                    "component_instance",
                    "evse_id",
                    "connector_id",
                    "name",
                    "instance",
                    "attribute",
                ],
                name="variable_of_charger",
            )
        ]

    def __str__(self):
        return f"{self.component}.{self.name}".strip(".")
