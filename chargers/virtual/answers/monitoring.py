"""Monitors (OCPP 2.0.1 N02 to N08)."""

from chargers.virtual import parts
from chargers.virtual.answers.answering import accepted
from chargers.virtual.monitoring import BASE, LEAST_SEVERE, LEVEL, Monitor

_ECHOED = ("component", "variable", "type", "severity")


def _set(point, payload):
    return {"setMonitoringResult": [_set_one(point, each) for each in payload["setMonitoringData"]]}


def _set_one(point, wanted):
    monitor = Monitor(
        wanted.get("id"),
        wanted["type"],
        wanted["value"],
        wanted["severity"],
        wanted["component"],
        wanted["variable"],
        wanted.get("transaction", False),
    )
    result = {name: wanted[name] for name in _ECHOED} | {"status": point.monitoring.set(monitor)}
    return result | ({"id": monitor.id} if monitor.id is not None else {})


def _clear(point, payload):
    results = [
        {"id": number, "status": "Accepted" if point.monitoring.clear(number) else "NotFound"}
        for number in payload["id"]
    ]
    return {"clearMonitoringResult": results}


def _set_base(point, payload):
    """There are no other monitors than custom ones, which only All leaves alone."""
    point.configuration.learn(BASE, payload["monitoringBase"])
    if payload["monitoringBase"] != "All":
        point.monitoring.clear_all()
    return accepted(True)


def _set_level(point, payload):
    severity = payload["severity"]
    if not 0 <= severity <= LEAST_SEVERE:
        return accepted(False)
    point.configuration.learn(LEVEL, severity)
    return accepted(True)


def _get_report(point, payload):
    monitors = point.monitoring.chosen(
        payload.get("componentVariable", ()), payload.get("monitoringCriteria", ())
    )
    if not monitors:
        return {"status": "EmptyResultSet"}
    entries = [
        {
            "component": each.component,
            "variable": each.variable,
            "variableMonitoring": [each.report()],
        }
        for each in monitors
    ]
    told = parts.split("monitor", entries)
    point.spawn(parts.tell(point, "NotifyMonitoringReport", payload["requestId"], told))
    return accepted(True)


HANDLERS_16 = {}
HANDLERS_201 = {
    "ClearVariableMonitoring": _clear,
    "GetMonitoringReport": _get_report,
    "SetMonitoringBase": _set_base,
    "SetMonitoringLevel": _set_level,
    "SetVariableMonitoring": _set,
}
