"""Orders to chargers. The row is the truth; every wake-up is only a hint."""

import json

from django.conf import settings
from django.db import models
from django.utils import timezone

from chargers.models.charger import Charger
from csms import secrets
from csms.ownership import OwnedQuerySet


class CommandQuerySet(OwnedQuerySet):
    def waiting(self, now):
        """Return what may still be sent, oldest first."""
        return self.filter(state=Command.State.QUEUED).exclude(expires_at__lte=now).order_by("id")


class Command(models.Model):
    """A CALL to a charger, from any door.

    queued -> sent -> completed | failed | timed_out; queued -> expired | cancelled. `completed`
    means that the charger answered, be it Rejected; processes move the state by
    compare-and-set.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        COMPLETED = "completed"
        FAILED = "failed"
        TIMED_OUT = "timed_out", "Timed out"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    owner_path = "owner"
    FINAL = (State.COMPLETED, State.FAILED, State.TIMED_OUT, State.EXPIRED, State.CANCELLED)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    charger = models.ForeignKey(Charger, models.CASCADE, related_name="commands")
    action = models.CharField(max_length=60)
    payload = models.JSONField(default=dict, help_text="Secrets in it are masked.")
    # The payload as it is to be sent, encrypted, while it holds secrets and has not ended.
    sealed_payload = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    result = models.JSONField(null=True, help_text="The charger's answer.")
    error_code = models.CharField(max_length=60, blank=True)
    error_description = models.TextField(blank=True)
    origin = models.CharField(max_length=40, default="system", help_text="The door it came by.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="commands"
    )
    message_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # The connection that took it; what another one left behind can be told apart.
    presence_token = models.UUIDField(null=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["charger", "-id"], name="command_of_charger"),
            models.Index(
                fields=["charger", "id"],
                condition=models.Q(state__in=["queued", "sent"]),
                name="command_unfinished",
            ),
            models.Index(fields=["created_at"], name="command_by_age"),
        ]

    def __str__(self):
        return f"{self.action} #{self.pk}"

    @property
    def words(self):
        """The payload as it is to be sent, with the secrets that `payload` masks."""
        return json.loads(secrets.decrypt(self.sealed_payload)) if self.sealed_payload else self.payload

    @property
    def is_finished(self):
        return self.state in self.FINAL
