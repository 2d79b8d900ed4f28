"""What the station is, told at length (OCPP 2.0.1 B07 and B08)."""

from chargers.virtual import device_model, parts
from chargers.virtual.answers.answering import accepted


def _get_base_report(point, payload):
    return _told(point, payload["requestId"], device_model.base(point, payload["reportBase"]))


def _get_report(point, payload):
    found = device_model.chosen(
        point, payload.get("componentVariable", ()), payload.get("componentCriteria", ())
    )
    return _told(point, payload["requestId"], found)


def _told(point, request_id, variables):
    if not variables:
        return {"status": "EmptyResultSet"}
    told = parts.split("reportData", [each.report() for each in variables])
    point.spawn(parts.tell(point, "NotifyReport", request_id, told))
    return accepted(True)


HANDLERS_16 = {}
HANDLERS_201 = {
    "GetBaseReport": _get_base_report,
    "GetReport": _get_report,
}
