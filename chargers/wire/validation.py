"""OCPP's own JSON schemas, compiled once: is a payload valid, and if not, what is wrong with it.

The schemas come with the `ocpp` package; jsonschema-rs checks a MeterValues in microseconds and
does not stumble over one-decimal limits as pure-Python validators do.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jsonschema_rs
import ocpp
import orjson

V16, V201 = "ocpp1.6", "ocpp2.0.1"
VERSIONS = (V16, V201)

_FOLDERS = {V16: "v16", V201: "v201"}

FROM_CHARGER = {
    V16: frozenset(
        "Authorize BootNotification DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification "
        "Heartbeat LogStatusNotification MeterValues SecurityEventNotification SignCertificate "
        "SignedFirmwareStatusNotification StartTransaction StatusNotification StopTransaction".split()
    ),
    V201: frozenset(
        "Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification "
        "Get15118EVCertificate GetCertificateStatus Heartbeat LogStatusNotification MeterValues "
        "NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds "
        "NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport "
        "PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate "
        "SecurityEventNotification SignCertificate StatusNotification TransactionEvent".split()
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a payload is not valid.

    `keyword` is the schema's, `path` leads to the member, `expected` holds the types or words
    that it allows there.
    """

    keyword: str
    path: tuple
    cause: str
    expected: tuple = ()

    @property
    def member(self):
        """The path as people write it: `meterValue.0.timestamp`."""
        return ".".join(str(part) for part in self.path)


@cache
def actions(version):
    """Return every action that the schemas of `version` know."""
    folder = Path(ocpp.__file__).parent / _FOLDERS[version] / "schemas"
    stems = {path.stem for path in folder.glob("*.json")}
    return frozenset(stem.removesuffix("Request") for stem in stems if not stem.endswith("Response"))


def from_charger(version):
    """Return the actions that a charger may send."""
    return FROM_CHARGER[version]


@cache
def to_charger(version):
    """Return the actions that a charger may be sent."""
    return (actions(version) - FROM_CHARGER[version]) | {"DataTransfer"}


@cache
def schema(version, action, *, is_answer=False):
    """Return the JSON schema of an action that `version` knows."""
    suffix = "Response" if is_answer else "Request" if version != V16 else ""
    path = Path(ocpp.__file__).parent / _FOLDERS[version] / "schemas" / f"{action}{suffix}.json"
    return orjson.loads(path.read_text("utf-8-sig"))


@cache
def _validator(version, action, is_answer):
    # Draft 4, which those of 1.6 are written in, for all: later drafts take 1.0 for an integer, and the
    # columns of a database do not. Such a number goes the tolerant way and becomes one.
    # Not kept: hardly one of them is read again.
    return jsonschema_rs.Draft4Validator(schema.__wrapped__(version, action, is_answer=is_answer))


def compile_all():
    """Compile every schema now (some 0.1 s), so that no charger waits for it."""
    for version in VERSIONS:
        for action in actions(version):
            _validator(version, action, False)
            _validator(version, action, True)


def is_valid(version, action, payload, *, is_answer=False):
    """Say whether `payload` fits the schema of `action`, which must be a known one."""
    return _validator(version, action, is_answer).is_valid(payload)


def problems(version, action, payload, *, is_answer=False):
    """Return what is wrong with `payload`, most telling first; [] when nothing is."""
    errors = _validator(version, action, is_answer).iter_errors(payload)
    return [_problem(error) for error in errors]


def _problem(error):
    kind, path, cause = error.kind, tuple(error.instance_path), error.message[:200]
    if kind.name == "required":
        path, cause = (*path, kind.property), "is required"
    elif kind.name == "additionalProperties":
        path, cause = (*path, kind.unexpected[0]), "is not a member of this message"
    expected = getattr(kind, "types", None) or getattr(kind, "options", None) or ()
    return Problem(kind.name, path, cause, tuple(expected))


_CODES = {"required": "OccurrenceConstraintViolation", "type": "TypeConstraintViolation"}
_CODES_16 = {
    "FormatViolation": "FormationViolation",
    # The 1.6 specification spells it with one r, and its implementations compare text.
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
}


def error_code(version, keyword):
    """Return the CALLERROR code of `version` for a payload that fails the schema's `keyword`."""
    code = _CODES.get(keyword)
    if code is None:
        code = (
            "PropertyConstraintViolation"
            if keyword in ("maxLength", "enum", "minItems", "maxItems", "minimum", "maximum", "multipleOf")
            else "FormatViolation"
        )
    return spelled(version, code)


def spelled(version, code):
    """Return `code`, given in 2.0.1's words, as `version` spells it."""
    if version != V16:
        return code
    if code in ("RpcFrameworkError", "MessageTypeNotSupported"):
        return "FormationViolation"
    return _CODES_16.get(code, code)
