"""Messages that the CSMS asks for (OCPP 1.6 section 5.17; 2.0.1 F06)."""

from chargers.virtual.answers import diagnostics, firmware, security
from chargers.virtual.answers.answering import accepted, chosen, numbered


def _trigger_heartbeat(point, number):
    point.tell_soon("Heartbeat", {}, is_triggered=True)


def _trigger_16(point, payload):
    return _triggered_16(point, payload, _TRIGGERS_16)


def _extended_trigger_16(point, payload):
    return _triggered_16(point, payload, _EXTENDED_TRIGGERS)


def _triggered_16(point, payload, triggers):
    number = payload.get("connectorId")
    if number is not None and number not in (0, *point.connectors):
        return accepted(False)
    trigger = triggers.get(payload["requestedMessage"])
    if trigger is None:
        return {"status": "NotImplemented"}
    return accepted(trigger(point, number) is not False)


def _trigger_boot_16(point, number):
    point.registration.boot()


def _trigger_status_16(point, number):
    for action, payload in point.words.statuses(point):
        if number in (None, payload["connectorId"]):
            point.tell_soon(action, payload, is_triggered=True)


def _trigger_meter_values_16(point, number):
    names = point.configuration.words("MeterValuesSampledData")
    if not names:
        return False  # there is nothing to read
    for connector in numbered(point, number):
        if connector.transaction:
            point.charging.sample(connector, context="Trigger")
            continue
        value = point.words.meter_value(point.read(connector), names, "Trigger")
        payload = {"connectorId": connector.connector_id, "meterValue": [value]}
        point.tell_soon("MeterValues", payload, is_triggered=True)
    return True


_TRIGGERS_16 = {
    "BootNotification": _trigger_boot_16,
    "Heartbeat": _trigger_heartbeat,
    "MeterValues": _trigger_meter_values_16,
    "StatusNotification": _trigger_status_16,
}
_TRIGGERS_16 |= diagnostics.TRIGGERS_16 | firmware.TRIGGERS_16
_EXTENDED_TRIGGERS = (
    _TRIGGERS_16 | diagnostics.EXTENDED_TRIGGERS | firmware.EXTENDED_TRIGGERS | security.EXTENDED_TRIGGERS
)


def _trigger_201(point, payload):
    connectors = chosen(point, payload.get("evse"))
    if not connectors:
        return accepted(False)
    trigger = _TRIGGERS_201.get(payload["requestedMessage"])
    if trigger is None:
        return {"status": "NotImplemented"}
    return accepted(trigger(point, connectors) is not False)


def _trigger_boot_201(point, connectors):
    if point.registration.is_accepted:
        return False  # F06.FR.17
    point.registration.boot()
    return True


def _trigger_status_201(point, connectors):
    for connector in connectors:
        for action, payload in point.words.status(point, connector):
            point.tell_soon(action, payload, is_triggered=True)


def _trigger_meter_values_201(point, connectors):
    names = point.configuration.words("MeterValuesAlignedData")  # F06.FR.06
    if not names:
        return False
    for connector in connectors:
        value = point.words.meter_value(point.read(connector), names, "Trigger")
        payload = {"evseId": connector.connector_id, "meterValue": [value]}
        point.tell_soon("MeterValues", payload, is_triggered=True)
    return True


def _trigger_transaction_event(point, connectors):
    running = [each for each in connectors if each.transaction]
    for connector in running:
        point.charging.sample(connector, context="Trigger")
    return bool(running)


_TRIGGERS_201 = {
    "BootNotification": _trigger_boot_201,
    "Heartbeat": _trigger_heartbeat,
    "MeterValues": _trigger_meter_values_201,
    "StatusNotification": _trigger_status_201,
    "TransactionEvent": _trigger_transaction_event,
}
_TRIGGERS_201 |= diagnostics.TRIGGERS_201 | firmware.TRIGGERS_201 | security.TRIGGERS_201


HANDLERS_16 = {
    "ExtendedTriggerMessage": _extended_trigger_16,
    "TriggerMessage": _trigger_16,
}
HANDLERS_201 = {
    "TriggerMessage": _trigger_201,
}
