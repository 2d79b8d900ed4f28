"""What OCPP 2.0.1 stations say, from the handler to the rows."""

import pytest
from django.db import transaction

from chargers.batch import open_batch
from chargers.models import Charger, Connector, Reading, Transaction, Variable
from chargers.ocpp.v201 import HANDLERS
from chargers.wire.validation import V201
from csms.models import Event

pytestmark = pytest.mark.django_db

TX = "9D975583-BDE0"


@pytest.fixture
def say(tell):
    return lambda action, payload: tell(action, payload, version=V201)


def event(kind, seq_no, *, wh=None, minute=0, token=None, state=None, **members):
    """Return a TransactionEvent of the transaction TX."""
    at = f"2026-11-21T11:{minute:02}:00Z"
    payload = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "Trigger",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": TX} | ({"chargingState": state} if state else {}),
        "evse": {"id": 1, "connectorId": 1},
    }
    if wh is not None:
        payload["meterValue"] = [{"timestamp": at, "sampledValue": [{"value": wh}]}]
    if token:
        payload["idToken"] = {"idToken": token, "type": "ISO14443"}
    return payload | members


def test_boot_is_kept(say, charger):
    """The station describes itself in a nested object."""
    station = {"vendorName": "V", "model": "M", "serialNumber": "S", "modem": {"iccid": "I"}}
    answer = say("BootNotification", {"reason": "PowerUp", "chargingStation": station})
    assert (answer["status"], charger.vendor, charger.serial_number, charger.iccid) == (
        "Accepted",
        "V",
        "S",
        "I",
    )


def test_status_names_evse_and_connector(say, charger):
    """A connector is known by both."""
    say("StatusNotification", {"timestamp": "", "evseId": 2, "connectorId": 1, "connectorStatus": "Occupied"})
    connector = Connector.objects.get()
    assert (connector.number, connector.status) == ("2.1", "Occupied")


def test_authorize_tells_the_group(say, driver):
    """Our parent token is the group."""
    driver.parent_token = "FLEET"
    driver.save()
    answer = say("Authorize", {"idToken": {"idToken": "TAG1", "type": "ISO14443"}})
    assert answer["idTokenInfo"] == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "FLEET", "type": "Central"},
    }


def test_transaction_is_followed_from_start_to_end(say, driver):
    """Plug, token, energy, end."""
    assert say("TransactionEvent", event("Started", 0, wh=100, state="EVConnected")) == {}
    answer = say("TransactionEvent", event("Updated", 1, minute=1, token="TAG1", state="Charging"))
    say("TransactionEvent", event("Updated", 2, minute=2, wh=600))
    say(
        "TransactionEvent",
        event(
            "Ended",
            3,
            minute=3,
            wh=900,
            transactionInfo={"transactionId": TX, "stoppedReason": "EVDisconnected"},
        ),
    )
    row = Transaction.objects.get()
    assert answer == {"idTokenInfo": {"status": "Accepted"}}
    assert (row.energy_wh, row.start_wh, row.end_wh, row.id_token) == (800, 100, 900, "TAG1")
    assert (row.stop_reason, row.authorization, row.charging_state) == ("EVDisconnected", driver, "")


def test_last_state_is_what_the_end_says(say, driver):
    """A transaction that ended does not charge on; the vehicle may still be there."""
    say("TransactionEvent", event("Started", 0, state="Charging"))
    say("TransactionEvent", event("Ended", 1, minute=1, state="EVConnected"))
    assert Transaction.objects.get().charging_state == "EVConnected"


def test_repeated_event_is_one(say, driver):
    """The same type, seqNo and timestamp is the same event."""
    for _ in range(2):
        say("TransactionEvent", event("Started", 0, wh=100))
    for _ in range(2):
        say("TransactionEvent", event("Updated", 1, wh=600, minute=1))
    assert (Transaction.objects.count(), Reading.objects.count()) == (1, 2)


def test_late_event_adds_its_readings_and_changes_nothing_else(say, driver):
    """Stations send what they stored after what happens now."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say("TransactionEvent", event("Updated", 5, wh=900, minute=5, state="Charging"))
    say("TransactionEvent", event("Updated", 3, wh=500, minute=3, state="SuspendedEV", offline=True))
    row = Transaction.objects.get()
    assert (row.charging_state, row.energy_wh, row.last_seq_no, Reading.objects.count()) == (
        "Charging",
        800,
        5,
        3,
    )


def test_event_after_the_end_does_not_reopen(say, driver):
    """Its readings are kept."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say("TransactionEvent", event("Ended", 3, wh=900, minute=3))
    ended_at = Transaction.objects.get().ended_at
    say("TransactionEvent", event("Updated", 2, wh=500, minute=2, offline=True))
    say("TransactionEvent", event("Updated", 4, minute=4))
    assert (Transaction.objects.get().ended_at, Reading.objects.count()) == (ended_at, 3)


