"""The OCPP log."""

from django.db import models

from chargers.models.charger import Charger
from csms.ownership import OwnedQuerySet
from csms.partitions import TimeSeries


class Message(TimeSeries):
    """A CALL and its answer in one row, or a frame that was neither; secrets are masked.

    `received_at` is when the CALL arrived, or, for ours, when it was sent.
    """

    class Origin(models.TextChoices):
        CHARGER = "charger"
        CSMS = "csms", "Stationmaster"

    class Outcome(models.TextChoices):
        RESULT = "result"
        ERROR = "error"
        TIMEOUT = "no answer"
        UNREADABLE = "unreadable"
        IGNORED = "ignored"

    owner_path = "charger__owner"

    charger = models.ForeignKey(
        Charger, models.DO_NOTHING, related_name="messages", db_constraint=False, db_index=False
    )
    origin = models.CharField(max_length=10, choices=Origin)
    action = models.CharField(max_length=60, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    request = models.TextField(help_text="A charger's frame as it came, or the payload of our call.")
    answer = models.TextField(blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    seconds = models.FloatField(null=True, help_text="From the CALL to its answer.")
    oddities = models.CharField(max_length=255, blank=True, help_text="What was put right before use.")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "OCPP message"
        indexes = [models.Index(fields=["charger", "received_at"], name="message_of_charger")]

    def __str__(self):
        return f"{self.action or self.outcome} {self.message_id}"
