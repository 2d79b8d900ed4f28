"""Charging profiles and limits: what a charger is to keep to, and what it keeps to."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chargers.models.charger import Charger
from chargers.models.command import Command
from chargers.models.transaction import Transaction
from csms.ownership import OwnedQuerySet


class ChargingRateUnit(models.TextChoices):
    """What limits are told in (ChargingRateUnitEnumType)."""

    AMPERES = "A", "A"
    WATTS = "W", "W"


class ChargingProfile(models.Model):
    """A charging profile of one charger, in OCPP 2.0.1's words, desired and as installed.

    The columns say what is wanted (or, where nothing is, what the charger reported); `installed` is
    the profile that the charger has as far as we know, None when it has none. `(evse_id, connector_id)`
    is the place: (0, 0) the whole charger, (0, connector) in OCPP 1.6, (EVSE, 0) in 2.0.1.

    waiting -> sent -> installed | rejected | failed; -> clearing -> removed. A profile that was
    lost (a reboot, another profile in its place) is waiting again.
    """

    class Purpose(models.TextChoices):
        EXTERNAL = "ChargingStationExternalConstraints", "Limit from outside"
        STATION_MAX = "ChargingStationMaxProfile", "Maximum of the station"
        TX_DEFAULT = "TxDefaultProfile", "Default of transactions"
        TX = "TxProfile", "One transaction"

    class Kind(models.TextChoices):
        ABSOLUTE = "Absolute"
        RECURRING = "Recurring"
        RELATIVE = "Relative"

    class Source(models.TextChoices):
        """Who set it (ChargingLimitSourceEnumType)."""

        CSO = "CSO", "Central system"
        EMS = "EMS", "Energy management"
        SO = "SO", "Grid operator"
        OTHER = "Other", "Other"

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent", "Sent"
        INSTALLED = "installed"
        REJECTED = "rejected"
        FAILED = "failed"
        CLEARING = "clearing"
        REMOVED = "removed"

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="charging_profiles")
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    profile_id = models.IntegerField(help_text="Its number on the charger.")
    stack_level = models.PositiveIntegerField(default=0)
    purpose = models.CharField(max_length=40, choices=Purpose)
    kind = models.CharField(max_length=10, choices=Kind)
    recurrency = models.CharField(max_length=10, blank=True)
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    transaction = models.ForeignKey(Transaction, models.SET_NULL, null=True, related_name="charging_profiles")
    schedules = models.JSONField(default=list, help_text="chargingSchedule of OCPP 2.0.1.")
    source = models.CharField(max_length=5, choices=Source, default=Source.CSO)
    is_desired = models.BooleanField(default=True, help_text="Whether the central system wants it there.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=255, blank=True, help_text="Why it is not installed.")
    installed = models.JSONField(null=True, help_text="The profile that the charger has.")
    installed_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)
    # The newest command about it; the end of an older one changes nothing any more.
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    origin = models.CharField(max_length=40, blank=True, help_text="The door it came by.")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["charger", "profile_id"], name="profile_id_of_charger")
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state__in=["waiting", "clearing"]),
                name="profile_due",
            ),
            models.Index(
                fields=["transaction"], condition=models.Q(purpose="TxProfile"), name="profile_of_session"
            ),
        ]

    def __str__(self):
        return f"{self.charger} profile {self.profile_id}"

    @property
    def place(self):
        """The place as people write it: `whole charger`, or the number of the connector or EVSE."""
        return place_name(self)


class ChargingLimit(models.Model):
    """A wish that a connector, or the whole charger, takes no more than so much; and what came of it.

    requested -> trying -> accepted -> verified <-> ignored; trying -> refused | failed; -> ended.
    `accepted` is the charger's word alone. There is one row without `ended_at` for each place.
    """

    class State(models.TextChoices):
        REQUESTED = "requested"
        TRYING = "trying"
        ACCEPTED = "accepted"
        VERIFIED = "verified"
        IGNORED = "ignored", "Accepted and ignored"
        REFUSED = "refused"
        FAILED = "failed"
        ENDED = "ended"

    owner_path = "charger__owner"
    SETTLED = (State.VERIFIED, State.IGNORED, State.REFUSED, State.FAILED, State.ENDED)

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="charging_limits")
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    value = models.FloatField()
    unit = models.CharField(max_length=1, choices=ChargingRateUnit)
    phases = models.PositiveSmallIntegerField(null=True)
    until = models.DateTimeField(null=True)
    may_walk = models.BooleanField(
        default=False, help_text="Whether other ways are tried when the charger does not obey the first."
    )
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reason = models.CharField(max_length=255, blank=True)
    # Each with unit, limit, purpose, stack level, place, command, time, answer and outcome.
    steps = models.JSONField(default=list, help_text="The ways that were tried, with the answers.")
    profile = models.ForeignKey(ChargingProfile, models.SET_NULL, null=True, related_name="limits")
    # What is being waited for at the moment, if anything: the profile's or the composite schedule's.
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    composite_verified = models.BooleanField(null=True, help_text="Null: it cannot be said.")
    composite = models.JSONField(default=dict, help_text="What the composite schedule said, and when.")
    check_at = models.DateTimeField(null=True)
    measured_verified = models.BooleanField(null=True, help_text="Null: it cannot be said.")
    measured = models.JSONField(default=dict, help_text="What was measured, and when.")
    measured_at = models.DateTimeField(null=True, help_text="The newest reading that was looked at.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    origin = models.CharField(max_length=40, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "evse_id", "connector_id"],
                condition=models.Q(ended_at=None),
                name="limit_in_force",
            )
        ]
        indexes = [
            models.Index(fields=["charger", "-id"], name="limit_of_charger"),
            models.Index(fields=["until"], condition=models.Q(ended_at=None), name="limit_until"),
            models.Index(fields=["check_at"], condition=models.Q(ended_at=None), name="limit_check"),
            models.Index(
                fields=["accepted_at"],
                condition=models.Q(ended_at=None, measured_verified=None),
                name="limit_unmeasured",
            ),
            models.Index(fields=["created_at"], name="limit_by_age"),
        ]

    def __str__(self):
        return f"{self.charger}: {self.value:.10g} {self.unit}"

    @property
    def place(self):
        """The place as people write it: `whole charger`, or the number of the connector or EVSE."""
        return place_name(self)

    @property
    def number(self):
        """The number of the place for the charger, of an EVSE or a connector; 0 is the whole of it."""
        return self.evse_id or self.connector_id


class ExternalLimit(models.Model):
    """A limit that somebody else than we put on a charger, as it told us (NotifyChargingLimit)."""

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="external_limits")
    evse_id = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=5, choices=ChargingProfile.Source)
    is_grid_critical = models.BooleanField(null=True)
    schedules = models.JSONField(default=list)
    told_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["charger", "evse_id", "source"], name="external_limit_of_charger")
        ]

    def __str__(self):
        return f"{self.charger}: {self.source}"


class ChargingNeeds(models.Model):
    """What the vehicle at an EVSE needs, and how it means to charge, as it told last."""

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="charging_needs")
    evse_id = models.PositiveIntegerField()
    needs = models.JSONField(default=dict)
    needs_at = models.DateTimeField(null=True)
    max_schedule_tuples = models.IntegerField(null=True)
    schedule = models.JSONField(default=dict)
    time_base = models.DateTimeField(null=True)
    schedule_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "charging needs"
        ordering = ["charger_id", "evse_id"]
        constraints = [models.UniqueConstraint(fields=["charger", "evse_id"], name="needs_of_evse")]

    def __str__(self):
        return f"{self.charger} / {self.evse_id}"


def place_name(row):
    """Return where a row with `evse_id` and `connector_id` applies, for people."""
    number = f"{row.evse_id}.{row.connector_id}" if row.evse_id and row.connector_id else ""
    number = number or str(row.evse_id or row.connector_id or "")
    return number or "whole charger"