def test_end_that_comes_late_still_ends(say, driver):
    """An Ended event counts whatever came before it."""
    say("TransactionEvent", event("Started", 0))
    say("TransactionEvent", event("Updated", 4, minute=4))
    say("TransactionEvent", event("Ended", 3, minute=3))
    assert Transaction.objects.get().ended_at is not None


def test_transaction_may_begin_in_the_middle(say, driver):
    """Its start was lost; the rest is not."""
    say("TransactionEvent", event("Updated", 7, wh=600))
    assert Transaction.objects.get().flags == ["start missing"]


@pytest.mark.parametrize("order", [(5, 0, 2), (5, 2, 0), (2, 0, 5), (2, 5, 0), (0, 5, 2)])
def test_order_of_arrival_changes_neither_bill_nor_driver(say, driver, order):
    """Stations that were offline may send the end first; the start tells driver, time and register."""
    stored = {
        0: event("Started", 0, wh=1000, minute=0, token="TAG1", offline=True),
        2: event("Updated", 2, wh=3000, minute=20, offline=True),
        5: event("Ended", 5, wh=5000, minute=30),
    }
    for seq_no in order:
        say("TransactionEvent", stored[seq_no])
    row = Transaction.objects.get()
    assert (row.start_wh, row.end_wh, row.energy_wh) == (1000, 5000, 4000)
    assert (row.started_at.minute, row.ended_at.minute, row.authorization) == (0, 30, driver)
    assert row.flags == []


def test_start_that_comes_late_twice_is_counted_once(say, driver):
    """The repeat adds no energy."""
    say("TransactionEvent", event("Ended", 5, wh=5000, minute=30))
    for _ in range(2):
        say("TransactionEvent", event("Started", 0, wh=1000))
    assert Transaction.objects.get().energy_wh == 4000


def test_late_start_with_another_base_is_not_billed(say, driver):
    """A register that leapt in between tells nothing."""
    say("TransactionEvent", event("Ended", 5, wh=910_000, minute=30))
    say("TransactionEvent", event("Started", 0, wh=0))
    row = Transaction.objects.get()
    assert (row.energy_wh, row.flags) == (0, ["register leapt"])


@pytest.mark.parametrize(
    "token", [{"idToken": "TAG1", "type": "ISO14443"}, {"idToken": "", "type": "NoAuthorization"}]
)
@pytest.mark.parametrize("change", [{"enabled": False}, {"registration_status": "Pending"}])
def test_charger_that_may_not_operate_starts_nothing(say, charger, driver, change, token):
    """What it reports is stored all the same."""
    Charger.objects.filter(pk=charger.pk).update(**change)
    answer = say("TransactionEvent", event("Started", 0, wh=100) | {"idToken": token})
    assert answer == {"idTokenInfo": {"status": "Invalid"}}
    assert Transaction.objects.get().authorization_status == "Invalid"


def test_updated_event_may_lack_evse_and_name_connector_0(say, driver):
    """ocpp-go sends connectorId 0 at first and nothing later."""
    say("TransactionEvent", event("Started", 0, wh=100, evse={"id": 1, "connectorId": 0}))
    updated = event("Updated", 1, wh=700, minute=1)
    del updated["evse"]
    say("TransactionEvent", updated)
    assert (Transaction.objects.get().evse_id, Transaction.objects.get().energy_wh) == (1, 600)


