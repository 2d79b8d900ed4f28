"""What OCPP 1.6 chargers say, from the handler to the rows."""

from datetime import timedelta

import pytest
from django.db import transaction

from chargers.batch import open_batch
from chargers.models import Connector, Reading, StopReport, Transaction
from chargers.ocpp.v16 import HANDLERS
from csms.models import Event
from tests.chargers.conftest import NOW
from tokens.models import Authorization

pytestmark = pytest.mark.django_db

AT = "2026-11-21T11:00:00Z"
START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": AT}


def values(wh, at="2026-11-21T11:10:00Z", **members):
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": str(wh)}]}],
    } | members


@pytest.fixture
def running(tell, driver):
    """The id of a transaction that runs."""
    return tell("StartTransaction", START)["transactionId"]


def test_boot_of_an_accepted_charger_is_accepted(tell, charger):
    """It hears the time and its interval, and what it said of itself is kept."""
    answer = tell("BootNotification", {"chargePointVendor": "V" * 300, "chargePointModel": "M"})
    assert (answer["status"], answer["currentTime"]) == ("Accepted", "2026-11-21T12:00:00.000Z")
    assert 270 <= answer["interval"] <= 300
    assert (charger.vendor, charger.boot_count, charger.booted_at) == ("V" * 255, 1, NOW)
    told = Event.objects.get(kind="charger.booted").data
    assert told == {name: answer[name] for name in ("status", "interval")}


@pytest.mark.parametrize(
    ("enabled", "registration", "status"),
    [
        (False, "Accepted", "Rejected"),
        (True, "Rejected", "Rejected"),
        (True, "Pending", "Pending"),
        (True, "Unknown", "Pending"),
    ],
)
def test_boot_is_answered_as_staff_decided(tell, charger, enabled, registration, status):
    """Disabled and Rejected chargers are rejected, Pending and Unknown ones wait."""
    charger.enabled, charger.registration_status = enabled, registration
    charger.save()
    answer = tell("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert (answer["status"], answer["interval"] <= 60, charger.boot_count) == (status, True, 0)


def test_status_is_kept_and_told(tell, charger):
    """The connector appears with its first status; the same again is no news."""
    status = {
        "connectorId": 2,
        "status": "Faulted",
        "errorCode": "GroundFailure",
        "vendorErrorCode": "E1",
        "timestamp": AT,
    }
    tell("StatusNotification", status)
    tell("StatusNotification", status)
    connector = Connector.objects.get(charger=charger)
    assert (connector.number, connector.status, connector.error_code, connector.vendor_error_code) == (
        "2", "Faulted", "GroundFailure", "E1")  # fmt: skip
    assert Event.objects.filter(kind="connector.status").count() == 1


def test_unknown_status_is_kept_as_text(tell, charger):
    """A word that is no status still tells people something."""
    tell("StatusNotification", {"connectorId": 1, "status": "Dreaming", "errorCode": "Error", "info": "zzz"})
    connector = Connector.objects.get(charger=charger)
    assert (connector.status, connector.info, connector.error_code) == (
        "Unknown",
        "Dreaming Error zzz",
        "OtherError",
    )


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "Accepted"),
        ({"enabled": False}, "Blocked"),
        ({"expiry_date": NOW - timedelta(seconds=1)}, "Expired"),
        ({"token": "OTHER"}, "Invalid"),
    ],
)
def test_authorize_tells_what_the_token_may(tell, driver, change, status):
    """Tokens are compared without regard to case."""
    for name, value in change.items():
        setattr(driver, name, value)
    driver.save()
    assert tell("Authorize", {"idTag": "tag1"})["idTagInfo"]["status"] == status


def test_authorize_names_expiry_and_parent(tell, driver):
    """A charger may stop a transaction for any token of the same group."""
    driver.expiry_date, driver.parent_token = NOW + timedelta(days=1), "FLEET"
    driver.save()
    assert tell("Authorize", {"idTag": "TAG1"})["idTagInfo"] == {
        "status": "Accepted", "expiryDate": "2026-11-22T12:00:00.000Z", "parentIdTag": "FLEET"}  # fmt: skip


