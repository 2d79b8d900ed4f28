"""SolarUser's chargers: what is saved, shown and refused, and what takes effect on the wire."""

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from chargers.models import ActionStatus, Charger, Connector, PublishSettings, Transaction
from csms.models import Event
from tokens import services

INFO = {"id": "CP0001", "chargePointVendor": "V", "chargePointModel": "M"}
BODY = {"nodeId": 1, "info": INFO}
BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
DUPLICATE = "An attempt to save a duplicate key has been denied."
pytestmark = pytest.mark.spec("solar-ocpp", "Chargers save")


def refused(location, message, *, prefix=""):
    errors = [{"location": location, "message": message}]
    return 422, {"success": False, "message": prefix + message, "errors": errors}


def malformed(location, message):
    return refused(location, message, prefix=f"Malformed JSON: {location}: ")


def denied(message):
    return 403, {"success": False, "message": message}


def long(member, name, most):
    return (
        {"info": {**INFO, member: "x" * (most + 1)}},
        refused(f"info.{member}", f"The {name} must be {most} characters or less."),
    )


def absent(member, name):
    info = {key: value for key, value in INFO.items() if key != member}
    return {"info": info}, refused(f"info.{member}", f"The {name} is required.")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"nodeId": None}, malformed("nodeId", "The node ID is required.")),
        ({"nodeId": "one"}, malformed("nodeId", "A valid integer is required.")),
        ({"nodeId": 0}, denied("UNKNOWN_OBJECT")),
        ({"nodeId": -1}, denied("UNKNOWN_OBJECT")),
        ({"registrationStatus": None}, malformed("registrationStatus", "This field may not be null.")),
        ({"registrationStatus": "Maybe"}, malformed("registrationStatus", '"Maybe" is not a valid choice.')),
        ({"connectorCount": -1}, refused("connectorCount", "The connector count must not be less than 0.")),
        (
            {"connectorCount": 2**31},
            refused("connectorCount", f"The connector count must not be greater than {2**31 - 1}."),
        ),
        ({"info": None}, refused("info", "The info is required.")),
        (
            {"info": "CP"},
            malformed("info", "Invalid data. Expected a dictionary, but got str."),
        ),
        absent("id", "info ID"),
        absent("chargePointVendor", "info charge point vendor"),
        absent("chargePointModel", "info charge point model"),
        long("id", "info ID", 48),
        long("chargePointVendor", "info charge point vendor", 20),
        long("chargePointModel", "info charge point model", 20),
        long("chargePointSerialNumber", "charge point serial number", 25),
        long("chargeBoxSerialNumber", "charge box serial number", 25),
        long("firmwareVersion", "firmware version", 50),
        long("iccid", "ICCID", 20),
        long("imsi", "IMSI", 20),
        long("meterType", "meter type", 25),
        long("meterSerialNumber", "meter serial number", 25),
        ({"id": 99}, denied("UNKNOWN_OBJECT")),
    ],
)
def test_bad_chargers_are_refused(save, changes, answer):
    """With the exact status and body, and nothing is written."""
    assert save("/chargers", {**BODY, **changes}) == answer
    assert not Charger.objects.exists()


def test_missing_info_members_are_told_together(save):
    """An empty object lacks its three required members."""
    status, body = save("/chargers", {"nodeId": 1, "info": {}})

    message = (
        "The info ID is required. The info charge point vendor is required. "
        "The info charge point model is required."
    )
    assert (status, body["message"]) == (422, message)


def test_defaults_of_a_new_charger(save):
    """Disabled and pending, until somebody says otherwise."""
    status, body = save("/chargers", BODY)

    shown = {name: body["data"][name] for name in ("enabled", "registrationStatus", "connectorCount")}
    assert (status, shown) == (201, {"enabled": False, "registrationStatus": "Pending", "connectorCount": 0})


