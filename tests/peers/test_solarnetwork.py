"""npm's solarnetwork-api-core, SolarNetwork's own client: signed requests, and what becomes of them on the wire."""

import json
import queue
import sys
import time
from pathlib import Path

import pytest

from tests.kit.lines import LineProgram

pytestmark = [pytest.mark.node, pytest.mark.once, pytest.mark.spec("solar-ocpp", "SolarUser OCPP API")]

SCRIPT = Path(__file__).parent / "solarnetwork.js"
SECONDS = 30


class Lines(LineProgram):
    """A program whose lines are read one after the other."""

    seconds = SECONDS

    def __init__(self, *command):
        self._lines = queue.Queue()
        super().__init__(*command)

    def hear(self, line):
        self._lines.put(line)

    def read(self, fits=lambda line: True):
        """Return the next line that fits."""
        while not fits(line := self._lines.get(timeout=SECONDS)):
            pass
        return line


class Client(Lines):
    """SolarNetwork's client with a token."""

    def __init__(self, station, key=""):
        host = station.address.removeprefix("http://")
        super().__init__("node", SCRIPT, host, *(key or station.key).split(":"))

    def ask(self, method, path="", **more):
        """Send a signed request; return status and body."""
        self.write({"method": method, "path": path and f"/user/ocpp/{path}", **more})
        answer = self.read()
        return answer["status"], answer["body"]

    def data(self, *asked, **more):
        """Send a signed request that succeeds; return its data."""
        status, body = self.ask(*asked, **more)
        assert (status in (200, 201), body["success"]) == (True, True), (status, body)
        return body.get("data")


@pytest.fixture(scope="module")
def client(station):
    """The owner's client."""
    made = Client(station)
    yield made
    made.close()


# Signing in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", ["url", "path", "split"])
def test_each_way_of_signing_is_taken(client, signed):
    """The URL as a whole, its path, or with host and port apart."""
    status, body = client.ask("GET", "credentials", query={"username": "café a*b"}, signed=signed)

    assert (status, body["code"]) == (404, "DAO.00102")


@pytest.mark.parametrize("signed", ["url", "path"])
def test_path_is_signed_as_it_was_written(client, signed):
    """Still percent-encoded: the signature is good, the number is none."""
    status, body = client.ask("GET", "chargers/a%20%C3%A9", signed=signed)

    assert (status, body["message"][:17]) == (422, "Illegal argument:")


def test_wrong_secret_is_refused(station):
    """With their words, and the reason in a header."""
    client = Client(station, f"{station.key.partition(':')[0]}:wrong")
    client.write({"method": "GET", "path": "/user/ocpp/chargers"})
    answer = client.read()
    client.close()

    assert (answer["status"], answer["body"]) == (401, {"success": False, "message": "Bad credentials"})
    assert answer["headers"]["www-authenticate"] == "SNWS2"
    assert answer["headers"]["x-sn-errormessage"] == "Bad credentials"


# The whole life of each entity ----------------------------------------------------------------

INFO = {"id": "CP-LIFE", "chargePointVendor": "ACME", "chargePointModel": "One"}


@pytest.mark.parametrize(
    ("path", "first", "then"),
    [
        ("authorizations", {"token": "LIFE", "enabled": True}, {"expiryDate": "2030-01-01T00:00:00Z"}),
        (
            "chargers",
            {"nodeId": 7, "enabled": True, "registrationStatus": "Accepted", "info": INFO},
            {"registrationStatus": "Rejected"},
        ),
        ("credentials", {"username": "life", "password": "a password"}, {"allowedChargePoints": ["CP-LIFE"]}),
    ],
)
def test_whole_life_of_what_has_a_number(client, path, first, then):
    """Made, seen, listed, changed, removed, gone."""
    status, body = client.ask("POST", path, json=first)
    made = body["data"]
    assert status == 201
    assert {name: value for name, value in first.items() if name != "password"}.items() <= made.items()
    number = made["id"]
    assert client.data("GET", f"{path}/{number}") == made
    assert made in client.data("GET", path)
    changed = client.data("POST", path, json={**first, **then, "id": number})
    assert changed == {**made, **then} == client.data("GET", f"{path}/{number}")
    assert client.ask("DELETE", f"{path}/{number}") == (200, {"success": True})
    status, body = client.ask("GET", f"{path}/{number}")
    assert (status, body["code"]) == (404, "DAO.00102")


