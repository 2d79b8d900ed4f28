"""The tables, by noun."""

from chargers.models.charger import Charger, Connector, ConnectorStatus, Protocol, RegistrationStatus
from chargers.models.command import Command
from chargers.models.location import Location
from chargers.models.message import Message
from chargers.models.presence import FailedHandshake, Presence
from chargers.models.transaction import ChargingState, Reading, StopReport, Transaction
from chargers.models.variable import Variable

__all__ = [
    "Charger",
    "ChargingState",
    "Command",
    "Connector",
    "ConnectorStatus",
    "FailedHandshake",
    "Location",
    "Message",
    "Presence",
    "Protocol",
    "Reading",
    "RegistrationStatus",
    "StopReport",
    "Transaction",
    "Variable",
]
