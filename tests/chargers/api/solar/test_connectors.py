"""SolarUser's connectors: made and changed by clients, and by what chargers report."""

from datetime import UTC, datetime

import pytest

from chargers.models import Charger, Connector
from csms.models import Event
from tests.chargers.api.solar.test_chargers import denied, malformed, refused

pytestmark = pytest.mark.spec("solar-ocpp", "Connectors save")
THEN = datetime(2020, 3, 1, tzinfo=UTC)


@pytest.fixture
def body(charger):
    return {"chargePointId": charger.pk, "connectorId": 1, "info": {"status": "Available"}}


def _info(**members):
    return {"info": {"status": "Available", **members}}


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"chargePointId": None}, malformed("chargePointId", "The charge point ID is required.")),
        ({"connectorId": None}, malformed("connectorId", "The connector ID is required.")),
        ({"connectorId": -1}, refused("connectorId", "The connector ID must not be less than 0.")),
        (
            {"connectorId": 2**31},
            refused("connectorId", f"The connector ID must not be greater than {2**31 - 1}."),
        ),
        ({"evseId": -1}, refused("evseId", "The EVSE ID must not be less than 0.")),
        ({"info": None}, refused("info", "The info is required.")),
        (_info(status="Broken"), malformed("info.status", '"Broken" is not a valid choice.')),
        (_info(errorCode="Fire"), malformed("info.errorCode", '"Fire" is not a valid choice.')),
        (_info(timestamp="now"), malformed("info.timestamp", 'Malformed date string: "now"')),
        (_info(info="x" * 51), refused("info.info", "The info must be 50 characters or less.")),
        (
            _info(vendorId="x" * 256),
            refused("info.vendorId", "The vendor ID must be 255 characters or less."),
        ),
        (
            _info(vendorErrorCode="x" * 51),
            refused("info.vendorErrorCode", "The vendor error code must be 50 characters or less."),
        ),
        ({"chargePointId": 10**12}, denied("UNKNOWN_OBJECT")),
    ],
)
def test_bad_connectors_are_refused(save, body, changes, answer):
    """With the exact status and body, and nothing is written."""
    assert save("/connectors", {**body, **changes}) == answer
    assert not Connector.objects.exists()


def test_connector_without_a_time_is_of_now(save, body):
    """Its status is Unknown where none is given, and it has no error code."""
    status, answer = save("/connectors", {**body, "info": {}})

    info = answer["data"]["info"]
    assert (status, info["status"], "errorCode" in info, "timestamp" in info) == (200, "Unknown", False, True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, ("Faulted", THEN, "GroundFailure", "", "")),
        ({"status": "Available"}, ("Available", THEN, "GroundFailure", "", "")),
        ({"errorCode": "NoError", "info": "i"}, ("Faulted", THEN, "NoError", "i", "")),
        (
            {"timestamp": "2021-03-01", "vendorId": "v"},
            ("Faulted", THEN.replace(year=2021), "GroundFailure", "", "v"),
        ),
    ],
)
def test_save_again_changes_the_same_connector(save, body, charger, given, kept):
    """Status, error code and time stay unless they are given; the other texts are replaced."""
    row = Connector.objects.create(
        charger=charger,
        connector_id=1,
        status="Faulted",
        error_code="GroundFailure",
        info="old",
        vendor_id="old",
        status_at=THEN,
    )

    save("/connectors", {**body, "info": given})

    row.refresh_from_db()
    assert Connector.objects.count() == 1
    assert (row.status, row.status_at, row.error_code, row.info, row.vendor_id) == kept


def test_evse_is_shown_where_there_is_one(save, read, body):
    """In OCPP 1.6 there is none, and the document does not know it."""
    save("/connectors", body)
    save("/connectors", {**body, "evseId": 2})

    without, beside = read("/connectors")
    assert ("evseId" in without, "evseId" in without["info"]) == (False, False)
    assert list(beside)[:3] == ["chargePointId", "evseId", "connectorId"]
    assert (beside["evseId"], list(beside["info"])[:2]) == (2, ["evseId", "connectorId"])


def test_number_inside_is_the_one_outside(save, body):
    """`info.connectorId` of a body does not matter."""
    _, answer = save("/connectors", {**body, **_info(connectorId=9)})

    assert answer["data"]["info"]["connectorId"] == 1


@pytest.mark.parametrize("status", ["Occupied", "SuspendedEVSE"])
def test_reported_connectors_are_shown(tell, read, charger, status):
    """A status notification enters a connector by itself."""
    tell(
        "StatusNotification",
        {"connectorId": 2, "errorCode": "NoError", "status": status, "timestamp": "2026-11-21T11:00:00Z"},
    )

    (shown,) = read("/connectors")
    assert (shown["connectorId"], shown["info"]["status"]) == (2, status)
    assert shown["info"]["timestamp"] == "2026-11-21T11:00:00Z"


def test_change_is_told_and_a_repeat_is_not(save, body):
    """Live pages hear of it like of a charger's own report."""
    save("/connectors", body)
    save("/connectors", body)

    assert Event.objects.filter(kind="connector.status").count() == 1


def test_connectors_of_one_charger(call, read, owner, charger):
    """The list below a charger, one by its number, and by EVSE and number."""
    other = Charger.objects.create(owner=owner, identifier="CP-2")
    for row in (charger, other):
        Connector.objects.create(charger=row, connector_id=1)
    Connector.objects.create(charger=charger, evse_id=1, connector_id=1, info="EVSE")

    assert [row.get("evseId") for row in read(f"/connectors/{charger.pk}")] == [None, 1]
    assert "evseId" not in read(f"/connectors/{charger.pk}/1")
    assert read(f"/connectors/{charger.pk}/1/1")["info"]["info"] == "EVSE"
    assert call("delete", f"/connectors/{charger.pk}/1/1") == (200, {"success": True})
    assert [row.evse_id for row in Connector.objects.filter(charger=charger)] == [0]
