"""Who is connected where: a lease that only its holder may end."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from chargers.models.charger import Charger, Protocol
from csms.models import ServerProcess
from csms.ownership import OwnedQuerySet


class PresenceQuerySet(OwnedQuerySet):
    def online(self, now):
        """Return the leases whose process beats and whose socket was heard of within 3 intervals."""
        return self.filter(
            process__beat_at__gt=now - timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS),
            expires_at__gt=now,
        )

    def held(self, charger_id, token):
        """Return the lease only while `token` still holds it: a superseded socket changes nothing."""
        return self.filter(charger_id=charger_id, token=token)


class Presence(models.Model):
    """The connection of one charger: which process holds its socket, and since when.

    The newest socket wins: it writes its own `token`, and every clean-up compares it.
    """

    owner_path = "charger__owner"

    charger = models.OneToOneField(Charger, models.CASCADE, primary_key=True, related_name="presence")
    process = models.ForeignKey(ServerProcess, models.SET_NULL, null=True, related_name="presences")
    token = models.UUIDField(null=True)
    protocol = models.CharField(max_length=10, choices=Protocol, blank=True)
    address = models.CharField(max_length=64, blank=True)
    connected_at = models.DateTimeField(null=True)
    disconnected_at = models.DateTimeField(null=True)
    last_frame_at = models.DateTimeField(null=True)
    # Last frame plus three intervals; moved ahead with `last_frame_at`.
    expires_at = models.DateTimeField(null=True)

    objects = PresenceQuerySet.as_manager()

    def __str__(self):
        return f"{self.charger_id} {'offline' if self.token is None else 'connected'}"

    def is_online(self, now):
        """Say whether the charger is connected, as far as one can know at `now`."""
        return bool(
            self.process
            and self.expires_at
            and self.expires_at > now
            and self.process.beat_at > now - timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS)
        )


class FailedHandshake(models.Model):
    """A connection attempt that was refused; repeats within an hour are counted in one row."""

    owner_path = "charger__owner"

    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=1)
    hour = models.DateTimeField()
    address = models.CharField(max_length=64)
    identifier = models.CharField(max_length=255)
    path = models.CharField(max_length=1000, help_text="Without the secrets it held.")
    username = models.CharField(max_length=255, blank=True)
    subprotocols = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=60)
    status_code = models.PositiveSmallIntegerField()
    charger = models.ForeignKey(Charger, models.SET_NULL, null=True, related_name="failed_handshakes")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "address", "identifier", "username", "reason"], name="handshake_counted_once"
            )
        ]
        indexes = [models.Index(fields=["charger", "last_at"], name="handshake_of_charger")]

    def __str__(self):
        return f"{self.identifier}: {self.reason}"


class ActionStatus(models.Model):
    """When a charger last sent an action, for each connector; written with the process's beat."""

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="action_statuses")
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    action = models.CharField(max_length=60)
    message_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "evse_id", "connector_id", "action"], name="action_of_charger"
            )
        ]

    def __str__(self):
        return f"{self.charger_id} {self.action}"
