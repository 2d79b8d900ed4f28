"""How the virtual charge point answers a CSMS: a module for each block, a table in it for each version."""

from chargers.virtual.answers import (
    authorization,
    availability,
    customers,
    data_transfer,
    diagnostics,
    displays,
    firmware,
    local_list,
    monitoring,
    network,
    provisioning,
    remote_control,
    reports,
    reservation,
    security,
    smart_charging,
    triggers,
)
from chargers.virtual.client import Ignored, Refusal
from chargers.virtual.settings import PROFILE_ACTIONS
from chargers.wire.validation import V16, V201

_BLOCKS = (
    authorization,
    availability,
    customers,
    data_transfer,
    diagnostics,
    displays,
    firmware,
    local_list,
    monitoring,
    network,
    provisioning,
    remote_control,
    reports,
    reservation,
    security,
    smart_charging,
    triggers,
)
HANDLERS = {
    V16: {action: handler for block in _BLOCKS for action, handler in block.HANDLERS_16.items()},
    V201: {action: handler for block in _BLOCKS for action, handler in block.HANDLERS_201.items()},
}
_PROFILES = {action: profile for profile, actions in PROFILE_ACTIONS.items() for action in actions}


def answer(point, action, payload):
    """Return the answer to a CALL of the CSMS; raises Refusal, or Ignored."""
    if not point.registration.status or point.registration.status == "Rejected":
        raise Ignored(f"{action} before the CSMS has accepted the boot")  # OCPP 1.6 section 4.2; 2.0.1 B03
    handler = HANDLERS[point.version].get(action)
    if handler is None or not point.configuration.supports(_PROFILES.get(action)):
        raise Refusal("NotSupported", f"{action} is not supported")
    return handler(point, payload)