def test_token_of_a_stranger_is_invalid(tell, driver, stranger):
    """Tokens belong to their owner."""
    driver.owner = stranger
    driver.save()
    assert tell("Authorize", {"idTag": "TAG1"}) == {"idTagInfo": {"status": "Invalid"}}


def test_transaction_is_started_metered_and_stopped(tell, running):
    """Energy is what the register rose by."""
    tell("MeterValues", values(1400, transactionId=running))
    tell(
        "StopTransaction",
        {
            "transactionId": running,
            "meterStop": 1900,
            "timestamp": "2026-11-21T11:30:00Z",
            "reason": "Remote",
        },
    )
    row = Transaction.objects.get()
    assert (row.pk, row.energy_wh, row.start_wh, row.end_wh, row.stop_reason) == (
        running,
        900,
        1000,
        1900,
        "Remote",
    )
    assert row.ended_at == NOW - timedelta(minutes=30)
    kinds = list(
        Event.objects.filter(kind__startswith="transaction").order_by("pk").values_list("kind", flat=True)
    )
    assert kinds == ["transaction.started", "transaction.updated", "transaction.ended"]


@pytest.mark.parametrize("change", [{}, {"idTag": "tag1"}])
def test_repeated_start_is_one_transaction(tell, running, change):
    """A charger repeats its start until it hears an answer, under any message id."""
    assert tell("StartTransaction", START | change)["transactionId"] == running
    assert Transaction.objects.count() == 1


def test_repeated_start_without_a_register_is_one_transaction(tell, driver):
    """The first reading has filled the register in meanwhile."""
    start = {name: value for name, value in START.items() if name != "meterStart"}
    number = tell("StartTransaction", start)["transactionId"]
    tell("MeterValues", values(1400, transactionId=number))
    assert tell("StartTransaction", start)["transactionId"] == number


def test_repeated_start_of_an_ended_transaction_is_the_same(tell, running):
    """With a sane clock, the same start can only be the same transaction."""
    tell("StopTransaction", {"transactionId": running, "meterStop": 1900, "timestamp": AT})
    assert tell("StartTransaction", START)["transactionId"] == running


def test_start_without_a_clock_is_new_after_the_end(tell, driver):
    """A charger whose clock was never set stamps every start alike."""
    start = START | {"timestamp": "1970-01-01T00:00:00Z"}
    first = tell("StartTransaction", start)["transactionId"]
    assert tell("StartTransaction", start)["transactionId"] == first
    tell("StopTransaction", {"transactionId": first, "meterStop": 1900, "timestamp": AT})
    assert tell("StartTransaction", start)["transactionId"] != first


def test_repeated_start_hears_what_the_first_one_heard(tell, driver):
    """It must not find itself concurrent."""
    driver.concurrent_transactions = 1
    driver.save()
    first = tell("StartTransaction", START)
    assert tell("StartTransaction", START) == first


def test_refused_start_keeps_a_real_number(tell, charger):
    """It is ended and refused, since chargers report its stop all the same."""
    answer = tell("StartTransaction", START | {"idTag": "NOBODY"})
    row = Transaction.objects.get()
    assert (answer["idTagInfo"]["status"], answer["transactionId"]) == ("Invalid", row.pk)
    assert (row.is_refused, row.ended_at is not None) == (True, True)


def test_concurrent_start_is_refused_where_a_limit_is_set(tell, running, driver):
    """The limit stands on the authorization or the account; there is none by default."""
    driver.concurrent_transactions = 1
    driver.save()
    answer = tell("StartTransaction", START | {"connectorId": 2})
    assert answer["idTagInfo"]["status"] == "ConcurrentTx"


def test_pending_charger_starts_nothing(tell, charger, driver):
    """Its transaction is kept, refused."""
    charger.registration_status = "Pending"
    charger.save()
    assert tell("StartTransaction", START)["idTagInfo"]["status"] == "Invalid"


def test_repeated_stop_keeps_the_first_end(tell, running):
    """A later stop with other values is kept as evidence, the same one is not."""
    stop = {"transactionId": running, "meterStop": 1900, "timestamp": AT}
    tell("StopTransaction", stop)
    tell("StopTransaction", stop)
    tell("StopTransaction", stop | {"meterStop": 9999})
    assert (Transaction.objects.get().end_wh, StopReport.objects.get().payload["meterStop"]) == (1900, 9999)


