"""The tables, by noun."""

from chargers.models.charger import Charger, Connector, ConnectorStatus, Protocol, RegistrationStatus
from chargers.models.command import Command
from chargers.models.datum import Datum, DatumHour, DatumStream, PublishSettings, StaleHour
from chargers.models.instruction import Instruction
from chargers.models.location import Location
from chargers.models.message import Message
from chargers.models.presence import ActionStatus, FailedHandshake, Presence
from chargers.models.transaction import ChargingState, Reading, StopReport, Transaction
from chargers.models.variable import Variable

__all__ = [
    "ActionStatus",
    "Charger",
    "ChargingState",
    "Command",
    "Connector",
    "ConnectorStatus",
    "Datum",
    "DatumHour",
    "DatumStream",
    "FailedHandshake",
    "Instruction",
    "Location",
    "Message",
    "Presence",
    "Protocol",
    "PublishSettings",
    "Reading",
    "RegistrationStatus",
    "StaleHour",
    "StopReport",
    "Transaction",
    "Variable",
]
