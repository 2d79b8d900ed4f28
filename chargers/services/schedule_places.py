"""Which places of chargers have a composite schedule: the whole, and each connector (1.6) or EVSE (2.0.1)."""

from collections import defaultdict

from chargers.models import CompositeSchedule, Connector
from chargers.services import remote
from chargers.wire import v201

MOST_PLACES = 100


def of(charger):
    """Return the places of a charger: {(EVSE, connector)}, the whole, (0, 0), included."""
    return _of_all({charger.pk: charger})[charger.pk]


def _of_all(chargers):
    """Return {charger id: places} of {id: charger}, with one query."""
    known = defaultdict(list)
    connectors = Connector.objects.filter(charger__in=chargers)
    for charger_id, *place in connectors.values_list("charger_id", "evse_id", "connector_id"):
        known[charger_id].append(place)
    return {pk: _places(charger, known[pk]) for pk, charger in chargers.items()}


def _places(charger, known):
    if remote.words(charger) is v201:
        places = {(evse_id, 0) for evse_id, _ in known}
    else:
        places = {(0, connector_id) for evse_id, connector_id in known if not evse_id}
        places |= {(0, number) for number in range(1, charger.connector_count + 1)}
    return {(0, 0), *sorted(places)[:MOST_PLACES]}


def match(chargers, due_at=None):
    """Make the rows that {id: charger} lack, and drop those of places that there are no more.

    With `due_at` the new ones are due then, else they are left to the next boot that is dealt with.
    """
    rows = CompositeSchedule.objects.filter(charger__in=chargers)
    known = {tuple(place): pk for pk, *place in rows.values_list("pk", "charger_id", *_PLACE)}
    there = {(pk, *place) for pk, places in _of_all(chargers).items() for place in places}
    if gone := known.keys() - there:
        CompositeSchedule.objects.filter(pk__in=[known[place] for place in gone]).delete()
    if missing := sorted(there - known.keys()):
        made = [
            CompositeSchedule(
                charger_id=pk,
                evse_id=evse_id,
                connector_id=connector_id,
                due_at=due_at,
                boot_count=-1 if due_at is None else chargers[pk].boot_count,
            )
            for pk, evse_id, connector_id in missing
        ]
        CompositeSchedule.objects.bulk_create(made, ignore_conflicts=True)


_PLACE = ("evse_id", "connector_id")
