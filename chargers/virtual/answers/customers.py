"""What is known of a customer (OCPP 2.0.1 N09 and N10)."""

from chargers.virtual import parts
from chargers.virtual.answers.answering import accepted

_WAYS = ("idToken", "customerCertificate", "customerIdentifier")
_LONGEST_PART = 512


def _customer_information(point, payload):
    """Only a token is known here: what is asked of other customers has an empty answer."""
    if sum(name in payload for name in _WAYS) != 1:
        return {"status": "Invalid"}
    if not (payload["report"] or payload["clear"]):
        return accepted(False)
    token = payload.get("idToken", {}).get("idToken", "")
    data = _known(point, token) if token and payload["report"] else ""
    if payload["clear"] and token:
        point.charging.authorizing.forget(token)
    starts = range(0, max(1, len(data)), _LONGEST_PART)
    told = [{"data": data[start : start + _LONGEST_PART]} for start in starts]
    point.spawn(parts.tell(point, "NotifyCustomerInformation", payload["requestId"], told))
    return accepted(True)


def _known(point, token):
    lines = []
    if verdict := point.charging.authorizing.recall(token):
        lines.append(f"{token} is {verdict.status} in the cache")
    running = [each.transaction for each in point.connectors.values() if each.transaction]
    own = [each.uid for each in running if each.token.casefold() == token.casefold()]
    return "; ".join([*lines, *(f"{token} charges in {uid}" for uid in own)])


HANDLERS_16 = {}
HANDLERS_201 = {
    "CustomerInformation": _customer_information,
}
