"""What a charger says about its own settings, and what is wanted of them."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chargers.models.charger import Charger
from chargers.models.command import Command
from csms import secrets
from csms.ownership import OwnedQuerySet


class VariableQuerySet(OwnedQuerySet):
    def wanted(self):
        """Return those that somebody wants to have a certain value."""
        return self.filter(desired_value__isnull=False)

    def due(self, now):
        """Return those for which something is to be sent."""
        return self.filter(next_attempt_at__lte=now)


class Variable(models.Model):
    """A variable of the device model; an OCPP 1.6 configuration key is one without a component.

    Beside what was reported stands what is wanted of it, until it is forgotten:

        waiting -> sent -> accepted           read back: accepted (`verified_at`) | ignored
                        -> reboot_required -> (reset, boot) accepted, and read back
                        -> rejected | not_supported
                        -> waiting (no answer, an error, nonsense) -> failed after some attempts

    A row may exist with nothing but a wish, before anything was reported.
    """

    class Mutability(models.TextChoices):
        READ_ONLY = "ReadOnly", "Read only"
        WRITE_ONLY = "WriteOnly", "Write only"
        READ_WRITE = "ReadWrite", "Read and write"

    class Desired(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        ACCEPTED = "accepted"
        # Accepted, and yet it reads back different.
        IGNORED = "ignored", "Accepted and ignored"
        REJECTED = "rejected"
        REBOOT_REQUIRED = "reboot_required", "Reboot required"
        NOT_SUPPORTED = "not_supported", "Not supported"
        FAILED = "failed"

    class Reread(models.TextChoices):
        """Why a value is to be read again."""

        CHANGED = "changed", "It was changed by us"
        CHECKED = "checked", "It is watched, or its charger has booted"

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
    # None while only a wish is known.
    reported_at = models.DateTimeField(null=True)
    is_monitored = models.BooleanField(
        default=False, help_text="It is read again now and then, and its changes are told as monitored."
    )

    # Sealed where it is secret; read it as `wish`.
    desired_value = models.TextField(null=True, editable=False)
    desired_state = models.CharField(max_length=15, choices=Desired, blank=True)
    desired_reason = models.CharField(max_length=255, blank=True, help_text="Why it is in this state.")
    desired_at = models.DateTimeField(null=True)
    desired_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    desired_origin = models.CharField(max_length=40, blank=True, help_text="The door it came by.")
    # When it last read back as it is wanted.
    verified_at = models.DateTimeField(null=True)
    # How often it did not stay as it was wanted, each time within a day of the last, `lost_at`.
    losses = models.PositiveSmallIntegerField(default=0)
    lost_at = models.DateTimeField(null=True)

    reread = models.CharField(max_length=10, choices=Reread, blank=True)
    # The command that delivers or reads it just now.
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    # Set while something is to be sent, read or waited for.
    next_attempt_at = models.DateTimeField(null=True)

    objects = VariableQuerySet.as_manager()

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
        indexes = [
            models.Index(
                fields=["charger", "next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="variable_due",
            ),
            models.Index(
                fields=["charger"],
                condition=models.Q(desired_value__isnull=False),
                name="variable_wanted",
            ),
            models.Index(
                fields=["reported_at"], condition=models.Q(is_monitored=True), name="variable_monitored"
            ),
        ]

    def __str__(self):
        return f"{self.component}.{self.name}".strip(".")

    @property
    def full_name(self):
        """A name that no other variable of the charger has, such as `EVSE#1.Power`."""
        place = f"#{self.evse_id}" if self.evse_id else ""
        place += f".{self.connector_id}" if self.connector_id else ""
        instances = [f"[{text}]" if text else "" for text in (self.component_instance, self.instance)]
        return f"{self.component}{instances[0]}{place}.{self.name}{instances[1]}".strip(".")

    @property
    def wish(self):
        """The value that is wanted, in clear: never to be shown where `is_secret`. None: none is."""
        if self.desired_value is None or not self.is_secret:
            return self.desired_value
        return secrets.decrypt(self.desired_value)

    @wish.setter
    def wish(self, value):
        self.desired_value = secrets.encrypt(value) if self.is_secret else value


class Learning(models.Model):
    """How far we have come in learning what a charger is: asked once for each model, firmware and OCPP."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ASKED = "asked"
        KNOWN = "known"
        # It refused, or never answered; asked again after another boot.
        FAILED = "failed"

    owner_path = "charger__owner"

    charger = models.OneToOneField(Charger, models.CASCADE, primary_key=True, related_name="learning")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=255, blank=True)
    # Vendor, model, firmware and OCPP version of what was or is being learnt.
    described_as = models.TextField(blank=True)
    # OCPP 1.6 keys still to be asked for: its answers may hold only so many.
    keys = models.JSONField(default=list)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="learning_due",
            )
        ]

    def __str__(self):
        return f"{self.charger_id} {self.state}"