@pytest.fixture(scope="module")
def parked(client):
    """A charger that never connects."""
    return client.data("POST", "chargers", json={"nodeId": 7, "info": {**INFO, "id": "CP-PARKED"}})


def test_whole_life_of_a_connector(client, parked):
    """It is named by its charger and its number."""
    info = {"status": "Available", "errorCode": "NoError", "timestamp": "2026-03-01T10:30:49.12Z"}
    sent = {"chargePointId": parked["id"], "connectorId": 1, "info": info}

    made = client.data("POST", "connectors", json=sent)

    one = f"connectors/{parked['id']}/1"
    assert made["info"].items() >= info.items()
    assert client.data("GET", one) == made
    assert client.data("GET", f"connectors/{parked['id']}") == [made]
    assert made in client.data("GET", "connectors")
    changed = client.data("POST", "connectors", json={**sent, "info": {**info, "status": "Faulted"}})
    assert changed["info"]["status"] == "Faulted"
    assert client.ask("DELETE", one) == (200, {"success": True})
    assert client.ask("GET", one)[0] == 404


def test_whole_life_of_a_charger_s_settings(client, parked):
    """There is one of them for each charger."""
    sent = {
        "chargePointId": parked["id"],
        "publishToSolarFlux": False,
        "sourceIdTemplate": "/x/{connectorId}",
    }

    made = client.data("POST", "chargers/settings", json=sent)

    one = f"chargers/{parked['id']}/settings"
    assert made.items() >= {**sent, "publishToSolarIn": True}.items()
    assert client.data("GET", one) == made
    assert made in client.data("GET", "chargers/settings")
    changed = client.data("POST", "chargers/settings", json={**sent, "publishToSolarIn": False})
    assert changed == {**made, "publishToSolarIn": False}
    assert client.ask("DELETE", one) == (200, {"success": True})
    assert client.ask("GET", one)[0] == 404


def test_whole_life_of_the_account_s_settings(client):
    """One row, without a number."""
    made = client.data("POST", "settings", json={"publishToSolarIn": False, "sourceIdTemplate": "/y"})

    assert (made["publishToSolarIn"], made["publishToSolarFlux"], made["sourceIdTemplate"]) == (
        False,
        True,
        "/y",
    )
    assert client.data("GET", "settings") == made
    assert client.ask("DELETE", "settings") == (200, {"success": True})
    assert client.ask("GET", "settings") == (200, {"success": True})


# On the wire ----------------------------------------------------------------------------------

NODE = 7
IDENTIFIER = "CP-SOLAR"


class Charger(Lines):
    """A virtual charge point that connects under a path."""

    def __init__(self, station, path, *options):
        url = f"{station.websockets}/{path}/"
        command = [sys.executable, "manage.py", "virtualchargepoint", "--url", url, "--id", IDENTIFIER]
        super().__init__(*command, "--set", "MeterValueSampleInterval=1", *options)

    def event(self, name, fits=lambda value: True):
        """Return the value of the next event of that name that fits."""
        return self.read(lambda line: line.get("event") == name and fits(line["value"]))["value"]

    def do(self, command, **args):
        self.write({"id": command, "command": command, "args": args})
        return self.read(lambda line: line.get("id") == command)["result"]


@pytest.fixture(scope="module")
def charger(client):
    """An accepted charger, made through the API."""
    info = {"id": IDENTIFIER, "chargePointVendor": "ACME", "chargePointModel": "One"}
    sent = {"nodeId": NODE, "enabled": True, "registrationStatus": "Accepted", "info": info}
    return client.data("POST", "chargers", json=sent)


@pytest.fixture
def hid(client):
    """The human id of the account, as the API tells it."""
    made = client.data(
        "POST", "settings", json={"sourceIdTemplate": "/ocpp/cp/{chargerIdentifier}/{connectorId}"}
    )
    yield made["hid"]
    client.data("DELETE", "settings")


@pytest.fixture
def login(client):
    """Return a function that makes a credential through the API and gives back the path that logs in with it."""
    made = []

    def make(username, **details):
        credential = client.data("POST", "credentials", json={"username": username, **details})
        made.append(credential["id"])
        return f"{username}/{credential['password']}"

    yield make
    for number in made:
        client.data("DELETE", f"credentials/{number}")


