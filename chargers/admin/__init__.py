"""The staff's view of chargers, one module per noun."""

from chargers.admin import (
    chargers,
    commands,
    handshakes,
    instructions,
    locations,
    messages,
    stops,
    transactions,
)

__all__ = [
    "chargers",
    "commands",
    "handshakes",
    "instructions",
    "locations",
    "messages",
    "stops",
    "transactions",
]
