"""The tables, by noun."""

from chargers.models.charger import Charger, Connector, ConnectorStatus, Protocol, RegistrationStatus
from chargers.models.charging_profile import (
    ChargingLimit,
    ChargingNeeds,
    ChargingProfile,
    ChargingRateUnit,
    ExternalLimit,
)
from chargers.models.command import Command
from chargers.models.datum import Datum, DatumHour, DatumStream, PublishSettings, StaleHour
from chargers.models.instruction import Instruction
from chargers.models.location import Location
from chargers.models.message import Message
from chargers.models.presence import ActionStatus, FailedHandshake, Presence
from chargers.models.report import Report
from chargers.models.schedule import CompositeSchedule
from chargers.models.transaction import ChargingState, Reading, StopReport, Transaction
from chargers.models.variable import Learning, Variable

__all__ = [
    "ActionStatus",
    "Charger",
    "ChargingLimit",
    "ChargingNeeds",
    "ChargingProfile",
    "ChargingRateUnit",
    "ChargingState",
    "Command",
    "CompositeSchedule",
    "Connector",
    "ConnectorStatus",
    "Datum",
    "DatumHour",
    "DatumStream",
    "ExternalLimit",
    "FailedHandshake",
    "Instruction",
    "Learning",
    "Location",
    "Message",
    "Presence",
    "Protocol",
    "PublishSettings",
    "Reading",
    "RegistrationStatus",
    "Report",
    "StaleHour",
    "StopReport",
    "Transaction",
    "Variable",
]