@pytest.fixture
def plugged(station):
    """Return a function that starts a charge point; all are switched off in the end."""
    made = []

    def start(path):
        made.append(Charger(station, path))
        return made[-1]

    yield start
    for point in made:
        point.close()


def test_charger_logs_in_with_a_credential_of_the_api(plugged, charger, login):
    """The generated password, in the path."""
    point = plugged(f"j/v16u/{login('site')}")

    assert point.event("boot_notification_response")["status"] == "Accepted"


def test_charger_logs_in_to_the_account_that_its_path_names(plugged, charger, login, hid):
    """Human id and login in the path."""
    point = plugged(f"j/v16hu/{hid}/{login('site')}")

    assert point.event("boot_notification_response")["status"] == "Accepted"


def test_charger_is_refused_whom_the_credential_excludes(plugged, charger, login):
    """allowedChargePoints names others."""
    point = plugged(f"j/v16u/{login('others', allowedChargePoints=['CP-OTHER'])}")

    assert point.event("connection_refused")["http_status"] == 403


def test_charger_is_refused_in_another_account(plugged, charger, login, hid):
    """No account has this human id."""
    point = plugged(f"j/v16hu/{hid}x/{login('site')}")

    assert point.event("connection_refused")["http_status"] == 404


@pytest.fixture
def online(plugged, charger, login):
    """The charger, booted."""
    point = plugged(f"j/v16u/{login('site', allowedChargePoints=[IDENTIFIER])}")
    point.event("boot_notification_response", lambda answer: answer["status"] == "Accepted")
    return point


def parameters(**words):
    return [{"name": name, "value": value} for name, value in words.items()]


def test_instruction_is_carried_out_by_the_charger(client, online):
    """All of it in the query, as their URL helper writes it; the answer comes back with the same call."""
    asked = parameters(action="GetConfiguration", chargerIdentifier=IDENTIFIER)

    done = client.data("POST", helper=["user", "execInstructionUrl", ["OCPP_v16", asked, NODE]])

    assert (done["state"], done["nodeId"], done["topic"]) == ("Completed", NODE, "OCPP_v16")
    assert "MeterValueSampleInterval" in json.dumps(done["resultParameters"])
    assert client.data("GET", helper=["user", "viewInstructionUrl", [done["id"]]]) == done


def test_instruction_may_be_a_form(client, online):
    """Signed as if its fields were parameters."""
    form = {
        "nodeId": NODE,
        "parameters[0].name": "action",
        "parameters[0].value": "ChangeConfiguration",
        "parameters[1].name": "chargerIdentifier",
        "parameters[1].value": IDENTIFIER,
        "parameters[2].name": "msg",
        "parameters[2].value": '{"key": "HeartbeatInterval", "value": "77"}',
    }
    client.write({"method": "POST", "path": "/instr/exec/OCPP_v16", "form": form})

    answer = client.read()

    assert (answer["status"], answer["body"]["data"]["state"]) == (200, "Completed")
    assert online.event("configuration_key", lambda key: key["key"] == "HeartbeatInterval")["value"] == "77"


def test_datum_of_a_session_is_read_back(client, online):
    """What the charger metered, by node and pattern of sources, as their URL helper asks for it."""
    client.data("POST", "authorizations", json={"token": "DRIVER", "enabled": True})
    online.do("plug_in")
    assert online.do("present_tag", token="DRIVER") == "Accepted"
    confirmed = online.event("transaction", lambda value: value["state"] == "confirmed")
    online.event("meter")
    online.event("meter")
    online.do("unplug")
    meant = {"filter": {"nodeId": NODE, "sourceIds": ["/ocpp/cp/CP-SOLAR/1/Outlet"]}}

    # The end of the session is delivered after it is told.
    found = _until(
        lambda: client.data("GET", helper=["query", "listDatumUrl", [meant]])["results"],
        lambda rows: rows and rows[-1].get("endReason"),
    )

    assert {row["nodeId"] for row in found} == {NODE}
    assert {row["transactionId"] for row in found} == {str(confirmed["transaction_id"])}
    assert [row["wattHours"] for row in found] == sorted(row["wattHours"] for row in found)
    (latest,) = client.data("GET", helper=["query", "mostRecentDatumUrl", [meant]])["results"]
    assert latest == found[-1]


def _until(ask, fits):
    """Ask again until the answer fits; return it."""
    deadline = time.monotonic() + SECONDS
    while not fits(found := ask()):
        assert time.monotonic() < deadline, found
    return found