def test_second_transaction_of_an_evse_ends_the_first(say, driver):
    """The end of the first was lost."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say("TransactionEvent", event("Started", 0, wh=500, minute=9, transactionInfo={"transactionId": "B"}))
    assert list(Transaction.objects.order_by("pk").values_list("flags", flat=True)) == [["end assumed"], []]


def test_unknown_token_is_answered_invalid_and_the_transaction_kept(say, charger):
    """The station decides whether it goes on; we follow."""
    answer = say("TransactionEvent", event("Started", 0, token="NOBODY"))
    row = Transaction.objects.get()
    assert (answer["idTokenInfo"]["status"], row.authorization_status, row.ended_at) == (
        "Invalid",
        "Invalid",
        None,
    )


def test_meter_values_outside_transactions_are_stored(say, charger):
    """They belong to the EVSE."""
    values = [{"timestamp": "2026-11-21T11:00:00Z", "sampledValue": [{"value": 10, "measurand": "Voltage"}]}]
    assert say("MeterValues", {"evseId": 1, "meterValue": values}) == {}
    assert (Reading.objects.get().evse_id, Reading.objects.get().voltage_v) == (1, 10)


def report(name, value, component="SampledDataCtrlr"):
    return {
        "component": {"name": component, "evse": {"id": 1}},
        "variable": {"name": name},
        "variableAttribute": [{"value": value, "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
    }


def test_report_is_stored_whatever_part_comes(say, charger):
    """The first parts may be missing; a part may be empty."""
    say(
        "NotifyReport",
        {"requestId": 1, "generatedAt": "", "seqNo": 2, "reportData": [report("TxEndedInterval", "5")]},
    )
    say("NotifyReport", {"requestId": 1, "generatedAt": "", "seqNo": 3, "reportData": []})
    row = Variable.objects.get()
    assert (row.component, row.evse_id, row.name, row.value, row.mutability) == (
        "SampledDataCtrlr", 1, "TxEndedInterval", "5", "ReadOnly")  # fmt: skip


def test_changed_variable_is_told_and_secrets_are_masked(say, charger):
    """A value that changed is an event; a password is never stored."""
    for value in ("5", "6"):
        say(
            "NotifyReport",
            {
                "requestId": 1,
                "seqNo": 0,
                "reportData": [report("Interval", value), report("BasicAuthPassword", "x1y2")],
            },
        )
    assert Event.objects.filter(kind="variable.changed").count() == 1
    assert "x1y2" not in str(list(Variable.objects.values_list("value", flat=True)))


@pytest.mark.parametrize(
    "action",
    ["NotifyEvent", "SecurityEventNotification", "FirmwareStatusNotification", "LogStatusNotification"],
)
def test_notices_are_kept(say, charger, action):
    """They are events with the payload as it came."""
    payload = {"status": "Installed", "type": "X", "eventData": []}
    assert say(action, payload) == {}
    assert Event.objects.get().data["payload"] == payload


def test_notice_of_a_secret_is_kept_without_it(say, charger):
    """Events are shown to many and streamed; no secret is among them."""
    told = {"variable": {"name": "BasicAuthPassword"}, "actualValue": "s3cret"}
    say("NotifyEvent", {"eventData": [told]})
    assert Event.objects.get().data["payload"] == {"eventData": [told | {"actualValue": "******"}]}


def test_report_that_leaves_something_out_leaves_it_as_it_was(say, charger):
    """Neither the mutability nor a value that may only be written is forgotten."""
    full = report("Interval", "5")
    brief = full | {"variableAttribute": [{"type": "Actual"}], "variableCharacteristics": {}}
    for data in (full, brief):
        say("NotifyReport", {"requestId": 1, "seqNo": 0, "reportData": [data]})
    row = Variable.objects.get()
    assert (row.value, row.mutability, row.data_type) == ("5", "ReadOnly", "integer")


def test_value_that_comes_after_the_end_completes_it(say, driver):
    """The Ended event of some stations has no values; those they stored follow."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say("TransactionEvent", event("Ended", 3, minute=3))
    say("TransactionEvent", event("Updated", 2, wh=600, minute=2, offline=True))
    row = Transaction.objects.get()
    assert (row.end_wh, row.energy_wh, row.power_w) == (600, 500, 0)


def test_value_measured_after_the_end_is_the_connectors(say, driver):
    """Some stations go on naming a transaction that has ended; repeats are still one."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say("TransactionEvent", event("Ended", 1, wh=600, minute=1))
    for _ in range(2):
        say("TransactionEvent", event("Updated", 2, wh=900, minute=2))
    row = Transaction.objects.get()
    assert (row.end_wh, row.energy_wh) == (600, 500)
    assert list(Reading.objects.order_by("pk").values_list("transaction", flat=True)) == [
        row.pk,
        row.pk,
        None,
    ]


def test_end_that_was_assumed_gives_way_to_the_real_one(say, driver):
    """The station started another one first, and told of the end later."""
    say("TransactionEvent", event("Started", 0, wh=100))
    say(
        "TransactionEvent",
        event("Started", 0, wh=700, minute=2) | {"transactionInfo": {"transactionId": "t2"}},
    )
    say("TransactionEvent", event("Ended", 1, wh=600, minute=1))
    row = Transaction.objects.order_by("pk").first()
    assert (row.end_wh, row.flags, row.stop_reason) == (600, [], "Local")


def test_connector_is_learned_from_the_event_that_names_it(say, driver):
    """Some leave it out at the start, or say 0."""
    say("TransactionEvent", event("Started", 0, evse={"id": 1}))
    say("TransactionEvent", event("Updated", 1, minute=1, evse={"id": 1, "connectorId": 2}))
    say("TransactionEvent", event("Updated", 2, minute=2, evse={"id": 1, "connectorId": 0}))
    row = Transaction.objects.get()
    assert (row.evse_id, row.connector_id) == (1, 2)


def test_parts_of_a_report_in_one_commit_add_up(say, charger):
    """What one part told is not forgotten by the next, which is silent about it."""
    say("NotifyReport", {"requestId": 1, "seqNo": 0, "reportData": [report("Interval", "5")]})
    value, unit = report("Interval", "6"), report("Interval", "6")
    unit |= {"variableAttribute": [{"type": "Actual"}], "variableCharacteristics": {"unit": "s"}}
    with transaction.atomic(), open_batch([charger.pk]) as batch:
        for data in (value, unit):
            HANDLERS["NotifyReport"](batch.chargers[charger.pk], {"requestId": 2, "reportData": [data]})
    row = Variable.objects.get()
    assert (row.value, row.unit) == ("6", "s")
