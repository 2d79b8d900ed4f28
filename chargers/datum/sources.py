"""Source IDs: what a template becomes for a connector, a location and a phase. Pure."""

import hashlib
import re
from functools import lru_cache

LONGEST = 64
# `{name}`; SolarNetwork lets something follow after a colon, which means nothing.
_PARAMETER = re.compile(r"\{([^{}:]*)(?::[^{}]*)?\}")
_SLASHES = re.compile("/{2,}")
# What is left of both ends of a source ID that is too long.
_HEAD, _TAIL = 35, 19


@lru_cache(maxsize=4096)
def uses(template, name):
    """Whether `template` has the parameter `name`."""
    return name in _PARAMETER.findall(template)


# One for each connector and place of a large fleet; a made-up location is cut short before it comes here.
@lru_cache(maxsize=32768)
def expand(template, charger_id, identifier, evse_id, connector_id, location="", phase="", suffix=""):
    """Return the source ID: `template` with its parameters filled in, tidied, at most 64 characters.

    A parameter that is unknown or has no value is left out, and with it its slash. Of a template
    without {evseId} the {connectorId} tells both where there are EVSEs (`1.2`): the first connectors of
    two EVSEs are two meters. Empty when nothing is left.
    """
    values = {
        "chargePointId": str(charger_id),
        "chargerIdentifier": identifier,
        "evseId": str(evse_id or ""),
        "connectorId": _connector(evse_id, connector_id, is_apart=uses(template, "evseId")),
        "location": location,
        "phase": phase,
    }
    filled = _PARAMETER.sub(lambda match: values.get(match[1], ""), template)
    tidy = _SLASHES.sub("/", filled).rstrip("/")
    return _cut(tidy + suffix) if tidy else ""


def _connector(evse_id, connector_id, *, is_apart):
    if not evse_id or is_apart:
        return str(connector_id)
    return f"{evse_id}.{connector_id}" if connector_id else str(evse_id)


def _cut(source):
    """Shorten in the middle, where a digest keeps apart what would become the same."""
    if len(source) <= LONGEST:
        return source
    digest = hashlib.blake2b(source.encode(), digest_size=4).hexdigest()
    return f"{source[:_HEAD]}~{digest}~{source[-_TAIL:]}"
