"""Events by the native API: as a list, and live from a real server."""

import json
import signal
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.test import Client

from csms.models import Event
from tests.kit import live
from tokens import services

EVENTS = "/api/v1/events"


def _ids(answer):
    return [row["id"] for row in answer.json()["results"]]


@pytest.fixture
def log(owner):
    kinds = ["charger.connected", "transaction.started", "charger.connected"]
    return [Event.objects.create(owner=owner, kind=kind, charger_id=n).pk for n, kind in enumerate(kinds, 1)]


def _settled(client, query=""):
    return _ids(client.get(f"{EVENTS}{query}"))


@pytest.mark.django_db(transaction=True)
def test_list_is_oldest_first(client, log):
    """The log is read in the order in which it was written."""
    assert _settled(client) == log


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?kind=charger.connected", [0, 2]),
        ("?kind=charger.connected,transaction.started", [0, 1, 2]),
        ("?charger=2", [1]),
    ],
)
def test_filters(client, log, query, kept):
    """Kinds and a charger cut the list down."""
    assert _settled(client, query) == [log[index] for index in kept]


@pytest.mark.django_db(transaction=True)
def test_next_goes_on_after_the_last(client, log):
    """`next` is the list after the last id shown; it is null when no more is there."""
    first = client.get(f"{EVENTS}?limit=2").json()
    second = client.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == log
    assert second["next"] is None


def test_bad_cursor_is_refused(client):
    """A cursor that is no id is refused, naming the parameter."""
    answer = client.get(f"{EVENTS}?after=yesterday")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "after")


def test_stream_needs_an_asgi_server(client):
    """Where a stream cannot be served it is refused, instead of hanging."""
    assert client.get(EVENTS, HTTP_ACCEPT="text/event-stream").status_code == 406


class Stream:
    """An open stream of events from a real server."""

    def __init__(self, address, headers, path=EVENTS):
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
        self._connection.request("GET", path, headers=headers)
        self.answer = self._connection.getresponse()

    def lines_until(self, start):
        """Return the next line that begins with `start`; "" when the stream has ended."""
        while line := self.answer.readline().decode():
            if line.startswith(start):
                return line.removeprefix(start).strip()
        return ""

    def close(self):
        self.answer.close()
        self._connection.close()


@pytest.fixture
def listen(transactional_db):
    """Open streams, which are closed after the test."""
    opened = []

    def make(*arguments):
        opened.append(Stream(*arguments))
        return opened[-1]

    yield make
    for made in opened:
        made.close()


@pytest.fixture
def bearer(transactional_db, owner):
    token, secret = services.create_api_token(owner)
    return {"Authorization": f"Bearer {token.identifier}:{secret}", "Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def _module_server(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), live.server() as running:
        yield running


@pytest.fixture
def address(_module_server):
    return _module_server[0]


def test_stream_by_token(listen, address, bearer, owner):
    """An event that is committed anywhere reaches a client that listens."""
    taker = listen(address, bearer)
    taker.lines_until("id: ")
    made = Event.objects.create(owner=owner, kind="charger.connected", charger_id=5)

    event = json.loads(taker.lines_until("data: "))

    assert taker.answer.headers["Content-Type"] == "text/event-stream"
    assert (event["id"], event["kind"], event["charger"]) == (made.pk, "charger.connected", 5)


def test_stream_resumes(listen, address, bearer, log):
    """Last-Event-ID brings what was missed."""
    taker = listen(address, {**bearer, "Last-Event-ID": str(log[0])})

    seen = [json.loads(taker.lines_until("data: "))["id"] for _ in range(2)]

    assert seen == log[1:]


def test_bad_place_to_resume_is_named_as_it_came(listen, address, bearer):
    """The header, which nobody would look for under the parameter's name."""
    answer = listen(address, {**bearer, "Last-Event-ID": "yesterday"}).answer

    assert (answer.status, json.load(answer)["errors"][0]["field"]) == (400, "Last-Event-ID")


def test_stream_by_the_session_of_staff(listen, address, admin_user):
    """The admin's pages listen with their cookie, by a plain query parameter."""
    browser = Client()
    browser.force_login(admin_user)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    taker = listen(address, cookie, f"{EVENTS}/?stream=1&kind=charger.connected")
    taker.lines_until("id: ")
    Event.objects.create(kind="charger.connected")

    assert json.loads(taker.lines_until("data: "))["kind"] == "charger.connected"


def test_stream_without_a_key_is_refused(listen, address):
    """A refusal is a problem document, also when a stream was asked for."""
    refused = listen(address, {"Accept": "text/event-stream"}).answer

    assert (refused.status, refused.headers["Content-Type"]) == (401, "application/problem+json")


def test_server_stops_with_streams_open(listen, bearer):
    """A server that is told to stop ends its streams and then itself."""
    with live.server() as (address, process):
        taker = listen(address, bearer)
        taker.lines_until("id: ")

        process.terminate()

        assert taker.lines_until("data: ") == ""
        # uvicorn ends by the signal that it was sent, once it has finished.
        assert process.wait(timeout=10) in (0, -signal.SIGTERM)
