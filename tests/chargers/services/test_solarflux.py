"""SolarFlux: every datum that is to be published reaches the broker, whatever becomes of it meanwhile."""

import itertools
import logging
import shutil
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import cbor2
import orjson
import pytest
from django.db import connection
from django.utils import timezone

import chargers.jobs
from chargers.models import Datum, DatumStream
from chargers.services import solarflux
from csms import jobs, mqtt
from csms.models import Cursor
from tests import services
from tests.chargers.conftest import NOW
from tests.kit import broker as brokers

pytestmark = [pytest.mark.mqtt, pytest.mark.django_db]


@pytest.fixture
def stream(owner):
    """A stream of a source of its own: other checkouts test with the same broker."""
    source = f"/test/{uuid.uuid4().hex}"
    return DatumStream.objects.create(owner=owner, name=source, node_id=12, source_id=source)


@pytest.fixture
def add(stream):
    """Return a function that writes datum of the stream, one each second, numbered."""
    numbers = itertools.count()

    def write(count=1, **attributes):
        return [_datum(stream, next(numbers), attributes) for _ in range(count)]

    # Else who begins to publish begins with what comes next.
    Cursor.objects.create(name=solarflux.CURSOR, position=0)
    return write


def _datum(stream, number, attributes):
    values = {"properties": {"n": number}, "received_at": timezone.now(), **attributes}
    return Datum.objects.create(stream=stream, measured_at=NOW + timedelta(seconds=number), **values)


@pytest.fixture
def listener(transactional_db, settings, stream):
    """Who hears of the stream on the machine's broker; nothing is settled within an open transaction."""
    settings.MQTT_URL = services.MQTT_URL
    with brokers.subscribed(services.MQTT_URL, f"user/+/node/+/datum/0{stream.source_id}") as subscriber:
        yield subscriber


@pytest.fixture
def program(transactional_db):
    """The program of a broker that may be stopped."""
    if not brokers.PROGRAM:
        pytest.skip("needs mosquitto's program, to stop and start it")


@pytest.fixture
def broker(settings, program, tmp_path):
    """A broker that may be stopped."""
    broker = brokers.Broker(tmp_path)
    broker.start()
    settings.MQTT_URL = broker.url
    yield broker
    broker.stop()


