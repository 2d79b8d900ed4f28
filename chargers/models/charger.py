"""Chargers and their connectors, with the latest that they reported."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from chargers.models.location import Location
from csms.ownership import OwnedQuerySet


class Protocol(models.TextChoices):
    """OCPP versions by their websocket subprotocol."""

    OCPP16 = "ocpp1.6", "OCPP 1.6"
    OCPP201 = "ocpp2.0.1", "OCPP 2.0.1"


class RegistrationStatus(models.TextChoices):
    UNKNOWN = "Unknown"
    PENDING = "Pending"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class ChargerQuerySet(OwnedQuerySet):
    def alive(self):
        """Leave out the chargers that were deleted; their history stays."""
        return self.filter(deleted_at=None)


class Charger(models.Model):
    """A charge point (1.6) or charging station (2.0.1). Deleting one hides it: see `deleted_at`."""

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="chargers")
    identifier = models.CharField(
        max_length=255, db_index=True, help_text="The name in its URL: /ocpp/<identifier>."
    )
    name = models.CharField(max_length=255, blank=True)
    location = models.ForeignKey(Location, models.SET_NULL, null=True, blank=True, related_name="chargers")
    enabled = models.BooleanField(default=True)
    registration_status = models.CharField(
        max_length=10, choices=RegistrationStatus, default=RegistrationStatus.ACCEPTED
    )
    protocol = models.CharField(
        max_length=10,
        choices=Protocol,
        default=Protocol.OCPP16,
        help_text="What it spoke last, and what is assumed when it offers no subprotocol.",
    )
    security_profile = models.PositiveSmallIntegerField(
        default=1,
        choices=[
            (0, "0: no password"),
            (1, "1: password"),
            (2, "2: TLS and password"),
            (3, "3: TLS and certificate"),
        ],
    )
    password_hash = models.CharField(max_length=255, blank=True, editable=False)
    password_verifier = models.CharField(max_length=255, blank=True, editable=False)
    heartbeat_interval = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds; empty: as the server's setting says."
    )
    node_id = models.BigIntegerField(
        "node ID",
        default=1,
        validators=[MinValueValidator(1)],
        help_text="The SolarNode under which its datum are found; any number above 0.",
    )
    connector_count = models.PositiveIntegerField(default=0, help_text="0: not known.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Where a charger that entered itself came from: new ones are bounded per address (IPv6: /64) and hour.
    first_address = models.CharField(max_length=64, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Since when its connections are refused, by our order; None: they are not.
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)

    # What its BootNotification said.
    vendor = models.CharField(max_length=255, blank=True)
    model = models.CharField(max_length=255, blank=True)
    serial_number = models.CharField(max_length=255, blank=True)
    charge_box_serial_number = models.CharField(max_length=255, blank=True)
    firmware_version = models.CharField(max_length=255, blank=True)
    iccid = models.CharField(max_length=255, blank=True)
    imsi = models.CharField(max_length=255, blank=True)
    meter_type = models.CharField(max_length=255, blank=True)
    meter_serial_number = models.CharField(max_length=255, blank=True)
    booted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Counts its accepted boots: a repeated start belongs to the boot in which it was made.
    boot_count = models.PositiveIntegerField(default=0, editable=False)
    firmware_status = models.CharField(max_length=50, blank=True, editable=False)
    diagnostics_status = models.CharField(max_length=50, blank=True, editable=False)

    objects = ChargerQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["first_address", "created_at"],
                condition=~models.Q(first_address=""),
                name="charger_by_first_address",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "identifier"],
                condition=models.Q(deleted_at=None),
                name="charger_identifier_of_owner",
                violation_error_message="This owner has a charger with this identifier already.",
            )
        ]

    def __str__(self):
        return self.name or self.identifier

    @property
    def may_operate(self):
        """Whether anything new may be started on it."""
        return self.enabled and self.registration_status == RegistrationStatus.ACCEPTED

    @property
    def is_stranger(self):
        """Whether it entered itself, by connecting, and nobody has approved it."""
        return bool(self.first_address) and self.registration_status == RegistrationStatus.PENDING

    def spoken(self, now):
        """Return the OCPP version of the connection that it has, or "": no other can be meant meanwhile."""
        presence = getattr(self, "presence", None)
        return presence.protocol if presence is not None and presence.is_online(now) else ""

    @property
    def needs_no_password(self):
        """Whether whoever knows its name is let in as this charger."""
        return self.security_profile == 0 and not self.password_hash

    @property
    def interval(self):
        """Seconds between its heartbeats."""
        return self.heartbeat_interval or settings.CSMS_HEARTBEAT_INTERVAL


class ConnectorStatus(models.TextChoices):
    UNKNOWN = "Unknown"
    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    FAULTED = "Faulted"
    UNAVAILABLE = "Unavailable"
    RESERVED = "Reserved"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"


class Connector(models.Model):
    """A connector and its latest status and reading; (0, 0) is the whole charger.

    OCPP 1.6 knows no EVSE: its connectors have evse_id 0.
    """

    owner_path = "charger__owner"

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="connectors")
    evse_id = models.PositiveIntegerField(default=0)
    connector_id = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    status = models.CharField(max_length=20, choices=ConnectorStatus, default=ConnectorStatus.UNKNOWN)
    status_at = models.DateTimeField(null=True, blank=True)
    # Why the time of arrival stands there instead of the charger's own; "" when it does not.
    status_time_flag = models.CharField(max_length=10, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    info = models.CharField(max_length=255, blank=True)
    vendor_id = models.CharField(max_length=255, blank=True)
    vendor_error_code = models.CharField(max_length=255, blank=True)

    reading_at = models.DateTimeField(null=True, blank=True)
    register_wh = models.FloatField(null=True, blank=True)
    power_w = models.FloatField(null=True, blank=True)
    current_a = models.FloatField(null=True, blank=True)
    voltage_v = models.FloatField(null=True, blank=True)
    soc_percent = models.FloatField(null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["charger_id", "evse_id", "connector_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "evse_id", "connector_id"], name="connector_of_charger"
            )
        ]

    def __str__(self):
        return f"{self.charger} / {self.number}"

    @property
    def number(self):
        """The connector as people name it: `1` in OCPP 1.6, `1.1` (EVSE, connector) in 2.0.1."""
        return f"{self.evse_id}.{self.connector_id}" if self.evse_id else str(self.connector_id)
