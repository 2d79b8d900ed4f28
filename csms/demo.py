"""The demo fleet of a fresh database: virtual chargers that connect over real websockets."""

import asyncio
import json
import os
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from chargers.models import Charger, Location
from chargers.services import registration
from chargers.virtual import fleet as virtual
from tokens.models import Authorization

TOKEN = "DEMO-TAG"
CHARGERS = [
    {"identifier": "DEMO-1", "name": "Entrance", "version": "1.6", "connectors": 1, "kind": "ac"},
    {"identifier": "DEMO-2", "name": "Back row", "version": "1.6", "connectors": 2, "kind": "ac"},
    {"identifier": "DEMO-3", "name": "Loading bay", "version": "1.6", "connectors": 1, "kind": "faulty"},
    {"identifier": "DEMO-4", "name": "Fast lane", "version": "2.0.1", "connectors": 1, "kind": "dc"},
    {"identifier": "DEMO-5", "name": "Visitors", "version": "2.0.1", "connectors": 1, "kind": "idle"},
]


@dataclass(frozen=True)
class Fleet:
    """The chargers of the demo with their passwords, and the token that charges at them."""

    chargers: list[dict]
    token: str = TOKEN


def prepare():
    """Return the demo fleet; None where chargers of other people's making are.

    Passwords are stored as hashes, so the fleet keeps its own in the data directory, to come
    back after a restart.
    """
    path = settings.DATA_DIR / "demo.json"
    if path.exists():
        chargers = json.loads(path.read_text())
        known = Charger.objects.alive().filter(identifier__in=[each["identifier"] for each in chargers])
        return Fleet([each for each in chargers if each["identifier"] in {row.identifier for row in known}])
    owner = registration.default_owner()
    if not settings.EMBEDDED or owner is None or Charger.objects.exists():
        return None
    chargers = [each | {"password": secrets.token_urlsafe(12)} for each in CHARGERS]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(chargers, file)
    _enter(chargers, owner)
    return Fleet(chargers)


@transaction.atomic
def _enter(chargers, owner):
    location = Location.objects.create(owner=owner, name="Demo yard", city="Utrecht", country="NLD")
    Authorization.objects.get_or_create(
        owner=owner, token_key=TOKEN.casefold(), defaults={"token": TOKEN, "description": "Demo driver"}
    )
    for each in chargers:
        charger = Charger.objects.create(
            owner=owner,
            identifier=each["identifier"],
            name=each.get("name", ""),
            location=location,
            protocol=f"ocpp{each['version']}",
        )
        registration.set_password(charger, each["password"], is_generated=True)


def run(fleet, url, stop):
    """Run the fleet against the server at `url` until `stop`, a threading.Event, is set; blocks."""
    asyncio.run(_run(fleet, url.replace("http", "ws", 1) + "/ocpp/", stop))


async def _run(fleet, url, stop):
    ended = asyncio.Event()
    task = asyncio.create_task(virtual.run(url, fleet.chargers, fleet.token, ended))
    await asyncio.to_thread(stop.wait)
    ended.set()
    await task