def test_identifier_is_unique_in_an_account(save, owner, stranger):
    """Another account may have the same; so may a charger that was deleted."""
    Charger.objects.create(owner=stranger, identifier="CP0001")
    Charger.objects.create(owner=owner, identifier="CP0001", deleted_at=datetime.now(UTC))

    assert save("/chargers", BODY)[0] == 201
    errors = [{"location": "info.id", "message": DUPLICATE}]
    assert save("/chargers", BODY) == (
        422,
        {"success": False, "code": "DAO.00101", "message": DUPLICATE, "errors": errors},
    )


def test_update_replaces_what_this_api_knows_and_nothing_else(save, owner):
    """What is left out becomes empty; what other doors set stays."""
    row = Charger.objects.create(owner=owner, identifier="old", name="Car park", iccid="1", connector_count=2)

    status, _ = save("/chargers", {**BODY, "id": row.pk, "nodeId": 7})

    row.refresh_from_db()
    assert (status, row.identifier, row.node_id, row.iccid, row.connector_count) == (200, "CP0001", 7, "", 0)
    assert (row.name, row.registration_status) == ("Car park", "Pending")


def test_longer_texts_survive_a_client_that_saves_what_it_was_shown(save, read, owner):
    """OCPP 2.0.1 allows 255 characters; this API shows the first ones."""
    vendor = "A vendor of a very long name"
    row = Charger.objects.create(owner=owner, identifier="x" * 60, vendor=vendor, model="M")

    shown = read(f"/chargers/{row.pk}")
    save("/chargers", shown)

    row.refresh_from_db()
    assert shown["info"]["chargePointVendor"] == vendor[:20]
    assert (row.identifier, row.vendor) == ("x" * 60, vendor)


def test_approval_is_told_as_by_any_other_door(save, owner):
    """Accepting a pending charger is an event."""
    row = Charger.objects.create(owner=owner, identifier="CP0001", registration_status="Pending")

    save("/chargers", {**BODY, "id": row.pk, "registrationStatus": "Accepted"})

    assert Event.objects.filter(kind="charger.approved", charger_id=row.pk).count() == 1


# On the wire ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enabled", "status", "answer"),
    [
        (True, "Accepted", "Accepted"),
        (True, "Pending", "Pending"),
        (True, "Unknown", "Pending"),
        (True, "Rejected", "Rejected"),
        (False, "Accepted", "Rejected"),
        (False, "Pending", "Rejected"),
    ],
)
def test_boot_is_answered_as_the_api_was_told(save, tell, charger, enabled, status, answer):
    """A charger that may not operate is not accepted, whatever else it may do."""
    save("/chargers", {**BODY, "id": charger.pk, "enabled": enabled, "registrationStatus": status})

    assert tell("BootNotification", BOOT)["status"] == answer


@pytest.mark.parametrize("change", [{"enabled": False}, {"registrationStatus": "Rejected"}])
def test_nothing_starts_on_a_charger_that_may_not_operate(save, tell, charger, driver, change):
    """The start is refused; a transaction that runs is measured and stopped as ever."""
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": "2026-11-21T12:00:00Z"}
    running = tell("StartTransaction", start)
    body = {**BODY, "id": charger.pk, "enabled": True, "registrationStatus": "Accepted", **change}
    save("/chargers", body)

    refused = tell("StartTransaction", {**start, "connectorId": 2})
    tell(
        "StopTransaction",
        {"transactionId": running["transactionId"], "meterStop": 9, "timestamp": "2026-11-21T13:00:00Z"},
    )

    assert running["idTagInfo"]["status"] == "Accepted"
    assert refused["idTagInfo"]["status"] != "Accepted"
    assert Transaction.objects.get(pk=running["transactionId"]).end_wh == 9


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"enabled": True}, "Accepted"),
        ({"enabled": False}, "Blocked"),
        ({"enabled": True, "expiryDate": "2026-11-21T11:00:00Z"}, "Expired"),
    ],
)
def test_authorizations_take_effect_at_once(save, tell, charger, row, status):
    """There is no cache between the API and the charger."""
    save("/authorizations", {"token": "TAG9", **row})

    assert tell("Authorize", {"idTag": "tag9"})["idTagInfo"]["status"] == status


# Deleting ---------------------------------------------------------------------------------------------