@pytest.mark.parametrize("number", [0, -1, 4711, 2**63 - 1])
def test_stop_of_an_unknown_transaction_is_answered_and_parked(tell, charger, number):
    """An error would make some chargers repeat it for ever."""
    assert tell("StopTransaction", {"transactionId": number, "meterStop": 5, "timestamp": AT}) == {}
    report = StopReport.objects.get()
    assert (report.reported_id, report.cause, report.transaction) == (
        str(number),
        "unknown transaction",
        None,
    )


def test_stop_with_a_made_up_number_ends_the_only_transaction(tell, running):
    """Chargers that lost the number send 0 or -1."""
    tell("StopTransaction", {"transactionId": -1, "meterStop": 1500, "timestamp": AT})
    row = Transaction.objects.get()
    assert (row.energy_wh, row.flags) == (500, ["stopped by an unknown number"])


def test_new_start_ends_the_transaction_whose_stop_was_lost(tell, running):
    """No connector charges two cars; the real stop still counts when it comes."""
    tell("MeterValues", values(1300, transactionId=running))
    second = tell("StartTransaction", START | {"timestamp": "2026-11-21T11:40:00Z", "meterStart": 1400})[
        "transactionId"
    ]
    first = Transaction.objects.get(pk=running)
    assert (first.flags, first.end_wh, first.energy_wh) == (["end assumed"], 1300, 300)

    tell(
        "StopTransaction", {"transactionId": running, "meterStop": 1400, "timestamp": "2026-11-21T11:35:00Z"}
    )

    first.refresh_from_db()
    assert (first.flags, first.end_wh, first.energy_wh) == ([], 1400, 400)
    assert Transaction.objects.get(pk=second).ended_at is None


def test_stop_with_transaction_data_stores_the_readings(tell, running):
    """transactionData are readings of the transaction."""
    data = values(1500)["meterValue"]
    tell(
        "StopTransaction",
        {"transactionId": running, "meterStop": 1900, "timestamp": AT, "transactionData": data},
    )
    assert Reading.objects.get().transaction_id == running


def test_values_without_a_number_belong_to_the_running_transaction(tell, running):
    """Many chargers leave the number out though they charge."""
    tell("MeterValues", values(1400))
    assert (Reading.objects.get().transaction_id, Transaction.objects.get().energy_wh) == (running, 400)


def test_values_of_an_ended_transaction_do_not_reopen_it(tell, running):
    """They are stored with the connector."""
    tell("StopTransaction", {"transactionId": running, "meterStop": 1900, "timestamp": AT})
    assert tell("MeterValues", values(2500, transactionId=running)) == {}
    assert Reading.objects.get().transaction_id is None
    assert Transaction.objects.get().energy_wh == 900


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1])
def test_values_of_an_unknown_transaction_are_stored(tell, charger, number):
    """No meter reading is lost."""
    assert tell("MeterValues", values(5, transactionId=number)) == {}
    assert Reading.objects.get().register_wh == 5


def test_latest_values_stand_at_the_connector(tell, charger):
    """Older ones, replayed later, change nothing there."""
    tell("MeterValues", values(1400))
    tell("MeterValues", values(1300, at="2026-11-21T10:00:00Z"))
    assert Connector.objects.get().register_wh == 1400
    assert Reading.objects.count() == 2


@pytest.mark.parametrize("status", ["Preparing", "Available"])
def test_status_after_the_start_does_not_clear_the_session(tell, running, status):
    """Some chargers say Preparing after StartTransaction."""
    tell("StatusNotification", {"connectorId": 1, "status": status, "errorCode": "NoError"})
    assert Transaction.objects.get().ended_at is None


def test_status_moves_the_charging_state(tell, running):
    """The words of 2.0.1 serve both versions."""
    tell("StatusNotification", {"connectorId": 1, "status": "SuspendedEV", "errorCode": "NoError"})
    assert Transaction.objects.get().charging_state == "SuspendedEV"


