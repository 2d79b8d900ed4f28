"""One row of everything for one owner, so that a test can try whether another may reach it."""

import uuid
from datetime import UTC, datetime

from chargers.models import (
    ActionStatus,
    Charger,
    ChargingLimit,
    ChargingNeeds,
    ChargingProfile,
    Command,
    CompositeSchedule,
    Connector,
    ExternalLimit,
    FailedHandshake,
    Instruction,
    Location,
    Message,
    PublishSettings,
    Reading,
    Report,
    StopReport,
    Transaction,
    Variable,
)
from csms.models import Event
from tokens.models import Authorization, Credential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def of(owner):
    """Make a row of every model that our APIs show; return {model: row}."""
    name = owner.username
    location = Location.objects.create(owner=owner, name=f"Site of {name}")
    charger = Charger.objects.create(owner=owner, identifier=f"CP-{name}", location=location)
    transaction = Transaction.objects.create(
        owner=owner, charger=charger, protocol="ocpp1.6", started_at=NOON, id_token=f"tag-{name}"
    )
    rows = [location, charger, transaction, *_of_charger(charger, transaction)]
    rows.append(Authorization.objects.create(owner=owner, token=f"tag-{name}"))
    rows.append(Credential.objects.create(owner=owner, username=f"login-{name}"))
    rows.append(Event.objects.create(owner=owner, kind="charger.connected", charger_id=charger.pk))
    return {type(row): row for row in rows}


def _of_charger(charger, transaction):
    yield ActionStatus.objects.create(charger=charger, action="Heartbeat", seen_at=NOON)
    yield PublishSettings.objects.create(owner=charger.owner, charger=charger, source_id_template="/a")
    yield Connector.objects.create(charger=charger, connector_id=1)
    yield Variable.objects.create(charger=charger, name="HeartbeatInterval", value="300", reported_at=NOON)
    yield Report.objects.create(charger=charger, kind="variables", request_id=1, opened_at=NOON)
    yield CompositeSchedule.objects.create(
        charger=charger,
        state="known",
        unit="A",
        starts_at=NOON,
        duration=600,
        periods=[{"start": 0, "limit": 16.0, "phases": 3}, {"start": 300, "limit": 10.0, "phases": None}],
        fetched_at=NOON,
    )
    yield Command.objects.create(owner=charger.owner, charger=charger, action="Reset")
    yield Instruction.objects.create(
        owner=charger.owner, node_id=1, topic="OCPP_v16", instruction_at=NOON, error="No action."
    )
    yield Message.objects.create(
        charger=charger,
        received_at=NOON,
        origin="charger",
        action="Heartbeat",
        request="{}",
        outcome="result",
    )
    yield Reading.objects.create(
        charger=charger, transaction=transaction, received_at=NOON, measured_at=NOON, register_wh=1500
    )
    yield from _smart_charging(charger)
    yield StopReport.objects.create(
        charger=charger,
        reported_id="4711",
        cause=StopReport.Cause.UNKNOWN,
        received_at=NOON,
        payload={"transactionId": 4711, "meterStop": 1500},
    )
    yield FailedHandshake.objects.create(
        charger=charger,
        first_at=NOON,
        last_at=NOON,
        hour=NOON,
        address="192.0.2.1",
        identifier=charger.identifier,
        path="/ocpp/x",
        reason="wrong password",
        status_code=401,
    )


def _smart_charging(charger):
    profile = ChargingProfile.objects.create(
        charger=charger,
        connector_id=1,
        profile_id=1001,
        purpose="TxDefaultProfile",
        kind="Absolute",
        state="installed",
        installed={"id": 1001},
        installed_at=NOON,
    )
    yield profile
    yield ChargingLimit.objects.create(charger=charger, connector_id=1, value=16, unit="A", profile=profile)
    yield ExternalLimit.objects.create(charger=charger, source="SO", told_at=NOON)
    yield ChargingNeeds.objects.create(charger=charger, evse_id=1)


# What has to differ between rows of one owner or one charger.
_UNIQUE = {
    Location: ["name"],
    Charger: ["identifier"],
    Connector: ["evse_id"],
    CompositeSchedule: ["evse_id"],
    Variable: ["name"],
    Transaction: ["uuid"],
    FailedHandshake: ["address"],
    ActionStatus: ["evse_id"],
    ChargingProfile: ["profile_id"],
    ChargingLimit: ["evse_id"],
    ExternalLimit: ["evse_id"],
    ChargingNeeds: ["evse_id"],
    Authorization: ["token"],
    Credential: ["username"],
}


def multiply(row, count):
    """Make `count` more rows like `row`."""
    for number in range(1, count + 1):
        row.pk = None
        row._state.adding = True
        for field in _UNIQUE.get(type(row), ()):
            setattr(row, field, _other(row, field, number))
        row.save()


def _other(row, field, number):
    if field == "uuid":
        return uuid.uuid4()
    return number + 1 if field in ("evse_id", "profile_id") else f"another {number}"
