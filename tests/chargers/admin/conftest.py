"""People who use the admin, and a charger that is online."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from chargers.models import Charger, Connector, Presence
from csms.models import ServerProcess


@pytest.fixture
def staff(django_user_model):
    """A member of staff who owns things, with every permission, yet no superuser."""
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def as_staff(client, staff):
    client.force_login(staff)
    return client


def go_online(charger):
    """Let `charger` look connected, to a process that is not this one."""
    now = timezone.now()
    process = ServerProcess.objects.create(name="elsewhere", kind="web")
    Presence.objects.update_or_create(
        charger=charger,
        defaults={
            "process": process,
            "token": uuid.uuid4(),
            "protocol": charger.protocol,
            "connected_at": now,
            "last_frame_at": now,
            "expires_at": now + timedelta(hours=1),
        },
    )
    return charger


@pytest.fixture
def charger(staff):
    """An online OCPP 1.6 charger of the staff member with one connector."""
    charger = Charger.objects.create(owner=staff, identifier="CP-1", name="Harbour 1")
    Connector.objects.create(charger=charger, connector_id=0)
    Connector.objects.create(charger=charger, connector_id=1, status="Available")
    return go_online(charger)
