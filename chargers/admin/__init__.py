"""The staff's view of chargers, one module per noun."""

from chargers.admin import chargers, commands, handshakes, locations, messages, stops, transactions

__all__ = ["chargers", "commands", "handshakes", "locations", "messages", "stops", "transactions"]
