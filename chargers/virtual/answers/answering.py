"""What the answers of several blocks share."""

from datetime import UTC, datetime

from chargers.virtual.client import Refusal

MOST_RETRIES = 100


def accepted(it_is):
    return {"status": "Accepted" if it_is else "Rejected"}


def refused(status, reason, explanation):
    """Return an answer that is no; OCPP 2.0.1 says why, and 1.6, where `explanation` is None, does not."""
    if explanation is None:
        return {"status": status}
    return {"status": status, "statusInfo": {"reasonCode": reason[:20], "additionalInfo": explanation[:512]}}


def moment(text):
    """Return the time that a CSMS named; raises Refusal."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("PropertyConstraintViolation", "that is no time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def retries(payload):
    """Return how often, and after how many seconds, a CSMS wants something tried again, within reason."""
    times, seconds = payload.get("retries", 0), payload.get("retryInterval", 0)
    return {"retries": min(max(0, times), MOST_RETRIES), "retry_seconds": max(0, seconds)}


def numbered(point, number):
    """Return the connectors that a connectorId means: all for 0 or None, none where there is no such."""
    return [each for each in point.connectors.values() if number in (None, 0, each.connector_id)]


def chosen(point, evse):
    """Return the connectors that an EVSE object means: all without one, none where there is no such."""
    if not evse or not evse["id"]:
        return list(point.connectors.values())
    connector = point.connectors.get(evse["id"])
    return [connector] if connector and evse.get("connectorId", 1) == 1 else []