@pytest.fixture
def quick(monkeypatch):
    """Publish what comes at once, in small pages, and look for a lost broker often."""
    monkeypatch.setattr(solarflux, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(solarflux, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(solarflux, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(solarflux, "PAGE", 3)


@contextmanager
def at_work():
    """Publish in a thread, as a worker does, while the block runs."""
    stop = threading.Event()

    def work():
        try:
            solarflux.publish(stop)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
            done.result(30)


def reach(row):
    """Wait until the cursor stands at `row`."""
    deadline = time.monotonic() + 20
    while position() != row.pk:
        assert time.monotonic() < deadline, "it was not published"
        time.sleep(0.02)


def position():
    return Cursor.objects.get(name=solarflux.CURSOR).position


def numbers(listener, count):
    """Return the numbers of the next datum that are heard."""
    return [cbor2.loads(heard.payload)["n"] for heard in listener.hear(count)]


# What is published ------------------------------------------------------------------------------


@pytest.mark.spec("solar-ocpp", "SolarFlux")
def test_what_is_received_is_the_stored_datum(listener, add, stream):
    """As a CBOR map under SolarNetwork's topic (section 6.3)."""
    (row,) = add(properties={"watts": 7200, "temp": 21.5, "token": "TAG1"})

    solarflux.publish()

    (heard,) = listener.hear()
    assert heard.topic == f"user/{stream.owner_id}/node/12/datum/0{stream.source_id}"
    assert not heard.is_retained
    assert list(cbor2.loads(heard.payload).items())[:3] == [
        ("created", round(NOW.timestamp() * 1000)),
        ("nodeId", 12),
        ("sourceId", stream.source_id),
    ]
    assert cbor2.loads(heard.payload).items() >= row.properties.items()
    assert position() == row.pk


def test_payload_may_be_json(listener, add, settings, stream):
    """For subscribers that have no CBOR."""
    settings.CSMS_MQTT_PAYLOAD = "json"
    add()
    solarflux.publish()
    (heard,) = listener.hear()
    created = round(NOW.timestamp() * 1000)
    assert orjson.loads(heard.payload) == {
        "created": created,
        "nodeId": 12,
        "sourceId": stream.source_id,
        "n": 0,
    }


def test_wildcards_of_a_source_are_none_of_the_topic():
    """A broker throws out who publishes to a pattern; the payload has the source as it is."""
    topic, payload = solarflux.message(NOW, {}, 1, 2, "/a+b/#")
    assert topic == "user/1/node/2/datum/0/a_b/_"
    assert cbor2.loads(payload)["sourceId"] == "/a+b/#"


@pytest.mark.parametrize("odd", "\0 \n \x7f \x85 \ufdd0 \ufffe \U0001ffff".split(" "), ids=ascii)
def test_letters_at_which_brokers_hang_up_are_none_of_the_topic(odd):
    """Else one such source, or a charger that names such a place, would stop the datum of all."""
    topic, payload = solarflux.message(NOW, {}, 1, 2, f"/a{odd}b")
    assert topic == "user/1/node/2/datum/0/a_b"
    assert cbor2.loads(payload)["sourceId"] == f"/a{odd}b"


def test_odd_source_is_published_like_any_other(broker, add, stream):
    """A broker takes whatever is a source ID."""
    odd = "".join(map(chr, [*range(1, 0x300), 0xFDD0, 0xFFFE, 0xFFFF, 0x1FFFE, 0x2028, 0x202E]))
    sources = [odd[first : first + 40] for first in range(0, len(odd), 40)]
    for source in sources:
        other = DatumStream.objects.create(
            owner=stream.owner, name=f"odd {source}", node_id=1, source_id=source
        )
        _datum(other, 0, {})
    (last,) = add()
    solarflux.publish()
    assert position() == last.pk


def test_only_what_is_to_be_published_is(listener, add):
    """The cursor moves over the rest."""
    add(is_published=False)
    add()
    (last,) = add(is_published=False)
    solarflux.publish()
    assert numbers(listener, 1) == [1]
    assert position() == last.pk


def test_pages_follow_each_other_in_order(listener, add, quick):
    """No more than a page is in memory, and a source keeps its order."""
    add(8)
    solarflux.publish()
    assert numbers(listener, 8) == list(range(8))


def test_nothing_is_published_twice(listener, add):
    """Not without need."""
    add(2)
    solarflux.publish()
    solarflux.publish()
    add()
    solarflux.publish()
    assert numbers(listener, 3) == [0, 1, 2]


# Where it begins --------------------------------------------------------------------------------


def test_beginner_begins_with_what_comes_next(listener, add):
    """Who sets MQTT_URL after years is not flooded with them."""
    add(2)
    solarflux.forget()
    solarflux.publish()
    add()
    solarflux.publish()
    assert numbers(listener, 1) == [2]


def test_beginning_does_not_wait_for_the_broker(settings, add):
    """What comes while it cannot be reached for the first time is not lost either."""
    add()
    solarflux.forget()
    settings.MQTT_URL = "mqtt://127.0.0.1:1"
    with pytest.raises(mqtt.Error):
        solarflux.publish()
    (waiting,) = add()
    assert Datum.objects.get(pk__gt=position()) == waiting


def test_job_forgets_its_place_without_a_broker(settings, add):
    """So that a broker that is named later starts afresh."""
    settings.MQTT_URL = ""
    chargers.jobs.publish_datum(NOW)
    assert not Cursor.objects.exists()


# What goes wrong --------------------------------------------------------------------------------


def test_broker_that_was_away_misses_nothing(broker, add):
    """Every row, in the order in which they were written."""
    with brokers.subscribed(broker.url) as subscriber:
        add(2)
        solarflux.publish()
        broker.stop()
        add(3)
        with pytest.raises(mqtt.Error):
            solarflux.publish()
        broker.start()
        subscriber.wait_until_subscribed()
        solarflux.publish()
        assert numbers(subscriber, 5) == list(range(5))
        assert subscriber.has_heard_all()


def test_worker_finds_the_broker_again(broker, add, quick):
    """Whether it is lost on the way or was not there at all."""
    with at_work():
        reach(add(2)[-1])
        broker.stop()
        last = add(3)[-1]
        broker.start()
        reach(last)


def test_what_is_not_acknowledged_is_sent_again(settings, add, listener, monkeypatch, quick):
    """The cursor moves over what the broker has taken; until then no more than a page is sent."""
    monkeypatch.setattr(mqtt, "ACKNOWLEDGE_SECONDS", 0.3)
    rows = add(6)
    deaf = brokers.Deaf()
    settings.MQTT_URL = deaf.url
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(deaf.serve_one)
        with pytest.raises(mqtt.Error):
            solarflux.publish()
        size = heard.result(10)
    deaf.close()
    assert position() == 0
    assert size < 4 * sum(
        map(len, solarflux.message(NOW, rows[0].properties, 1, 12, rows[0].stream.source_id))
    )

    settings.MQTT_URL = services.MQTT_URL
    solarflux.publish()
    assert numbers(listener, 6) == list(range(6))


def test_two_at_once_leave_nothing_out(listener, add, quick):
    """The lease keeps a second worker out; where that failed the cursor neither goes back nor skips."""
    rows = add(60)
    with at_work(), at_work():
        reach(rows[-1])
    heard = {}
    while len(heard) < len(rows):
        heard.setdefault(*numbers(listener, 1))
    assert list(heard) == list(range(60))


def test_of_two_workers_one_publishes_until_it_ends(listener, add, quick):
    """The job runs as long as its worker, its lease keeps the other out, and both end when told to."""
    add(5)
    stop = threading.Event()
    workers = [threading.Thread(target=jobs.run_forever, args=(stop, uuid.uuid4())) for _ in range(2)]
    for worker in workers:
        worker.start()
    reach(add(5)[-1])
    stop.set()
    for worker in workers:
        worker.join(20)
    assert numbers(listener, 10) == list(range(10))
    assert listener.has_heard_all()
    assert not any(worker.is_alive() for worker in workers)


# Accounts, TLS ----------------------------------------------------------------------------------


def test_password_of_the_url_is_used(settings, program, tmp_path, add):
    """With what a URL cannot hold percent-encoded; a wrong one is an error."""
    tool = shutil.which("mosquitto_passwd", path="/usr/bin:/usr/local/bin") or pytest.skip(
        "no mosquitto_passwd"
    )
    accounts = tmp_path / "accounts"
    subprocess.run([tool, "-c", "-b", accounts, "flux", "p@ss/word"], check=True, capture_output=True)
    accounts.chmod(0o644)
    broker = brokers.Broker(tmp_path, ["allow_anonymous false", f"password_file {accounts}"])
    broker.start()
    (row,) = add()
    try:
        settings.MQTT_URL = broker.url.replace("//", "//flux:wrong@")
        with pytest.raises(mqtt.Error, match=r"[Nn]ot authori[sz]ed"):
            solarflux.publish()
        settings.MQTT_URL = broker.url.replace("//", "//flux:p%40ss%2Fword@")
        solarflux.publish()
    finally:
        broker.stop()
    assert position() == row.pk


def test_broker_with_tls_must_be_who_it_says(settings, program, tmp_path, add, monkeypatch):
    """mqtts:// believes the certificates that the machine believes."""
    pem = tmp_path / "server.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command = ["openssl", "req", *options.split(), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", pem, "-out", tmp_path / "ca.pem"], check=True, capture_output=True)
    lines = ["allow_anonymous true", f"certfile {tmp_path / 'ca.pem'}", f"keyfile {pem}"]
    broker = brokers.Broker(tmp_path, lines)
    broker.start()
    settings.MQTT_URL = f"mqtts://localhost:{broker.port}"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (row,) = add()
    try:
        solarflux.publish()
    finally:
        broker.stop()
    assert position() == row.pk


def test_url_is_not_logged(settings, caplog):
    """It holds the password."""
    settings.MQTT_URL = "mqtt://user:secret@127.0.0.1:1"
    stop = threading.Event()
    stop.set()
    with caplog.at_level(logging.DEBUG):
        solarflux.publish(stop)
    assert "the MQTT broker is away" in caplog.text
    assert "secret" not in caplog.text


def test_host_that_is_no_name_is_an_error_like_any_other(settings, add):
    """The worker tries again, and says so."""
    settings.MQTT_URL = "mqtt://a..b"
    with pytest.raises(mqtt.Error, match="its host is no name"):
        solarflux.publish()


# What is kept -----------------------------------------------------------------------------------


def test_lag_is_the_age_of_the_oldest_that_waits(add):
    """For /metrics: how far the broker is behind."""
    assert solarflux.lag_seconds(NOW) == 0
    add(received_at=NOW - timedelta(seconds=90))
    add(received_at=NOW)
    assert solarflux.lag_seconds(NOW) == 90
    solarflux.forget()
    assert solarflux.lag_seconds(NOW) is None


@pytest.mark.parametrize(("has_cursor", "left"), [(True, [2, 3, 4]), (False, [2, 4])])
def test_datum_that_were_only_published_are_dropped_after_a_day(add, has_cursor, left):
    """Once the broker has them; where there is none, nobody waits for them."""
    old, young = NOW - timedelta(hours=25), NOW - timedelta(hours=23)
    first = [*add(2, is_stored=False, received_at=old), *add(is_stored=False, received_at=young)][1]
    add(is_stored=False, received_at=old)
    add(received_at=old)
    Cursor.objects.update(position=first.pk)
    if not has_cursor:
        solarflux.forget()

    solarflux.drop_unstored(NOW)

    assert sorted(row.properties["n"] for row in Datum.objects.all()) == left
