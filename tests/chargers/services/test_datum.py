"""Datum: what chargers measured, by stream and time, whatever the order in which it came."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.db import transaction as database
from django.test.utils import CaptureQueriesContext

from chargers.batch import open_batch
from chargers.models import Charger, Datum, DatumStream, PublishSettings, Reading, Transaction
from chargers.ocpp import works
from chargers.services import transactions
from chargers.wire.validation import V16, V201
from tests.chargers.conftest import NOW

pytestmark = pytest.mark.django_db

START = "2026-11-21T11:00:00Z"
OUTLET = "/ocpp/cp/CP-1/1/Outlet"


def stored():
    """Return {source: {time of day: properties}} of all that is stored."""
    found = {}
    for row in Datum.objects.select_related("stream").order_by("measured_at"):
        found.setdefault(row.stream.source_id, {})[f"{row.measured_at:%H:%M:%S}"] = row.properties
    return found


def values(*samples, at="2026-11-21T11:10:00Z", **members):
    """Return a MeterValues of connector 1 with one meterValue."""
    return {"connectorId": 1, **members, "meterValue": [{"timestamp": at, "sampledValue": list(samples)}]}


def register(wh, **members):
    return {"value": str(wh), **members}


POWER = {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"}


@pytest.fixture
def session(tell, driver):
    """A running 1.6 transaction of connector 1."""
    tell("StartTransaction", {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": START})
    return Transaction.objects.get()


def named(session):
    return {"token": "TAG1", "sessionId": str(session.uuid), "transactionId": str(session.pk)}


@pytest.mark.spec("solar-ocpp", "Datum")
def test_session_becomes_datum(tell, session):
    """Its start, its values and its end, each with whose session it is (section 6.1)."""
    tell("MeterValues", values(register(1500), POWER, transactionId=session.pk))
    stop = {
        "transactionId": session.pk,
        "idTag": "TAG1",
        "meterStop": 1600,
        "timestamp": "2026-11-21T11:20:00Z",
    }
    tell("StopTransaction", {**stop, "reason": "Remote"})

    end = {"endDate": 1795260000000, "endToken": "TAG1", "endReason": "Remote"}
    assert stored() == {
        OUTLET: {
            "11:00:00": {"wattHours": 1000, **named(session), "duration": 0},
            "11:10:00": {"wattHours": 1500, "watts": 7200, **named(session), "duration": 600},
            "11:20:00": {"wattHours": 1600, **named(session), **end, "duration": 1200},
        }
    }


def test_values_of_the_stop_are_datum(tell, session):
    """transactionData is measured like any other value."""
    data = values(register(1400), at="2026-11-21T11:05:00.5Z")["meterValue"]
    stop = {"transactionId": session.pk, "meterStop": 1600, "timestamp": "2026-11-21T11:20:00Z"}
    tell("StopTransaction", {**stop, "transactionData": data})

    found = stored()[OUTLET]
    assert found["11:05:00"] == {"wattHours": 1400, **named(session), "duration": 300}
    assert found["11:20:00"]["endReason"] == "Local"
    assert "endToken" not in found["11:20:00"]


def test_values_without_a_transaction_have_no_session(tell):
    tell("MeterValues", values(register(1500)))
    assert stored() == {OUTLET: {"11:10:00": {"wattHours": 1500}}}


def test_each_place_has_a_source(tell):
    """The location is part of the built-in template."""
    tell("MeterValues", values(POWER, {"value": "80", "measurand": "SoC", "location": "EV"}))
    assert stored() == {
        OUTLET: {"11:10:00": {"watts": 7200}},
        "/ocpp/cp/CP-1/1/EV": {"11:10:00": {"soc": 80}},
    }


def test_places_that_share_a_source_are_one_datum(tell, charger):
    """And the outlet has the last word."""
    PublishSettings.objects.create(
        owner=charger.owner, charger=charger, source_id_template="/c/{connectorId}"
    )
    inlet = {**POWER, "location": "Inlet"}
    tell(
        "MeterValues",
        values(POWER, {**inlet, "value": "7.5"}, {"value": "80", "measurand": "SoC", "location": "EV"}),
    )
    assert stored() == {"/c/1": {"11:10:00": {"soc": 80, "watts": 7200}}}


def test_phase_in_the_template_makes_a_source_of_each(tell, charger):
    """The name of the property then goes without."""
    PublishSettings.objects.create(owner=charger.owner, source_id_template="/c/{connectorId}/{phase}")
    amps = [
        {"value": str(value), "measurand": "Current.Import", "phase": phase}
        for value, phase in ((16, "L1"), (15, "L2"))
    ]
    tell("MeterValues", values(*amps, POWER))
    found = {source: times["11:10:00"] for source, times in stored().items()}
    assert found == {"/c/1/a": {"current": 16}, "/c/1/b": {"current": 15}, "/c/1": {"watts": 7200}}


def test_template_of_which_nothing_is_left_gives_way_to_the_built_in_one(tell, charger):
    PublishSettings.objects.create(owner=charger.owner, source_id_template="{phase}")
    tell("MeterValues", values(POWER))
    assert list(stored()) == [OUTLET]


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    "odd",
    [
        {"value": 999999999999, "measurand": "Voltage", "unitOfMeasure": {"unit": "V", "multiplier": 12}},
        {"value": 1e11, "measurand": "Voltage", "unit": 7},
        {"value": 5, "measurand": "Voltage", "unitOfMeasure": {"unit": ["V"], "multiplier": "3"}},
    ],
    ids=str,
)
def test_odd_sample_refuses_no_message(tell, odd, version):
    """It is stored as it was sent, and what stands beside it is measured."""
    place = {"connectorId": 1} if version == V16 else {"evseId": 1}
    tell("MeterValues", values({"value": 80, "measurand": "SoC"}, odd) | place, version=version)
    (times,) = stored().values()
    assert times["11:10:00"]["soc"] == 80
    assert Reading.objects.get().samples[1] == odd


@pytest.mark.spec("solar-ocpp", "Charger settings")
@pytest.mark.parametrize("flags", [(True, True), (True, False), (False, True), (False, False)])
def test_flags_say_where_datum_go(tell, charger, flags):
    """Nothing is written that is to go nowhere."""
    PublishSettings.objects.create(
        owner=charger.owner, charger=charger, publish_to_solar_in=flags[0], publish_to_solar_flux=flags[1]
    )
    tell("MeterValues", values(register(1500)))
    tell("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"})
    assert set(Datum.objects.values_list("is_stored", "is_published")) == ({flags} if any(flags) else set())
    assert DatumStream.objects.exists() is any(flags)


def test_stream_is_named_by_owner_node_and_source(tell, charger):
    """And made once."""
    Charger.objects.filter(pk=charger.pk).update(node_id=12)
    tell("MeterValues", values(register(1500)))
    tell("MeterValues", values(register(1600), at="2026-11-21T11:11:00Z"))
    stream = DatumStream.objects.get()
    assert (stream.name, stream.node_id, stream.source_id) == (f"{charger.owner_id}/12/{OUTLET}", 12, OUTLET)
    assert (stream.owner, stream.charger) == (charger.owner, charger)


def test_stream_of_several_chargers_tells_the_last_one(tell, charger):
    PublishSettings.objects.create(owner=charger.owner, source_id_template="/all")
    other = Charger.objects.create(owner=charger.owner, identifier="CP-2")
    tell("MeterValues", values(register(1500)))
    tell("MeterValues", values(POWER), to=other)
    assert stored() == {"/all": {"11:10:00": {"wattHours": 1500, "watts": 7200}}}
    assert DatumStream.objects.get().charger == other


def test_accounts_never_share_a_stream(tell, charger, stranger):
    """Not even on a node of the same number."""
    foreign = Charger.objects.create(owner=stranger, identifier=charger.identifier)
    tell("MeterValues", values(register(1500)))
    tell("MeterValues", values(register(9)), to=foreign)
    rows = Datum.objects.values_list("stream__owner__username", "properties__wattHours")
    assert set(rows) == {("owner", 1500), ("stranger", 9)}


def test_repeat_changes_nothing(tell):
    """A charger that heard no answer says it again; takers need not hear it again."""
    tell("MeterValues", values(register(1500), POWER))
    before = list(Datum.objects.values())
    tell("MeterValues", values(register(1500), POWER), now=NOW + timedelta(minutes=1))
    assert list(Datum.objects.values()) == before


def test_late_value_of_the_same_time_is_added_under_a_new_id(tell):
    """Takers that go by id see the whole datum again."""
    tell("MeterValues", values(register(1500)))
    first = Datum.objects.get()
    tell("MeterValues", values(register(1510, measurand="Energy.Active.Import.Register"), POWER))
    row = Datum.objects.get()
    assert row.pk > first.pk
    assert row.properties == {"wattHours": 1510, "watts": 7200}


MINUTES = [(f"2026-11-21T11:0{minute}:00Z", 1000 + 100 * minute) for minute in (1, 2, 3)]


@pytest.mark.parametrize("order", list(permutations(MINUTES)))
def test_order_of_arrival_does_not_matter(tell, session, order):
    """Values replayed from a time offline are true to when they were measured."""
    for at, wh in [*order, order[0]]:
        tell("MeterValues", values(register(wh), at=at, transactionId=session.pk))
    found = {time: (row["wattHours"], row["duration"]) for time, row in stored()[OUTLET].items()}
    assert found == {
        "11:00:00": (1000, 0),
        "11:01:00": (1100, 60),
        "11:02:00": (1200, 120),
        "11:03:00": (1300, 180),
    }


def test_messages_of_one_commit_are_one_datum(charger):
    """Rows of the same stream and time are merged before they are written."""
    with database.atomic(), open_batch([charger.pk]) as batch:
        batch.now = NOW
        handle = works.HANDLERS[V16]["MeterValues"]
        for payload in (values(register(1500)), values(POWER), values(register(1501))):
            handle(batch.chargers[charger.pk], payload)
    assert stored() == {OUTLET: {"11:10:00": {"wattHours": 1501, "watts": 7200}}}


def test_rolled_back_stream_is_not_remembered(charger):
    """The id of a stream that was never committed must not be used."""
    handle = works.HANDLERS[V16]["MeterValues"]

    def take(fails):
        with database.atomic(), open_batch([charger.pk]) as batch:
            batch.now = NOW
            handle(batch.chargers[charger.pk], values(register(1500)))
            batch.flush()
            assert not fails, "the commit failed"

    with pytest.raises(AssertionError, match="the commit failed"):
        take(fails=True)
    take(fails=False)
    assert Datum.objects.get().stream == DatumStream.objects.get()


def test_queries_of_a_commit_do_not_grow(owner):
    """Settings, streams and rows are read and written for all chargers at once."""
    rows = [Charger.objects.create(owner=owner, identifier=f"CP-{number}") for number in range(5)]

    def take(chargers, at):
        opening = open_batch([row.pk for row in chargers])
        with CaptureQueriesContext(connection) as queries, database.atomic(), opening as batch:
            batch.now = NOW
            for row in chargers:
                works.HANDLERS[V16]["MeterValues"](batch.chargers[row.pk], values(register(1500), at=at))
        return len(queries)

    take(rows, "2026-11-21T11:09:00Z")
    assert take(rows[:1], "2026-11-21T11:10:00Z") == take(rows, "2026-11-21T11:11:00Z")
    assert Datum.objects.count() == 11


def test_refused_start_is_no_session(tell):
    """Its register starts nothing."""
    tell("StartTransaction", {"connectorId": 1, "idTag": "UNKNOWN", "meterStart": 5, "timestamp": START})
    assert stored() == {}


def test_repeated_stop_ends_once(tell, session):
    """What a second stop says of the end is evidence, not datum."""
    stop = {"transactionId": session.pk, "meterStop": 1600, "timestamp": "2026-11-21T11:20:00Z"}
    tell("StopTransaction", stop)
    before = stored()
    tell("StopTransaction", {**stop, "meterStop": 1700, "timestamp": "2026-11-21T11:30:00Z"})
    assert stored() == before


def test_assumed_end_is_not_told(tell, session):
    """Nobody measured it; the real one is, when it comes after all."""
    transactions.assume_end(session.charger, session)
    assert list(stored()[OUTLET]) == ["11:00:00"]
    tell(
        "StopTransaction",
        {"transactionId": session.pk, "meterStop": 1600, "timestamp": "2026-11-21T11:20:00Z"},
    )
    assert stored()[OUTLET]["11:20:00"]["wattHours"] == 1600


# OCPP 2.0.1 ------------------------------------------------------------------------------------


def event(kind, seq_no, at, wh, **members):
    sample = {"value": wh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"},
        "evse": {"id": 2, "connectorId": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        **members,
    }


TOKEN = {"idToken": {"idToken": "TAG1", "type": "ISO14443"}}


def test_transaction_events_become_datum(tell, driver):
    """The station's own transaction id, the EVSE in the source."""
    tell("TransactionEvent", event("Started", 0, START, 1000, **TOKEN), version=V201)
    tell("TransactionEvent", event("Ended", 1, "2026-11-21T11:20:00Z", 1600), version=V201)
    row = Transaction.objects.get()
    session = {"token": "TAG1", "sessionId": str(row.uuid), "transactionId": "T1"}
    assert stored() == {
        "/ocpp/cp/CP-1/2.1/Outlet": {
            "11:00:00": {"wattHours": 1000, **session, "duration": 0},
            "11:20:00": {
                "wattHours": 1600,
                **session,
                "duration": 1200,
                "endDate": 1795260000000,
                "endReason": "Local",
            },
        }
    }


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_durations_are_true_however_late_the_start_comes(tell, driver, order):
    """A transaction that turns out to have begun earlier has its datum put right."""
    events = [
        event("Started", 0, START, 1000, **TOKEN),
        event("Updated", 1, "2026-11-21T11:05:00Z", 1100),
        event("Updated", 2, "2026-11-21T11:10:00Z", 1200),
    ]
    for number in order:
        tell("TransactionEvent", events[number], version=V201)
    found = {
        time: (row["wattHours"], row["duration"])
        for time, row in stored()["/ocpp/cp/CP-1/2.1/Outlet"].items()
    }
    assert found == {"11:00:00": (1000, 0), "11:05:00": (1100, 300), "11:10:00": (1200, 600)}


