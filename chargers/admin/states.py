"""In which state a charger, connector, command or transaction is, for people: one badge each.

A charger is in exactly one state; `of_charger` (a row) and `in_state` (a query) follow the same
order: disabled, pending, rejected, offline, faulted, online.
"""

from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from chargers.models import (
    ChargingLimit,
    ChargingProfile,
    Command,
    CompositeSchedule,
    Connector,
    ConnectorStatus,
    Instruction,
    Message,
    RegistrationStatus,
    Report,
    Variable,
)
from csms.badges import Badge
from csms.models import ServerProcess

CHARGER = {
    "online": Badge("Online", "check", "good"),
    "faulted": Badge("Faulted", "alert", "bad"),
    "offline": Badge("Offline", "off", "calm"),
    "pending": Badge("Pending approval", "clock", "warn"),
    "rejected": Badge("Rejected", "block", "bad"),
    "disabled": Badge("Disabled", "pause", "calm"),
}
CONNECTOR = {
    ConnectorStatus.UNKNOWN: Badge("Unknown", "question", "calm"),
    ConnectorStatus.AVAILABLE: Badge("Available", "check", "good"),
    ConnectorStatus.OCCUPIED: Badge("Occupied", "plug", "busy"),
    ConnectorStatus.FAULTED: Badge("Faulted", "alert", "bad"),
    ConnectorStatus.UNAVAILABLE: Badge("Unavailable", "block", "calm"),
    ConnectorStatus.RESERVED: Badge("Reserved", "clock", "warn"),
    ConnectorStatus.PREPARING: Badge("Preparing", "plug", "busy"),
    ConnectorStatus.CHARGING: Badge("Charging", "bolt", "busy"),
    ConnectorStatus.SUSPENDED_EV: Badge("Suspended by vehicle", "pause", "warn"),
    ConnectorStatus.SUSPENDED_EVSE: Badge("Suspended by charger", "pause", "warn"),
    ConnectorStatus.FINISHING: Badge("Finishing", "plug", "busy"),
}
COMMAND = {
    Command.State.QUEUED: Badge("Queued", "clock", "calm"),
    Command.State.SENT: Badge("Sent, waiting for the answer", "send", "busy"),
    Command.State.COMPLETED: Badge("Answered", "check", "good"),
    Command.State.FAILED: Badge("Failed", "alert", "bad"),
    Command.State.TIMED_OUT: Badge("Timed out", "clock", "bad"),
    Command.State.EXPIRED: Badge("Expired", "clock", "warn"),
    Command.State.CANCELLED: Badge("Cancelled", "block", "calm"),
}
SCHEDULE = {
    CompositeSchedule.State.UNASKED: Badge("Never asked", "question", "calm"),
    CompositeSchedule.State.ASKED: Badge("Asked, waiting for the answer", "send", "busy"),
    CompositeSchedule.State.KNOWN: Badge("Known", "check", "good"),
    CompositeSchedule.State.REFUSED: Badge("Refused", "block", "bad"),
    CompositeSchedule.State.FAILED: Badge("Failed", "alert", "bad"),
    CompositeSchedule.State.UNSUPPORTED: Badge("Not supported", "block", "calm"),
}
INSTRUCTION = {
    Instruction.State.RECEIVED: Badge("Received", "clock", "calm"),
    Instruction.State.EXECUTING: Badge("Executing", "send", "busy"),
    Instruction.State.COMPLETED: Badge("Completed", "check", "good"),
    Instruction.State.DECLINED: Badge("Declined", "block", "warn"),
}
DESIRED = {
    Variable.Desired.WAITING: Badge("Waiting", "clock", "calm"),
    Variable.Desired.SENT: Badge("Sent", "send", "busy"),
    Variable.Desired.ACCEPTED: Badge("Accepted", "check", "good"),
    Variable.Desired.IGNORED: Badge("Accepted and ignored", "alert", "bad"),
    Variable.Desired.REJECTED: Badge("Rejected", "block", "bad"),
    Variable.Desired.REBOOT_REQUIRED: Badge("Restart required", "reset", "warn"),
    Variable.Desired.NOT_SUPPORTED: Badge("Not supported", "block", "warn"),
    Variable.Desired.FAILED: Badge("Failed", "alert", "bad"),
}
REPORT = {
    Report.State.OPEN: Badge("Coming in", "send", "busy"),
    Report.State.COMPLETE: Badge("Complete", "check", "good"),
    Report.State.HOLED: Badge("Parts missing", "alert", "warn"),
    Report.State.TIMED_OUT: Badge("Timed out", "clock", "bad"),
    Report.State.REFUSED: Badge("Nothing to report, or refused", "block", "warn"),
}
OUTCOME = {
    Message.Outcome.RESULT: Badge("Answered", "check", "good"),
    Message.Outcome.ERROR: Badge("Error", "alert", "bad"),
    Message.Outcome.TIMEOUT: Badge("No answer", "clock", "bad"),
    Message.Outcome.UNREADABLE: Badge("Unreadable", "question", "bad"),
    Message.Outcome.IGNORED: Badge("Ignored", "block", "calm"),
}
LIMIT = {
    ChargingLimit.State.REQUESTED: Badge("Waits", "clock", "calm"),
    ChargingLimit.State.TRYING: Badge("Sent, waiting for the answer", "send", "busy"),
    ChargingLimit.State.ACCEPTED: Badge("Accepted, not verified", "question", "warn"),
    ChargingLimit.State.VERIFIED: Badge("Verified", "check", "good"),
    ChargingLimit.State.IGNORED: Badge("Accepted and ignored", "alert", "bad"),
    ChargingLimit.State.REFUSED: Badge("Refused", "block", "bad"),
    ChargingLimit.State.FAILED: Badge("Failed", "alert", "bad"),
    ChargingLimit.State.ENDED: Badge("Ended", "check", "calm"),
}
PROFILE = {
    ChargingProfile.State.WAITING: Badge("Waits", "clock", "calm"),
    ChargingProfile.State.SENT: Badge("Sent, waiting for the answer", "send", "busy"),
    ChargingProfile.State.INSTALLED: Badge("Installed", "check", "good"),
    ChargingProfile.State.REJECTED: Badge("Rejected", "block", "bad"),
    ChargingProfile.State.FAILED: Badge("Failed", "alert", "bad"),
    ChargingProfile.State.CLEARING: Badge("Being cleared", "clock", "warn"),
    ChargingProfile.State.REMOVED: Badge("Removed", "off", "calm"),
}
# What a charger may answer that means no.
_REFUSALS = {"Rejected", "NotSupported", "NotImplemented", "UnlockFailed", "Failed", "Faulted", "Unknown"}
_OPERATING = Q(enabled=True, registration_status=RegistrationStatus.ACCEPTED)
_WAITING = [RegistrationStatus.PENDING, RegistrationStatus.UNKNOWN]


