"""What a charger has said of its smart charging; what it has not said is None."""

from dataclasses import dataclass

from chargers.services import device_model


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`only_place` is (EVSE, connector) of a charger that is known to have one alone."""

    is_supported: bool | None = None
    units: frozenset[str] | None = None
    max_stack_level: int | None = None
    max_periods: int | None = None
    max_profiles: int | None = None
    only_place: tuple[int, int] | None = None

    def allows(self, unit):
        return self.units is None or unit in self.units


def of(charger):
    """Return what `charger` has said of itself."""
    told = device_model.capabilities(charger)
    return Capabilities(
        is_supported=told.has_smart_charging,
        units=told.charging_rate_units,
        max_stack_level=told.max_stack_level,
        max_periods=told.max_periods,
        max_profiles=told.max_profiles,
        only_place=_only_place(charger),
    )


def _only_place(charger):
    """A station of 2.0.1 reports all its connectors; a charge point of 1.6 must have counted them."""
    rows = charger.connectors.filter(connector_id__gt=0).values_list("evse_id", "connector_id")
    places = {(evse_id, 0) if evse_id else (0, connector_id) for evse_id, connector_id in rows}
    if len(places) != 1:
        return None
    (place,) = places
    return place if place[0] or charger.connector_count == 1 else None