# Status ----------------------------------------------------------------------------------------


def report(at="2026-11-21T11:10:00Z", **members):
    return {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "timestamp": at, **members}


@pytest.mark.spec("solar-ocpp", "Status datum")
def test_status_becomes_datum(tell, session):
    """Under a source without location, with the session that runs (section 6.2)."""
    more = {"info": "hot", "vendorId": "V", "vendorErrorCode": "17"}
    tell("StatusNotification", report(errorCode="HighTemperature", **more))
    assert stored()["/ocpp/cp/CP-1/1/status"] == {
        "11:10:00": {
            "status": "Charging",
            "errorCode": "HighTemperature",
            **more,
            "sessionId": str(session.uuid),
            "transactionId": str(session.pk),
        }
    }


def test_status_from_before_the_session_does_not_name_it(tell, session):
    tell("StatusNotification", report("2026-11-21T10:59:59Z"))
    assert stored()["/ocpp/cp/CP-1/1/status"] == {"10:59:59": {"status": "Charging"}}


def test_second_status_of_the_same_time_is_the_whole(tell):
    """An error that is over does not linger in the datum of its second."""
    tell("StatusNotification", report(errorCode="HighTemperature"))
    tell("StatusNotification", report(status="Available"))
    assert stored() == {"/ocpp/cp/CP-1/1/status": {"11:10:00": {"status": "Available"}}}


