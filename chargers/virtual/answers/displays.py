"""Messages for drivers, and what their charge costs (OCPP 2.0.1 blocks O and I)."""

from chargers.virtual import parts
from chargers.virtual.answers.answering import accepted, moment
from chargers.virtual.displays import Message


def _set(point, payload):
    message = payload["message"]
    until = message.get("endDateTime")
    return {"status": point.displays.show(Message(message, moment(until) if until else None))}


def _get(point, payload):
    found = point.displays.chosen(payload.get("id"), payload.get("priority"), payload.get("state"))
    if not found:
        return {"status": "Unknown"}
    told = parts.split("messageInfo", found)
    work = parts.tell(point, "NotifyDisplayMessages", payload["requestId"], told, is_numbered=False)
    point.spawn(work)
    return accepted(True)


def _clear(point, payload):
    return {"status": "Accepted" if point.displays.remove(payload["id"]) else "Unknown"}


def _cost_updated(point, payload):
    point.publish("cost", {"transaction_id": payload["transactionId"], "total_cost": payload["totalCost"]})
    return {}


HANDLERS_16 = {}
HANDLERS_201 = {
    "ClearDisplayMessage": _clear,
    "CostUpdated": _cost_updated,
    "GetDisplayMessages": _get,
    "SetDisplayMessage": _set,
}