def of_charger(charger, now=None):
    """Return the badge of a charger that was loaded with its presence, process and connectors."""
    if not charger.enabled:
        return CHARGER["disabled"]
    if charger.registration_status in _WAITING:
        return CHARGER["pending"]
    if charger.registration_status == RegistrationStatus.REJECTED:
        return CHARGER["rejected"]
    if not is_online(charger, now or timezone.now()):
        offline = CHARGER["offline"]
        return offline.saying("Offline, stopped") if charger.stopped_at else offline
    faulted = any(each.status == ConnectorStatus.FAULTED for each in charger.connectors.all())
    return CHARGER["faulted" if faulted else "online"]


def is_online(charger, now):
    """Say whether the charger is connected; one that never was has no presence."""
    presence = getattr(charger, "presence", None)
    return presence is not None and presence.is_online(now)


def _online(now):
    # As `Presence.objects.online` says, by joins: a subquery for each charger is slow in a large fleet.
    alive = now - timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS)
    return Q(presence__expires_at__gt=now, presence__process__beat_at__gt=alive)


def _conditions(now):
    online = _online(now)
    faulted = Exists(Connector.objects.filter(charger=OuterRef("pk"), status=ConnectorStatus.FAULTED))
    return {
        "online": _OPERATING & online & ~Q(faulted),
        "faulted": _OPERATING & online & Q(faulted),
        "offline": _OPERATING & ~online,
        "pending": Q(enabled=True, registration_status__in=_WAITING),
        "rejected": Q(enabled=True, registration_status=RegistrationStatus.REJECTED),
        "disabled": Q(enabled=False),
    }


def in_state(chargers, state, now):
    """Return the chargers of the queryset that are in `state`."""
    return chargers.filter(_conditions(now)[state])


def counts(chargers, now):
    """Return how many chargers of the queryset are in each state, in two queries."""
    conditions = _conditions(now)
    simple = {name: conditions[name] for name in ("pending", "rejected", "disabled")}
    simple |= {"operating": _OPERATING, "connected": _OPERATING & _online(now)}
    found = chargers.aggregate(**{name: Count("pk", filter=where) for name, where in simple.items()})
    faulted = in_state(chargers, "faulted", now).count()
    operating, connected = found.pop("operating"), found.pop("connected")
    return found | {"online": connected - faulted, "faulted": faulted, "offline": operating - connected}


def of_connector(connector):
    """Return the badge of a connector, with the error that it reported.

    OCPP 2.0.1 says Occupied whatever the vehicle does; power that flows is what people look for.
    """
    badge = CONNECTOR[connector.status]
    if connector.status == ConnectorStatus.OCCUPIED and connector.power_w:
        badge = CONNECTOR[ConnectorStatus.CHARGING]
    error = connector.error_code
    return badge.saying(f"{badge.text}: {error}") if error and error != "NoError" else badge


def of_command(command):
    """Return the badge of a command; a charger's refusal is an answer, but no success."""
    badge = COMMAND[command.state]
    if command.state == Command.State.COMPLETED and isinstance(command.result, dict):
        status = command.result.get("status")
        if isinstance(status, str):
            refused = status in _REFUSALS
            return Badge(status, "block", "bad") if refused else badge.saying(status)
    return badge


def of_variable(variable):
    """Return the badge of what is wanted of a variable."""
    badge = DESIRED[variable.desired_state]
    return badge.saying("Accepted, reads back so") if variable.verified_at and badge.tone == "good" else badge


def of_report(report):
    """Return the badge of a report."""
    return REPORT[report.state]


def of_compositeschedule(schedule):
    """Return the badge of a place's composite schedule."""
    return SCHEDULE[schedule.state]


def of_instruction(instruction):
    """Return the badge of an instruction; when it is Completed, with what the charger answered."""
    badge = INSTRUCTION[instruction.state]
    return of_command(instruction.command) if badge.tone == "good" else badge


def of_charginglimit(limit):
    """Return the badge of a limit: what the charger has shown, not what it said."""
    return LIMIT[limit.state]


def of_chargingprofile(profile):
    """Return the badge of a charging profile."""
    return PROFILE[profile.state]


def of_transaction(transaction):
    """Return the badge of a transaction."""
    if transaction.is_refused:
        return Badge("Refused", "block", "bad")
    if transaction.ended_at:
        return Badge("Ended", "check", "calm")
    if transaction.charging_state.startswith("Suspended"):
        return Badge("Suspended", "pause", "warn")
    return Badge("Running", "bolt", "busy")