def test_status_of_2_0_1_names_the_evse(tell):
    status = {"timestamp": START, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1}
    tell("StatusNotification", status, version=V201)
    assert stored() == {"/ocpp/cp/CP-1/2.1/status": {"11:00:00": {"status": "Occupied"}}}


def test_time_of_arrival_stands_in_for_a_wrong_clock(tell):
    """As it does for readings."""
    tell("MeterValues", values(register(1500), at="1970-01-01T00:00:00Z"))
    assert Datum.objects.get().measured_at == NOW == datetime.fromisoformat("2026-11-21T12:00:00Z")


@pytest.mark.parametrize(
    "order", [("StatusNotification", "MeterValues"), ("MeterValues", "StatusNotification")]
)
def test_streams_are_made_in_one_order_whatever_came_first(charger, order):
    """Lanes that share new streams would else wait for each other until the database ends one of them."""
    payloads = {"StatusNotification": report(), "MeterValues": values(register(1500))}
    with database.atomic(), open_batch([charger.pk]) as batch:
        batch.now = NOW
        for action in order:
            works.HANDLERS[V16][action](batch.chargers[charger.pk], payloads[action])
    assert list(DatumStream.objects.order_by("pk").values_list("source_id", flat=True)) == [
        OUTLET,
        "/ocpp/cp/CP-1/1/status",
    ]


