"""OCPP 2.0.1 functional block C, Authorization."""

from chargers import batch
from chargers.services import authorizing
from chargers.wire import clock

# Our words are OCPP 1.6's; 2.0.1 has the same and more (AuthorizationStatusEnumType).


def authorize(charger, payload):
    return {"idTokenInfo": id_token_info(check(charger, payload["idToken"]))}


def check(charger, id_token, *, for_start=False):
    """Judge an IdTokenType; the absence of a token (NoAuthorization) is accepted where anyone's would be."""
    if id_token.get("type") == "NoAuthorization":
        is_open = charger.may_operate or not for_start
        return authorizing.Verdict(authorizing.ACCEPTED if is_open else authorizing.INVALID)
    return authorizing.check(charger, id_token.get("idToken") or "", now=batch.now(), for_start=for_start)


def id_token_info(verdict):
    """Return the IdTokenInfoType for a verdict."""
    info = {"status": verdict.status}
    if verdict.expiry_date:
        info["cacheExpiryDateTime"] = clock.text(verdict.expiry_date)
    if verdict.parent_token:
        info["groupIdToken"] = {"idToken": verdict.parent_token[:36], "type": "Central"}
    return info


HANDLERS = {"Authorize": authorize}
