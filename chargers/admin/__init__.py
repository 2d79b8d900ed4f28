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
    "stops",
    "transactions",
]