@pytest.mark.postgres
def test_planner_is_left_as_it_was(tell):
    """What is switched off for a walk along the index is on again in the transaction around it."""
    tell("MeterValues", values(register(1500)))
    span = DatumStream.objects.get().pk, NOW - timedelta(days=1), NOW
    assert len(Datum.objects.along([span])) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_sort'), current_setting('enable_bitmapscan')")
        assert cursor.fetchone() == ("on", "on")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_lanes_write_one_datum(charger):
    """The second waits for the first, and merges with what it made: stream and row."""
    other = Charger.objects.create(owner=charger.owner, identifier="CP-2")
    PublishSettings.objects.create(owner=charger.owner, source_id_template="/all")
    handle = works.HANDLERS[V16]["MeterValues"]
    has_written = threading.Event()

    def take(who, payload, *, before=lambda: None, after=lambda: None):
        try:
            before()
            with database.atomic(), open_batch([who.pk]) as batch:
                batch.now = NOW
                handle(batch.chargers[who.pk], payload)
                batch.flush()
                after()
        finally:
            connection.close()

    def let_the_other_wait():
        has_written.set()
        with connection.cursor() as cursor:
            while not blocked(cursor):
                pass

    def blocked(cursor):
        # Not pg_stat_activity, which a transaction sees as it first saw it.
        cursor.execute("SELECT pg_backend_pid() = ANY(pg_blocking_pids(pid)) FROM pg_locks WHERE NOT granted")
        return any(row[0] for row in cursor.fetchall())

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(take, charger, values(register(1500)), after=let_the_other_wait)
        second = pool.submit(take, other, values(POWER), before=lambda: has_written.wait(20))
        first.result(30)
        second.result(30)

    assert stored() == {"/all": {"11:10:00": {"wattHours": 1500, "watts": 7200}}}