@pytest.mark.parametrize(
    ("action", "payload", "kind"),
    [
        ("FirmwareStatusNotification", {"status": "Installed"}, "charger.firmware"),
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}, "charger.diagnostics"),
        (
            "SecurityEventNotification",
            {"type": "TamperDetectionActivated", "timestamp": AT},
            "charger.security_event",
        ),
    ],
)
def test_notices_are_kept(tell, charger, action, payload, kind):
    """They are events with the payload as it came."""
    assert tell(action, payload) == {}
    event = Event.objects.get()
    assert (event.kind, event.data) == (kind, {"payload": payload})


def test_data_transfer_of_an_unknown_vendor_is_kept_and_said_so(tell, charger):
    """The data passes through untouched."""
    payload = {"vendorId": "V", "data": '{"someKey": {"innerKey": 1}}'}
    assert tell("DataTransfer", payload) == {"status": "UnknownVendorId"}
    assert Event.objects.get().data["payload"] == payload


def test_values_of_a_stop_that_is_parked_are_stored(tell, charger):
    """Nobody knows the transaction, but the meter was read."""
    data = values(1500)["meterValue"]
    stop = {"transactionId": 4711, "meterStop": 1900, "timestamp": AT, "transactionData": data}
    tell("StopTransaction", stop | {"connectorId": 2})
    row = Reading.objects.get()
    assert (row.transaction_id, row.connector_id, row.register_wh) == (None, 2, 1500)


def test_values_of_a_stop_after_an_assumed_end_are_its_transactions(tell, running):
    """The end that we assumed was none."""
    tell("StartTransaction", START | {"timestamp": "2026-11-21T11:40:00Z", "meterStart": 1400})
    data = values(1350)["meterValue"]
    tell(
        "StopTransaction",
        {"transactionId": running, "meterStop": 1400, "timestamp": AT, "transactionData": data},
    )
    assert Reading.objects.get().transaction_id == running


STOP = {"meterStop": 1500, "timestamp": "2026-11-21T11:30:00Z"}


@pytest.fixture
def two_running(tell, running):
    """The ids of transactions on connectors 1 and 2; the second began later, for another tag."""
    start = START | {"connectorId": 2, "idTag": "TAG2", "timestamp": "2026-11-21T11:20:00Z"}
    Authorization.objects.create(owner=Transaction.objects.get().owner, token="TAG2")
    return running, tell("StartTransaction", start)["transactionId"]


@pytest.mark.parametrize(
    ("stop", "ended"),
    [
        ({"transactionId": 0, "connectorId": 2}, [1]),
        ({"transactionId": -1, "timestamp": "2026-11-21T11:10:00Z"}, [0]),
        ({"transactionId": 0, "idTag": "tag2"}, [1]),
        ({"transactionId": 4711, "idTag": "TAG1"}, [0]),
        ({"transactionId": 4711, "connectorId": 1}, [0]),
        ({"transactionId": 0}, []),
        ({"transactionId": 4711, "timestamp": "2026-11-21T11:10:00Z"}, []),
        ({"transactionId": 0, "connectorId": 2, "timestamp": "2026-11-21T11:10:00Z"}, []),
        ({"transactionId": 0, "connectorId": 2, "meterStop": 900}, []),
        ({"transactionId": 0, "connectorId": 2, "timestamp": "1970-01-01T00:10:00Z"}, [1]),
    ],
)
def test_stop_with_an_unknown_number_is_attached_where_there_is_no_doubt(tell, two_running, stop, ended):
    """Connector, time, register and token tell which; in doubt it is parked."""
    tell("StopTransaction", STOP | stop)
    done = Transaction.objects.exclude(ended_at=None).values_list("pk", flat=True)
    assert list(done) == [two_running[index] for index in ended]
    assert StopReport.objects.count() == (0 if ended else 1)


def test_stop_with_a_useless_time_is_flagged(tell, running):
    """It counts all the same, as of its arrival."""
    tell(
        "StopTransaction", {"transactionId": running, "meterStop": 1500, "timestamp": "0001-01-01T00:00:00Z"}
    )
    row = Transaction.objects.get()
    assert (row.ended_at, row.flags) == (NOW, ["stop time clock"])


