"""The staff's view of chargers, one module per noun."""

from chargers.admin import (
    chargers,
    commands,
    datum,
    handshakes,
    instructions,
    locations,
    messages,
    publishing,
    smart_charging,
    stops,
    transactions,
)

__all__ = [
    "chargers",
    "commands",
    "datum",
    "handshakes",
    "instructions",
    "locations",
    "messages",
    "publishing",
    "smart_charging",
    "stops",
    "transactions",
]
