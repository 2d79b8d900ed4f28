"""npm's ocpp-rpc as charge point, strict: it holds every message of ours against schemas of its own."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from chargers.ocpp import works
from chargers.wire import validation
from chargers.wire.validation import V16, V201
from tests.kit.payloads import smallest
from tests.peers.conftest import PASSWORD

pytestmark = pytest.mark.node

SCRIPT = Path(__file__).parent / "charge_point.js"
SECONDS = 20
AT = "2026-11-21T04:00:00Z"


class ChargePoint:
    """The node program: `call` asks the server, `asked` is what the server asked it."""

    def __init__(self, station, version):
        answers = {
            action: smallest(version, action, is_answer=True) for action in validation.to_charger(version)
        }
        self.version, self.asked, self.violations = version, queue.Queue(), []
        self._lines = queue.Queue()
        identity = station.chargers[version].identifier
        self._process = subprocess.Popen(
            ["node", SCRIPT, station.websockets, identity, version, PASSWORD, json.dumps(answers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._lines.get(timeout=SECONDS) == {"connected": version}

    def _read(self):
        for text in self._process.stdout:
            line = json.loads(text)
            if "violation" in line:
                self.violations.append(line["violation"])
            elif "asked" in line:
                self.asked.put((line["asked"], line["payload"]))
            else:
                self._lines.put(line)

    def call(self, action, payload):
        """Send a CALL; return the answer, or the error's code in a tuple."""
        self._process.stdin.write(json.dumps({"action": action, "payload": payload}) + "\n")
        self._process.stdin.flush()
        line = self._lines.get(timeout=SECONDS)
        return line["answer"] if "answer" in line else (line["error"],)

    def close(self):
        """End it as a program ends that had nothing to complain about."""
        try:
            self._process.stdin.close()
            assert self._process.wait(timeout=SECONDS) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(timeout=SECONDS)
            self._process.stdout.close()


@pytest.fixture
def connected(station):
    """Return a function that connects a charge point of a version; each must end without a violation."""
    made = []

    def connect(version):
        made.append(ChargePoint(station, version))
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
    assert point.asked.get(timeout=SECONDS) == ("RemoteStartTransaction", {"idTag": "TAG1"})
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
    assert point.asked.get(timeout=SECONDS) == ("RequestStartTransaction", remote)
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
    assert dict(point.asked.get(timeout=SECONDS) for _ in asked) == asked
