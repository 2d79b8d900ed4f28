"""npm's ocpp-rpc, strict, as a station that is none of ours: settings, reports and profiles.

The server's own services drive it, through their doors; it answers like a station, and every message
is held against schemas of its own.
"""

import time

import pytest

from chargers.models import ChargingLimit, Connector, Report, Variable
from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both
from tests.kit.rpc import RpcChargePoint
from tests.kit.scenes import PASSWORD, SECONDS, entered

pytestmark = [pytest.mark.once, pytest.mark.node]
AT = "2026-11-21T04:00:00Z"
PLACE = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}


class Station:
    """What it holds, and how it answers."""

    def __init__(self):
        self.interval, self.limit = "60", None
        self.answers = {
            "GetBaseReport": {"status": "Accepted"},
            "GetConfiguration": {"configurationKey": [], "unknownKey": []},
            "SetVariables": self._set_variables,
            "GetVariables": self._get_variables,
            "SetChargingProfile": self._set_profile,
            "ClearChargingProfile": self._clear_profile,
            "GetCompositeSchedule": self._composite,
        }

    def _set_variables(self, payload):
        (wanted,) = payload["setVariableData"]
        self.interval = wanted["attributeValue"]
        return {"setVariableResult": [PLACE | {"attributeStatus": "Accepted"}]}

    def _get_variables(self, payload):
        told = PLACE | {"attributeStatus": "Accepted", "attributeValue": self.interval}
        return {"getVariableResult": [told for _ in payload["getVariableData"]]}

    def _set_profile(self, payload):
        told = payload.get("chargingProfile") or payload["csChargingProfiles"]
        schedule = told["chargingSchedule"]
        (schedule,) = schedule if isinstance(schedule, list) else [schedule]
        self.limit = {"unit": schedule["chargingRateUnit"], **schedule["chargingSchedulePeriod"][0]}
        return {"status": "Accepted"}

    def _clear_profile(self, payload):
        status = "Unknown" if self.limit is None else "Accepted"
        self.limit = None
        return {"status": status}

    def _composite(self, payload):
        if self.limit is None:
            return {"status": "Rejected"}
        periods = [{"startPeriod": 0, "limit": self.limit["limit"]}]
        told = {"chargingRateUnit": self.limit["unit"], "chargingSchedulePeriod": periods}
        told["duration"] = payload["duration"]
        if "evseId" in payload:
            place = {"evseId": payload["evseId"], "scheduleStart": AT}
            return {"status": "Accepted", "schedule": told | place}
        place = {"connectorId": payload["connectorId"], "scheduleStart": AT}
        return {"status": "Accepted", "chargingSchedule": told} | place


def stored(query):
    """Wait until `query()` finds something in the database; return it."""
    deadline = time.monotonic() + SECONDS
    while not (found := query()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture
def connect(server, request):
    """Return a function that connects a station of a version and boots it: (its row, itself, what it holds)."""
    points = []

    def begin(version):
        row = entered(server.owner, f"RPC-{request.node.name}", version)
        station = Station()
        points.append(RpcChargePoint(server.websockets, row.identifier, version, PASSWORD, station.answers))
        assert points[-1].call("BootNotification", BOOT[version])["status"] == "Accepted"
        assert points[-1].call("StatusNotification", STATUS[version]) == {}
        return row, points[-1], station

    yield begin
    for point in points:
        point.close()
        assert point.violations == []


BOOT = {
    V16: {"chargePointVendor": "V", "chargePointModel": "M"},
    V201: {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}},
}
STATUS = {
    V16: {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": AT},
    V201: {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": AT},
}


def test_wanted_variable_is_set_and_read_back(connect, server):
    row, point, station = connect(V201)
    wish = {"component": "SampledDataCtrlr", "name": "TxUpdatedInterval", "value": "30"}

    status, _ = server.request("POST", f"chargers/{row.pk}/variables", {"variables": [wish]})

    assert status == 200
    verified = Variable.objects.filter(charger=row, name="TxUpdatedInterval", verified_at__isnull=False)
    variable = stored(verified.first)
    assert (variable.desired_state, variable.value, station.interval) == ("accepted", "30", "30")
    point.hears("GetVariables")


def test_base_report_is_asked_for_and_taken_in(connect, server):
    row, point, _ = connect(V201)

    status, command = server.request(
        "POST", f"chargers/{row.pk}/variables/read", {"report_base": "ConfigurationInventory"}
    )

    assert status == 202
    request_id = command["payload"]["requestId"]
    point.hears("GetBaseReport", {"requestId": request_id, "reportBase": "ConfigurationInventory"})
    for number, value in enumerate(["61", "62"]):
        attribute = {"type": "Actual", "value": value, "mutability": "ReadWrite"}
        names = {"variable": {"name": f"Part{number}"}, "variableAttribute": [attribute]}
        part = {"requestId": request_id, "generatedAt": AT, "seqNo": number, "tbc": number == 0}
        part["reportData"] = [PLACE | names]
        assert point.call("NotifyReport", part) == {}
    report = stored(Report.objects.filter(command=command["id"], state="complete").first)
    assert report.parts == 2
    parts = Variable.objects.filter(charger=row, name__startswith="Part").order_by("name")
    assert [variable.value for variable in parts] == ["61", "62"]


@both
def test_limit_is_set_verified_and_lifted(connect, server, version):
    row, point, station = connect(version)
    connector = stored(Connector.objects.filter(charger=row, connector_id=1).first)

    status, limit = server.request("POST", f"connectors/{connector.pk}/limit/", {"amps": 13.5})

    assert status in (200, 202)
    verified = ChargingLimit.objects.filter(pk=limit["id"], composite_verified=True)
    assert stored(verified.first).value == 13.5
    assert (station.limit["unit"], station.limit["limit"]) == ("A", 13.5)
    server.request("DELETE", f"connectors/{connector.pk}/limit/")
    point.hears("ClearChargingProfile")
    assert stored(ChargingLimit.objects.filter(pk=limit["id"], ended_at__isnull=False).first)
    assert station.limit is None
