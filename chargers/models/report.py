"""Reports that come in parts: what was asked for, what came, and whether that was all."""

from django.db import models
from django.utils import timezone

from chargers.models.charger import Charger
from chargers.models.command import Command
from csms.ownership import OwnedQuerySet


class Report(models.Model):
    """A report of a station under a request id of ours; it closes with its last part or with time.

    Parts come with holes: only the last one, none at all, or under another id. So a report is never
    waited for; what its parts say is taken in as they come.
    """

    class Kind(models.TextChoices):
        VARIABLES = "variables"
        CHARGING_PROFILES = "charging_profiles", "Charging profiles"
        MONITORS = "monitors"
        CUSTOMER = "customer", "Customer information"

    class State(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        # Its last part came, and others did not.
        HOLED = "holed", "Parts missing"
        TIMED_OUT = "timed_out", "Timed out"
        # The station said that there is nothing to report, or refused.
        REFUSED = "refused"

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=20, choices=Kind)
    request_id = models.IntegerField()
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    parts = models.PositiveIntegerField(default=0)
    # Of the parts that came; -1: none did.
    highest_seq_no = models.IntegerField(default=-1)
    opened_at = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["charger", "kind", "request_id"], name="report_by_request"),
            models.Index(fields=["opened_at"], condition=models.Q(state="open"), name="report_open"),
            models.Index(fields=["opened_at"], name="report_by_age"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} #{self.request_id}"