@pytest.mark.spec("solar-ocpp", "Chargers delete")
def test_deleted_charger_leaves_its_sessions(call, read, rows):
    """Its connectors, settings and status lists go with it."""
    charger = rows[Charger]

    assert call("delete", f"/chargers/{charger.pk}") == (200, {"success": True})

    assert call("get", f"/chargers/{charger.pk}")[0] == 404
    assert [read(path) for path in ("/chargers", "/connectors", "/chargers/settings")] == [[], [], []]
    assert [read(path) for path in ("/chargers/status", "/chargers/action-status")] == [[], []]
    assert read("/sessions")["returnedResultCount"] == 1
    models = (Connector, PublishSettings, ActionStatus)
    assert [model.objects.filter(charger=charger).exists() for model in models] == [False] * 3


def test_credentials_that_name_a_deleted_charger_stay(call, owner, charger):
    """As theirs."""
    services.create_credential(owner, "login", allowed_charge_points=["CP-1"])

    call("delete", f"/chargers/{charger.pk}")

    assert owner.credentials.get().allowed_charge_points == ["CP-1"]


# Finding ----------------------------------------------------------------------------------------------


def _three(owner):
    return [Charger.objects.create(owner=owner, identifier=f"CP-{letter}").pk for letter in "bca"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "bca"),
        ("max=2", "bc"),
        ("max=2&offset=2", "a"),
        ("sorts[0].sortKey=IDENTIFIER", "abc"),
        ("sortDescriptors[0].sortKey=identifier&sortDescriptors[0].descending=true", "cba"),
        ("identifiers=CP-a,CP-c", "ca"),
        ("identifier=CP-b", "b"),
    ],
)
def test_chargers_are_found_a_page_at_a_time(read, owner, query, found):
    """FilterResults, which nothing is counted for."""
    _three(owner)

    page = read(f"/chargers/find?{query}")

    assert [row["info"]["id"][-1] for row in page["results"]] == list(found)
    assert (page["returnedResultCount"], "totalResults" in page) == (len(found), False)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("max=many", 'Illegal argument: Failed to convert "max" with value: "many"'),
        ("max=-1", f"Illegal argument: max must be between 0 and {2**63 - 1}"),
        ("offset=100001", "Illegal argument: offset must be between 0 and 100000"),
        ("chargePointIds=1,x", 'Illegal argument: Failed to convert "chargePointId" with value: "x"'),
        (
            "sorts[0].sortKey=COLOUR",
            'Illegal argument: "COLOUR" is no sort key; there are: ID, DATE, IDENTIFIER, NODE',
        ),
    ],
)
def test_bad_queries_are_refused(call, query, message):
    """The text names the parameter."""
    assert call("get", f"/chargers/find?{query}") == (422, {"success": False, "message": message})


# A token's nodes --------------------------------------------------------------------------------------


@pytest.fixture
def narrow(owner):
    """A client whose token may reach node 2 only."""
    token, secret = services.create_api_token(owner, policy={"nodeIds": [2]})
    return APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})


BASE = "/solaruser/api/v1/sec/user/ocpp"


def test_chargers_of_other_nodes_do_not_exist_for_a_narrow_token(narrow, rows, owner):
    """Nor anything that belongs to them."""
    here = Charger.objects.create(owner=owner, identifier="here", node_id=2)

    shown = narrow.get(f"{BASE}/chargers").json()["data"]

    assert [row["id"] for row in shown] == [here.pk]
    assert narrow.get(f"{BASE}/connectors").json()["data"] == []
    assert narrow.delete(f"{BASE}/chargers/{rows[Charger].pk}").status_code == 404


@pytest.mark.parametrize(("node", "status"), [(2, 201), (1, 403)])
def test_narrow_token_enters_chargers_on_its_nodes_only(narrow, node, status):
    """A policy that names nodes must name the charger's."""
    answer = narrow.post(f"{BASE}/chargers", {**BODY, "nodeId": node})

    assert answer.status_code == status
    assert Charger.objects.count() == (status == 201)
