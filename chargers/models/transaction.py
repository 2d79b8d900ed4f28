"""Charging transactions, their readings, and what was reported about them that did not fit."""

import uuid

from django.conf import settings
from django.db import models

from chargers.models.charger import Charger, Protocol
from csms.lookups import is_row_number
from csms.ownership import OwnedQuerySet
from csms.partitions import TimeSeries
from tokens.models import Authorization


class ChargingState(models.TextChoices):
    """The words of OCPP 2.0.1; 1.6 transactions take theirs from the connector's status."""

    CHARGING = "Charging"
    EV_CONNECTED = "EVConnected"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    IDLE = "Idle"


class TransactionQuerySet(OwnedQuerySet):
    def open(self):
        return self.filter(ended_at=None)

    def numbered(self, text):
        """Return those whose transaction id is `text`: the station's, or our number where it has none."""
        named = models.Q(transaction_id=text)
        if is_row_number(text):
            named |= models.Q(transaction_id="", pk=text)
        return self.filter(named)


class Transaction(models.Model):
    """One charging session, whichever protocol reported it.

    Energy is the sum of the segments between successive registers and never falls: a meter that
    starts over at 0 begins a new segment. `flags` names what was odd about the reports.
    """

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="transactions")
    charger = models.ForeignKey(Charger, models.CASCADE, related_name="transactions")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    protocol = models.CharField(max_length=10, choices=Protocol)
    # OCPP 2.0.1: the station's own id. OCPP 1.6 has none: the row's number is what the charger was told.
    transaction_id = models.CharField(max_length=255, blank=True)
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    id_token = models.CharField(max_length=255, blank=True)
    authorization = models.ForeignKey(
        Authorization, models.SET_NULL, null=True, blank=True, related_name="transactions"
    )
    authorization_status = models.CharField(max_length=20, blank=True)
    is_refused = models.BooleanField(
        default=False,
        help_text="The start was not accepted; the row is kept since chargers still report its stop.",
    )
    charging_state = models.CharField(max_length=20, choices=ChargingState, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # What identifies a repeated start: its content, with the timestamp as it was sent.
    reported_start = models.CharField(max_length=64, blank=True)
    boot_number = models.PositiveIntegerField(default=0)
    last_seq_no = models.BigIntegerField(null=True, blank=True)
    start_wh = models.FloatField(null=True, blank=True)
    end_wh = models.FloatField(null=True, blank=True)
    register_wh = models.FloatField(null=True, blank=True)
    register_at = models.DateTimeField(null=True, blank=True)
    energy_wh = models.FloatField(default=0)
    power_w = models.FloatField(null=True, blank=True)
    soc_percent = models.FloatField(null=True, blank=True)
    end_id_token = models.CharField(max_length=255, blank=True)
    stop_reason = models.CharField(max_length=40, blank=True)
    reservation_id = models.BigIntegerField(null=True, blank=True)
    remote_start_id = models.BigIntegerField(null=True, blank=True)
    is_offline = models.BooleanField(default=False)
    # When `transaction.updated` was last told; takers need no event per meter value.
    announced_at = models.DateTimeField(null=True, editable=False)
    flags = models.JSONField(default=list, blank=True)

    objects = TransactionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["charger", "-id"], name="transaction_of_charger"),
            models.Index(fields=["charger", "reported_start"], name="transaction_by_start"),
            models.Index(
                fields=["charger", "id"], condition=models.Q(ended_at=None), name="transaction_running"
            ),
            models.Index(fields=["owner", "started_at"], name="transaction_of_owner"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "transaction_id"],
                condition=~models.Q(transaction_id=""),
                name="transaction_id_of_charger",
            )
        ]

    @property
    def plug(self):
        """The connector as people name it, as `Connector.number`; empty while it is unknown."""
        if self.evse_id:
            return f"{self.evse_id}.{self.connector_id}" if self.connector_id else str(self.evse_id)
        return str(self.connector_id or "")

    def __str__(self):
        return f"{self.charger} #{self.transaction_id or self.pk}"


class StopReport(models.Model):
    """A stop that ended nothing: for an unknown transaction (parked), or one that had ended (evidence)."""

    class Cause(models.TextChoices):
        UNKNOWN = "unknown transaction"
        REPEATED = "already ended"

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="stop_reports")
    transaction = models.ForeignKey(Transaction, models.CASCADE, null=True, related_name="stop_reports")
    reported_id = models.CharField(max_length=64)
    cause = models.CharField(max_length=30, choices=Cause)
    received_at = models.DateTimeField()
    payload = models.JSONField()

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "unmatched stop"
        indexes = [models.Index(fields=["charger", "received_at"], name="stop_of_charger")]

    def __str__(self):
        return f"{self.reported_id}: {self.cause}"


class Reading(TimeSeries):
    """One meterValue: the samples as sent, and what they mean in SI units for the whole connector."""

    owner_path = "charger__owner"

    charger = models.ForeignKey(
        Charger, models.DO_NOTHING, related_name="readings", db_constraint=False, db_index=False
    )
    transaction = models.ForeignKey(
        Transaction,
        models.DO_NOTHING,
        null=True,
        related_name="readings",
        db_constraint=False,
        db_index=False,
    )
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField()
    time_flag = models.CharField(
        max_length=10,
        blank=True,
        help_text="Why the time of arrival stands in for the charger's: its clock was wrong, or unreadable.",
    )
    seq_no = models.BigIntegerField(null=True)
    context = models.CharField(max_length=40, blank=True)
    register_wh = models.FloatField(null=True)
    power_w = models.FloatField(null=True)
    current_a = models.FloatField(null=True)
    voltage_v = models.FloatField(null=True)
    soc_percent = models.FloatField(null=True)
    samples = models.JSONField(default=list)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["charger", "measured_at"], name="reading_of_charger"),
            models.Index(
                fields=["transaction", "measured_at"],
                condition=models.Q(transaction__isnull=False),
                name="reading_of_transaction",
            ),
        ]

    def __str__(self):
        return f"{self.charger_id} {self.measured_at:%Y-%m-%d %H:%M:%S}"
