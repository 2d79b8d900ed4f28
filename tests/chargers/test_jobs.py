"""What happens to chargers because time passed."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from chargers import jobs
from chargers.models import (
    ChargingLimit,
    ChargingProfile,
    Command,
    Datum,
    FailedHandshake,
    Instruction,
    Message,
    Presence,
    Reading,
)
from csms.models import Event

pytestmark = pytest.mark.django_db

NOW = timezone.now()
# Time series: on PostgreSQL whole months are dropped (tests/csms/test_partitions.py), here single rows.
SERIES = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL drops whole months")


def message(charger, at):
    return Message.objects.create(charger=charger, received_at=at, request="[]", outcome="result")


def reading(charger, at):
    return Reading.objects.create(charger=charger, received_at=at, measured_at=NOW)


def datum(charger, at):
    return Datum.objects.create(stream_id=charger.pk, received_at=at, measured_at=at)


def command(charger, at):
    return Command.objects.create(owner=charger.owner, charger=charger, created_at=at, state="completed")


def instruction(charger, at):
    return Instruction.objects.create(
        owner=charger.owner, node_id=1, topic="OCPP_v16", created_at=at, instruction_at=at, error="No."
    )


def carried_out(charger, at):
    done = command(charger, at)
    return Instruction.objects.create(
        owner=charger.owner, node_id=1, topic="OCPP_v16", created_at=at, instruction_at=at, command=done
    )


def ended_limit(charger, at):
    return ChargingLimit.objects.create(charger=charger, value=16, unit="A", created_at=at, ended_at=at)


_numbers = itertools.count(1)


def removed_profile(charger, at):
    return ChargingProfile.objects.create(
        charger=charger, profile_id=next(_numbers), state="removed", created_at=at
    )


def handshake(charger, at):
    return FailedHandshake.objects.create(
        first_at=at, last_at=at, hour=at, address="192.0.2.1", reason="unknown charger", status_code=404
    )


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        pytest.param(message, "CSMS_RETAIN_MESSAGES_DAYS", marks=SERIES),
        pytest.param(reading, "CSMS_RETAIN_READINGS_DAYS", marks=SERIES),
        pytest.param(datum, "CSMS_RETAIN_DATUM_DAYS", marks=SERIES),
        (command, "CSMS_RETAIN_COMMANDS_DAYS"),
        (instruction, "CSMS_RETAIN_COMMANDS_DAYS"),
        (carried_out, "CSMS_RETAIN_COMMANDS_DAYS"),
        (ended_limit, "CSMS_RETAIN_COMMANDS_DAYS"),
        (removed_profile, "CSMS_RETAIN_COMMANDS_DAYS"),
        (handshake, "CSMS_RETAIN_HANDSHAKES_DAYS"),
    ],
)
@pytest.mark.parametrize(("days", "kept"), [(10, 1), (0, 2)])
def test_logs_are_kept_as_long_as_their_setting_says(charger, settings, make, setting, days, kept):
    """0 keeps for ever."""
    setattr(settings, setting, days)
    old, young = make(charger, NOW - timedelta(days=11)), make(charger, NOW - timedelta(days=9))

    jobs.retain(NOW)

    rows = type(old).objects.order_by("pk")
    assert [row.pk for row in rows] == [old.pk, young.pk][-kept:]


def test_limit_in_force_is_never_forgotten(charger, settings):
    """Nor the profile that carries it, however old."""
    settings.CSMS_RETAIN_COMMANDS_DAYS = 10
    old = NOW - timedelta(days=11)
    profile = ChargingProfile.objects.create(charger=charger, profile_id=1, state="installed", created_at=old)
    ChargingLimit.objects.create(charger=charger, value=16, unit="A", created_at=old, profile=profile)

    jobs.retain(NOW)

    assert (ChargingLimit.objects.count(), ChargingProfile.objects.count()) == (1, 1)


def test_waiting_command_is_never_forgotten(charger, settings):
    """Only those that have ended are a log."""
    settings.CSMS_RETAIN_COMMANDS_DAYS = 10
    Command.objects.create(owner=charger.owner, charger=charger, created_at=NOW - timedelta(days=11))

    jobs.retain(NOW)

    assert Command.objects.count() == 1


def test_command_that_its_connection_forgot_times_out(charger):
    """Though that seems to be there."""
    token = uuid4()
    Presence.objects.create(charger=charger, token=token)
    for minutes in (9, 10):
        sent_at = NOW - timedelta(minutes=minutes)
        Command.objects.create(
            owner=charger.owner, charger=charger, state="sent", sent_at=sent_at, presence_token=token
        )

    jobs.expire_commands(NOW)

    assert list(Command.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "timed_out"]
    assert Event.objects.get().kind == "command.finished"
