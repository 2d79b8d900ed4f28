"""What the pages show in these tests: one charger that charges, and one row of everything else."""

from datetime import timedelta

from django.utils import timezone

from chargers.models import (
    Charger,
    Command,
    Connector,
    Datum,
    DatumStream,
    FailedHandshake,
    Message,
    PublishSettings,
    Reading,
    Transaction,
)
from chargers.services import device_model
from tests.chargers.admin.conftest import go_online
from tests.kit import world
from tokens import services

ANSWER = '{"currentTime":"2026-03-01T12:00:00Z"}'


def of(owner):
    """Return {model: row}, of a charger that is online and charges."""
    rows = world.of(owner)
    go_online(rows[Charger])
    Connector.objects.update(status="Charging", status_at=timezone.now(), power_w=11000)
    Command.objects.update(state="sent")
    device_model.want(rows[Charger], [{"name": "HeartbeatInterval", "value": "60"}], user=owner)
    Message.objects.update(answer=ANSWER)
    FailedHandshake.objects.update(last_at=timezone.now())
    _charge(rows[Charger], rows[Transaction])
    token, _secret = services.create_api_token(owner, description="Billing")
    waiting = Charger.objects.create(owner=owner, identifier="NEW-1", registration_status="Pending")
    return rows | {
        type(token): token,
        "pending": waiting,
        "owner": owner,
        DatumStream: _measure(rows[Charger]),
    }


def _measure(charger):
    """Return a stream with an hour of datum; its account has settings, as the charger has."""
    PublishSettings.objects.get_or_create(owner=charger.owner, charger=None)
    stream = DatumStream.objects.create(
        owner=charger.owner,
        charger=charger,
        name=f"{charger.owner_id}/1/outlet",
        node_id=1,
        source_id=f"/ocpp/cp/{charger.identifier}/1/Outlet",
    )
    now = timezone.now()
    Datum.objects.bulk_create(
        Datum(
            stream=stream,
            received_at=now,
            measured_at=now - number * timedelta(minutes=1),
            properties={
                "watts": 11000 - 40 * number,
                "wattHours": 25000 - 180 * number,
                "current_a": 15.9,
                "voltage_a": 230.1,
                "token": "TAG1",
                "sessionId": "0f8fad5b-d9cb-469f-a165-70867728950e",
                "transactionId": "17",
                "duration": 3600 - 60 * number,
            },
        )
        for number in range(60)
    )
    return stream


def _charge(charger, transaction):
    Reading.objects.bulk_create(
        Reading(
            charger=charger,
            transaction=transaction,
            received_at=timezone.now(),
            measured_at=transaction.started_at + number * timedelta(minutes=1),
            power_w=11000 - number,
            register_wh=1500 + 180 * number,
            soc_percent=20 + number,
        )
        for number in range(1, 60)
    )