def test_values_of_the_stop_of_a_refused_start_are_stored(tell, charger):
    """The charger did read its meter; the transaction stays as it was."""
    number = tell("StartTransaction", START)["transactionId"]
    data = values(1500)["meterValue"]
    tell("StopTransaction", STOP | {"transactionId": number, "transactionData": data})
    assert (Reading.objects.get().transaction_id, Reading.objects.get().connector_id) == (None, 1)
    assert (Transaction.objects.get().energy_wh, StopReport.objects.count()) == (0, 1)


def test_useless_times_are_flagged_where_they_were_replaced(tell, running):
    """At the connector, the reading and its transaction."""
    never = "0001-01-01T00:00:00Z"
    tell(
        "StatusNotification",
        {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "timestamp": "yesterday"},
    )
    tell("MeterValues", values(1400, at=never, transactionId=running))
    connector, reading = Connector.objects.get(), Reading.objects.get()
    assert (connector.status_at, connector.status_time_flag) == (NOW, "unreadable")
    assert (reading.measured_at, reading.time_flag) == (NOW, "clock")
    assert Transaction.objects.get().flags == ["reading time clock"]
    tell(
        "StatusNotification",
        {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "timestamp": AT},
    )
    connector.refresh_from_db()
    assert connector.status_time_flag == ""


class TestWithinOneCommit:
    """Messages that a lane takes together see what the ones before them did."""

    @pytest.fixture
    def pipeline(self, charger, driver):
        """Return a function that runs messages in one batch and gives back the answers."""

        def run(*messages):
            with transaction.atomic(), open_batch([charger.pk], serial_ids=[charger.pk]) as batch:
                batch.now = NOW
                mine = batch.chargers[charger.pk]
                return [HANDLERS[action](mine, payload) for action, payload in messages]

        return run

    @pytest.mark.parametrize("at", [AT, "1970-01-01T00:00:10Z"])
    def test_same_start_is_one_transaction(self, pipeline, at):
        """Both hear the same number."""
        start = ("StartTransaction", START | {"timestamp": at})
        answers = pipeline(start, start)
        assert answers[0] == answers[1]
        assert Transaction.objects.count() == 1

    def test_start_without_a_clock_after_the_end_is_new(self, pipeline):
        """Although the end is not written yet."""
        start = ("StartTransaction", START | {"timestamp": "1970-01-01T00:00:10Z"})
        number = pipeline(start)[0]["transactionId"]
        stop = ("StopTransaction", {"transactionId": number, "meterStop": 1100, "timestamp": AT})
        assert pipeline(stop, start)[1]["transactionId"] != number

    def test_first_of_two_stops_wins(self, pipeline):
        """Some chargers send two within milliseconds; the other one is evidence."""
        number = pipeline(("StartTransaction", START))[0]["transactionId"]
        stop = {"transactionId": number, "meterStop": 1900, "timestamp": AT}
        pipeline(("StopTransaction", stop), ("StopTransaction", stop | {"meterStop": 9999}))
        row = Transaction.objects.get()
        assert (row.end_wh, row.energy_wh, StopReport.objects.count()) == (1900, 900, 1)

    def test_values_after_the_stop_do_not_reopen(self, pipeline):
        """They name a transaction that has just ended."""
        number = pipeline(("StartTransaction", START))[0]["transactionId"]
        stop = {"transactionId": number, "meterStop": 1900, "timestamp": AT}
        pipeline(("StopTransaction", stop), ("MeterValues", values(2500, transactionId=number)))
        assert (Transaction.objects.get().energy_wh, Reading.objects.get().transaction_id) == (900, None)

    def test_tag_that_has_just_stopped_may_start_again(self, pipeline, driver):
        """Although the end is not written yet; with two running it may not."""
        driver.concurrent_transactions = 1
        driver.save()
        number = pipeline(("StartTransaction", START))[0]["transactionId"]
        stop = ("StopTransaction", {"transactionId": number, "meterStop": 1100, "timestamp": AT})
        start = ("StartTransaction", START | {"meterStart": 1100})
        other = ("StartTransaction", START | {"meterStart": 5, "connectorId": 2})
        answers = pipeline(stop, start, other)
        assert [answer["idTagInfo"]["status"] for answer in answers[1:]] == ["Accepted", "ConcurrentTx"]
