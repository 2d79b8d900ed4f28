"""Logs for the CSMS (OCPP 1.6 section 6.24 and its security whitepaper section 4; 2.0.1 block N)."""

from chargers.virtual.answers.answering import moment, retries
from chargers.virtual.logs import Upload


def _get_diagnostics(point, payload):
    """A file name, or nothing where there is nothing of that time."""
    since = payload.get("startTime")
    if since and moment(since) > point.clock.now():
        return {}
    name = point.logs.name("DiagnosticsLog")
    point.logs.begin(Upload(payload["location"], name=name, **retries(payload)))
    return {"fileName": name}


def _get_log(point, payload):
    log, kind = payload["log"], payload["logType"]
    since, until = (_optional(log, member) for member in ("oldestTimestamp", "latestTimestamp"))
    if not point.logs.content(kind, since, until):
        return {"status": "Rejected"}
    name = point.logs.name(kind)
    upload = Upload(
        log["remoteLocation"],
        kind,
        since,
        until,
        request_id=payload["requestId"],
        name=name,
        **retries(payload),
    )
    return {"status": point.logs.begin(upload), "filename": name}


def _optional(log, member):
    return moment(log[member]) if member in log else None


# What TriggerMessage may ask for ----------------------------------------------------------------


def _tell_diagnostics(point, *_):
    point.tell_soon(*point.logs.message(is_plain=True), is_triggered=True)


def _tell_log(point, *_):
    point.tell_soon(*point.logs.message(), is_triggered=True)


TRIGGERS_16 = {"DiagnosticsStatusNotification": _tell_diagnostics}
EXTENDED_TRIGGERS = TRIGGERS_201 = {"LogStatusNotification": _tell_log}

HANDLERS_16 = {
    "GetDiagnostics": _get_diagnostics,
    "GetLog": _get_log,
}
HANDLERS_201 = {
    "GetLog": _get_log,
}
