"""Smart charging: limits that every door uses, charging profiles, and whether chargers keep to them."""

from chargers.services.smart_charging.answers import Kind, Outcome
from chargers.services.smart_charging.following import clear_profile
from chargers.services.smart_charging.keeping import due, keep, reconcile, transaction_started
from chargers.services.smart_charging.limits import in_force, limit, of, target_of, unlimit, wait
from chargers.services.smart_charging.profiles import set_profile
from chargers.services.smart_charging.reported import ask_for_profiles
from chargers.services.smart_charging.rules import Invalid, Unsupported

__all__ = [
    "Invalid",
    "Kind",
    "Outcome",
    "Unsupported",
    "ask_for_profiles",
    "clear_profile",
    "due",
    "in_force",
    "keep",
    "limit",
    "of",
    "reconcile",
    "set_profile",
    "target_of",
    "transaction_started",
    "unlimit",
    "wait",
]
