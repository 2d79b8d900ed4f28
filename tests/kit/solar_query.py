"""SolarQuery from the outside: streams with datum, and clients that ask for them."""

from datetime import UTC, datetime, timedelta

from rest_framework.test import APIClient

from chargers.models import Datum, DatumStream
from tokens import services

BASE = "/solarquery/api/v1/sec"
LIST, RECENT = f"{BASE}/datum/list", f"{BASE}/datum/mostRecent"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days"))


def stream(owner, source_id, *, node_id=7, charger=None):
    name = f"{owner.pk}/{node_id}/{source_id}"
    return DatumStream.objects.create(
        owner=owner, name=name, node_id=node_id, source_id=source_id, charger=charger
    )


def write(row, at, *, is_stored=True, **properties):
    return Datum.objects.create(
        stream=row, received_at=at, measured_at=at, properties=properties, is_stored=is_stored
    )


def client_of(owner, **options):
    token, secret = services.create_api_token(owner, **options)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.identifier}:{secret}")
    return client


def results(client, path=LIST, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["results"]


def sources(client, path=LIST, **query):
    return [row["sourceId"] for row in results(client, path, **query)]


def refusal(client, path=LIST, **query):
    answer = client.get(path, query)
    assert answer.json()["success"] is False
    assert list(answer.json()) == ["success", "message"]
    return answer.status_code, answer.json()["message"]
