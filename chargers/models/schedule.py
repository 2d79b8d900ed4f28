"""What limits a connector, as its charger says: the latest composite schedule of each."""

from datetime import timedelta

from django.db import models

from chargers.models.charger import Charger, RegistrationStatus
from chargers.models.charging_profile import ChargingRateUnit
from chargers.models.command import Command
from csms.models import ServerProcess
from csms.ownership import OwnedQuerySet


class CompositeScheduleQuerySet(OwnedQuerySet):
    """Which places are to be asked for their schedules."""

    def due(self, now):
        """Return what is to be asked for again, the longest due first.

        Of a charger that has been asked and did not answer yet nothing is due: others want to ask it too.
        """
        asked = CompositeSchedule.objects.filter(
            charger=models.OuterRef("charger"),
            state=CompositeSchedule.State.ASKED,
            asked_at__gt=now - CompositeSchedule.LONGEST_ASKED,
        )
        return self.filter(~models.Exists(asked), due_at__lte=now).order_by("due_at", "pk")

    def reachable(self, now):
        """Return those of chargers that are online and may operate."""
        return self.filter(
            charger__presence__expires_at__gt=now,
            charger__presence__process__beat_at__gt=now - timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS),
            charger__enabled=True,
            charger__registration_status=RegistrationStatus.ACCEPTED,
            charger__deleted_at=None,
        )


class CompositeSchedule(models.Model):
    """The composite schedule of a place: a connector (1.6), an EVSE (2.0.1), or (0, 0), the whole charger.

    `state` tells what became of the latest question; the schedule is the last one that was answered,
    however old, and `fetched_at` says how old.
    """

    class State(models.TextChoices):
        UNASKED = "never_asked", "Never asked"
        ASKED = "asked"
        KNOWN = "known"
        REFUSED = "refused"
        FAILED = "failed"
        # It has no smart charging, or not this request: it is left alone until it boots.
        UNSUPPORTED = "not_supported", "Not supported"

    owner_path = "charger__owner"
    # A command ends within minutes, and its row with it; after so long nobody is left to say so.
    LONGEST_ASKED = timedelta(minutes=20)

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="composite_schedules")
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=15, choices=State, default=State.UNASKED)
    reason = models.CharField(max_length=255, blank=True, help_text="Why it was refused, or failed.")

    unit = models.CharField(max_length=1, choices=ChargingRateUnit, blank=True)
    starts_at = models.DateTimeField(null=True)
    duration = models.PositiveIntegerField(null=True, help_text="Seconds.")
    # [{start: seconds after starts_at, limit, phases or null}], in order; the first begins at 0.
    periods = models.JSONField(default=list)
    min_rate = models.FloatField(null=True)
    fetched_at = models.DateTimeField(null=True)

    asked_at = models.DateTimeField(null=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    # The other unit is tried once after a refusal.
    is_second_try = models.BooleanField(default=False)
    # When it is to be asked for again; None: not before the charger boots or a profile changes.
    due_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    # The boot of the charger after which it was last set to be asked for.
    boot_count = models.IntegerField(default=-1)

    objects = CompositeScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["charger_id", "evse_id", "connector_id"]
        constraints = [
            models.UniqueConstraint(fields=["charger", "evse_id", "connector_id"], name="schedule_of_place")
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="schedule_due")
        ]

    def __str__(self):
        return f"{self.charger} / {self.number}"

    @property
    def number(self):
        """The place as people and EVerest name it: 0 is the whole charger."""
        return self.evse_id or self.connector_id

    @property
    def is_known(self):
        """Whether there is a schedule, however old."""
        return self.fetched_at is not None
