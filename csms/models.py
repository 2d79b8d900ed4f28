"""Rows of the kit: jobs, deliveries, events, server processes and who staff may see."""

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from csms.ownership import OwnedQuerySet
from csms.settled import SettledQuerySet


class OwnerGrant(models.Model):
    """Lets the staff of a group see everything of one owner."""

    group = models.ForeignKey(Group, models.CASCADE, related_name="granted_owners")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "owner"], name="owner_granted_once")]

    def __str__(self):
        return f"{self.group}: {self.owner}"


class ServerProcess(models.Model):
    """A running server or worker. It beats every 5 s and counts as dead after 15."""

    BEAT_SECONDS = 5
    DEAD_AFTER_SECONDS = 15

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=[("web", "web"), ("worker", "worker")])
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name_plural = "server processes"

    def __str__(self):
        return self.name

    @property
    def channel(self):
        """The process's one channel on the channel layer; wake-ups for its chargers arrive there."""
        return f"process.{self.pk.hex}"


class Job(models.Model):
    """Something that happens because time passed; the lease lets one worker at a time do it."""

    name = models.CharField(max_length=100, unique=True)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_holder = models.UUIDField(null=True, blank=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    def __str__(self):
        return self.name


class Event(models.Model):
    """A fact that services recorded in the transaction that made it true; its id is the cursor."""

    owner_path = "owner"

    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=60)
    charger_id = models.BigIntegerField(null=True)
    object_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)

    objects = SettledQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "id"], name="event_of_owner"),
            models.Index(fields=["charger_id", "id"], name="event_of_charger"),
        ]

    def __str__(self):
        return f"{self.kind} {self.object_id or ''}".strip()


class Outbox(models.Model):
    """Something that must leave the house for certain; partners are served in order."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"
        CANCELLED = "cancelled"

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    # Sent with every attempt, so that a receiver can tell a repeat from a second message.
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    partner = models.CharField(max_length=200, help_text="Deliveries of one partner keep their order.")
    transport = models.CharField(max_length=10, default="http")
    method = models.CharField(max_length=10, default="POST")
    url = models.CharField(max_length=2000)
    headers = models.JSONField(default=dict, blank=True)
    secret_headers = models.TextField(blank=True, help_text="Encrypted headers, such as tokens.")
    body = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    give_up_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [
            models.Index(
                fields=["partner", "id"], condition=models.Q(state="waiting"), name="outbox_waiting"
            ),
            models.Index(fields=["created_at"], name="outbox_by_age"),
        ]

    def __str__(self):
        return f"{self.method} {self.url}"


class OutboxAttempt(models.Model):
    """One try at a delivery: when, and what came back."""

    owner_path = "outbox__owner"

    outbox = models.ForeignKey(Outbox, models.CASCADE, related_name="attempt_log")
    started_at = models.DateTimeField()
    seconds = models.FloatField()
    status_code = models.PositiveIntegerField(null=True)
    answer = models.TextField(blank=True)
    error = models.TextField(blank=True)

    objects = OwnedQuerySet.as_manager()

    def __str__(self):
        return str(self.status_code or self.error)


class PartnerLease(models.Model):
    """Which worker serves a partner's deliveries at the moment, so that their order holds."""

    partner = models.CharField(max_length=200, primary_key=True)
    holder = models.UUIDField(null=True)
    lease_until = models.DateTimeField()

    def __str__(self):
        return self.partner


class Cursor(models.Model):
    """Where a taker that reads a growing table by id stands."""

    name = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.name}: {self.position}"
