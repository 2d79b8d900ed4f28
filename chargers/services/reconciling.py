"""Bringing quiet chargers to what is wanted of them, step by step.

A step is a module of services with two functions. `reconcile(charger)` does what is to be done now
for one charger, which is quiet: it runs in a batch, so it touches only the database and sends by
`commands.send`; for a charger without anything to do it must cost next to nothing (`batch.for_all`).
`due(now)` returns the ids of chargers for which `reconcile` would do something, a bounded number of
them: they are woken when they are online. Whoever changes what is wanted calls `presence.tend(charger)`.
The rows are the truth; a wake-up may be lost.
"""

import random

from chargers.models import Presence
from chargers.services import device_model, schedules, smart_charging, wakeups

# In this order: what protects the building is not to wait for a long list of settings.
STEPS = (smart_charging, device_model, schedules)
# How many chargers a look at the rows wakes at most, whichever; the rest has its turn at the next one.
MOST_WOKEN = 200
# They are not looked after in one instant: time is up for many at once, and others wait for answers.
SPREAD_SECONDS = 8.0


def reconcile(charger):
    """Take every step for a charger that is connected here and quiet."""
    if charger.may_operate and charger.deleted_at is None:
        for step in STEPS:
            step.reconcile(charger)


def wake_due(now):
    """Have the chargers looked after for which time has come; return how many."""
    wanted = {charger_id for step in STEPS for charger_id in step.due(now)}
    online = Presence.objects.online(now).filter(charger__id__among=list(wanted))
    found = list(online.select_related("process"))
    woken = random.sample(found, min(len(found), MOST_WOKEN))
    spread = SPREAD_SECONDS * len(woken) / MOST_WOKEN
    for presence in woken:
        wakeups.tend(presence.charger_id, presence.process.channel, within=spread)
    return len(woken)
