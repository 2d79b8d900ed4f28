"""npm's ocpp-rpc as charge point, strict: it holds every message of ours against schemas of its own."""

import json
from urllib.request import Request, urlopen

import pytest

from chargers.ocpp import works
from chargers.wire import validation
from chargers.wire.validation import V16, V201
from tests.kit.payloads import smallest
from tests.kit.rpc import SECONDS, RpcChargePoint
from tests.peers.conftest import PASSWORD

pytestmark = [pytest.mark.node, pytest.mark.once]

AT = "2026-11-21T04:00:00Z"


@pytest.fixture
def connected(station):
    """Return a function that connects a charge point of a version; each must end without a violation."""
    made = []

    def connect(version):
        answers = {
            action: smallest(version, action, is_answer=True) for action in validation.to_charger(version)
        }
        identity = station.chargers[version].identifier
        made.append(RpcChargePoint(station.websockets, identity, version, PASSWORD, answers))
        return made[-1]

    yield connect
    for point in made:
        point.close()
        assert point.violations == []


@pytest.fixture
def order(station):
    """Return a function that posts a command to the native API and gives back the finished row."""

    def post(version, action, payload):
        body = json.dumps({"action": action, "payload": payload, "wait": SECONDS}).encode()
        url = f"{station.address}/api/v1/chargers/{station.chargers[version].pk}/commands"
        headers = {"Authorization": f"Bearer {station.key}", "Content-Type": "application/json"}
        with urlopen(Request(url, body, headers), timeout=SECONDS + 5) as answer:
            return answer.status, json.load(answer)

    return post


def test_session_of_16_is_valid_throughout(connected, order):
    """Boot, tag, remote start, start, values, stop: each answer fits the schema."""
    point = connected(V16)
    boot = point.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": AT}
    accepted = {"idTagInfo": {"status": "Accepted"}}

    assert boot["status"] == "Accepted"
    assert point.call("StatusNotification", status) == {}
    assert point.call("Authorize", {"idTag": "tag1"}) == accepted
    assert order(V16, "RemoteStartTransaction", {"idTag": "TAG1"})[1]["result"] == {"status": "Accepted"}
    assert point.hears("RemoteStartTransaction") == {"idTag": "TAG1"}
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 100, "timestamp": AT}
    number = point.call("StartTransaction", start)["transactionId"]
    value = {"timestamp": AT, "sampledValue": [{"value": "250", "unit": "Wh"}]}
    values = {"connectorId": 1, "transactionId": number, "meterValue": [value]}
    assert point.call("MeterValues", values) == {}
    assert order(V16, "RemoteStopTransaction", {"transactionId": number})[1]["state"] == "completed"
    stop = {"transactionId": number, "idTag": "TAG1", "meterStop": 300, "timestamp": AT, "reason": "Remote"}
    assert point.call("StopTransaction", stop) == accepted


def test_session_of_201_is_valid_throughout(connected, order):
    """Boot, token, remote start, events with values: each answer fits the schema."""
    point = connected(V201)
    boot = point.call(
        "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    )
    token = {"idToken": "tag1", "type": "Central"}
    accepted = {"idTokenInfo": {"status": "Accepted"}}
    status = {"timestamp": AT, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
    remote = {"idToken": token, "remoteStartId": 7, "evseId": 1}

    assert boot["status"] == "Accepted"
    assert point.call("StatusNotification", status) == {}
    assert point.call("Authorize", {"idToken": token}) == accepted
    assert order(V201, "RequestStartTransaction", remote)[1]["result"] == {"status": "Accepted"}
    assert point.hears("RequestStartTransaction") == remote
    assert point.call("TransactionEvent", _event("Started", 0, idToken=token)) == accepted
    value = {"timestamp": AT, "sampledValue": [{"value": 250.5, "unitOfMeasure": {"unit": "Wh"}}]}
    assert point.call("TransactionEvent", _event("Updated", 1, meterValue=[value])) == {}
    assert order(V201, "RequestStopTransaction", {"transactionId": "t1"})[1]["state"] == "completed"
    assert point.call("TransactionEvent", _event("Ended", 2, idToken=token)) == accepted


def _event(kind, number, **more):
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "Trigger",
        "seqNo": number,
        "transactionInfo": {"transactionId": "t1"},
        "evse": {"id": 1, "connectorId": 1},
    } | more


@pytest.mark.parametrize("version", validation.VERSIONS)
def test_every_action_of_a_charger_is_answered_validly(connected, version):
    """Those with a handler, and those that are only kept; the rest are refused by the book."""
    point = connected(version)
    answers = {
        action: point.call(action, smallest(version, action))
        for action in sorted(validation.from_charger(version))
    }

    refused = {action for action, answer in answers.items() if isinstance(answer, tuple)}
    assert refused == {action for action in answers if not _can_be_answered(version, action)}
    assert {answers[action] for action in refused} <= {("NotSupported",)}


def _can_be_answered(version, action):
    return action in works.HANDLERS[version] or validation.is_valid(version, action, {}, is_answer=True)


@pytest.mark.parametrize("version", validation.VERSIONS)
def test_every_request_to_a_charger_is_valid(connected, order, version):
    """Each is posted to the API, understood at the other end and answered."""
    point = connected(version)
    asked = {action: smallest(version, action) for action in sorted(validation.to_charger(version))}

    ends = {action: order(version, action, payload) for action, payload in asked.items()}

    assert {action: status for action, (status, _) in ends.items()} == dict.fromkeys(asked, 200)
    assert {action: row["error_description"] for action, (_, row) in ends.items()} == dict.fromkeys(asked, "")
    assert {row["state"] for _, row in ends.values()} == {"completed"}
    assert {action: point.hears(action, payload) for action, payload in asked.items()} == asked
