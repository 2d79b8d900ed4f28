"""Monitors: the CSMS hears when a variable crosses a threshold, changes, or is due (OCPP 2.0.1 N04 to N08).

Theory of operation. A monitor remembers what it saw last. While there are monitors, one task looks at
the variables once in a second of life and tells what there is to tell; a threshold tells once when it
is crossed, and once more, cleared, when the value is back. Monitors outlive a reset.
"""

import itertools
import math
from dataclasses import dataclass

from chargers.virtual import device_model
from chargers.wire import clock

LOOK_SECONDS = 1  # of life
MOST_MONITORS = 100
LEAST_SEVERE = 9
LEVEL, BASE = "MonitoringCtrlr.ActiveMonitoringLevel", "MonitoringCtrlr.ActiveMonitoringBase"
UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, ALIGNED = "Periodic", "PeriodicClockAligned"
_CRITERIA = {UPPER: "ThresholdMonitoring", LOWER: "ThresholdMonitoring", DELTA: "DeltaMonitoring"}


@dataclass(eq=False)
class Monitor:
    """One monitor; `seen` is the value that it measures from, `due_at` when a periodic one tells next."""

    id: int
    kind: str
    value: float
    severity: int
    component: dict
    variable: dict
    transaction: bool = False
    is_crossed: bool = False
    seen: str = ""
    due_at: float = 0.0

    @property
    def criterion(self):
        return _CRITERIA.get(self.kind, "PeriodicMonitoring")

    def report(self):
        """Return it as NotifyMonitoringReport tells it."""
        told = {"id": self.id, "transaction": self.transaction, "value": self.value}
        return told | {"type": self.kind, "severity": self.severity}

    def is_for(self, component, variable):
        return (self.component, self.variable) == (component, variable)

    def look(self, now, moment):
        """Return (trigger, is_cleared) when there is something to tell of `now`, a value, else None."""
        if self.kind == DELTA:
            return self._look_for_change(now)
        if self.kind in (UPPER, LOWER):
            return self._look_for_crossing(float(now))
        if moment < self.due_at:
            return None
        self.due_at = self.next_due(moment)
        return "Periodic", False

    def next_due(self, moment):
        step = max(self.value, 1.0)
        return (math.floor(moment / step) + 1) * step if self.kind == ALIGNED else moment + step

    def _look_for_change(self, now):
        if self.seen == now:
            return None
        try:
            if abs(float(now) - float(self.seen)) < self.value:
                return None
        except ValueError:
            pass  # a text: any change is one
        self.seen = now
        return "Delta", False

    def _look_for_crossing(self, now):
        is_beyond = now > self.value if self.kind == UPPER else now < self.value
        if is_beyond == self.is_crossed:
            return None
        self.is_crossed = is_beyond
        return "Alerting", not is_beyond


class Monitoring:
    """The monitors of one station, by id."""

    def __init__(self, point):
        self._point = point
        self.monitors = {}
        self._ids, self._events = itertools.count(1), itertools.count(1)
        self._task = None

    def set(self, monitor):
        """Set a monitor, in place of the one of its id: the status in OCPP's words."""
        if monitor.id is not None and monitor.id not in self.monitors:
            return "Rejected"
        variables = device_model.everything(self._point)
        if problem := self._problem(monitor, variables):
            return problem
        monitor.seen = self._find(monitor, variables).value
        monitor.id = next(self._ids) if monitor.id is None else monitor.id
        monitor.due_at = monitor.next_due(self._moment(monitor))
        self.monitors[monitor.id] = monitor
        self.resume()
        return "Accepted"

    def _problem(self, monitor, variables):
        if not any(each.matches(monitor.component) for each in variables):
            return "UnknownComponent"
        found = self._find(monitor, variables)
        if found is None:
            return "UnknownVariable"
        if found.value is None or (monitor.kind in (UPPER, LOWER) and not found.is_number):
            return "UnsupportedMonitorType"
        if self._is_out_of_bounds(monitor, found):
            return "Rejected"
        others = [each for each in self.monitors.values() if each.id != monitor.id]
        same = [each for each in others if each.is_for(monitor.component, monitor.variable)]
        if any((each.kind, each.severity) == (monitor.kind, monitor.severity) for each in same):
            return "Duplicate"
        return "Rejected" if len(others) >= MOST_MONITORS else ""

    @staticmethod
    def _is_out_of_bounds(monitor, found):
        if not 0 <= monitor.severity <= LEAST_SEVERE or not math.isfinite(monitor.value):
            return True
        if monitor.kind in (UPPER, LOWER):
            return found.most is not None and monitor.value > found.most
        return monitor.value < 0 or (monitor.kind in (PERIODIC, ALIGNED) and monitor.value < 1)

    @staticmethod
    def _find(monitor, variables):
        found = [each for each in variables if each.matches(monitor.component, monitor.variable)]
        return found[0] if found else None

    def clear(self, number):
        """Take a monitor away; say whether there was one."""
        return self.monitors.pop(number, None) is not None

    def clear_all(self):
        self.monitors.clear()

    def chosen(self, component_variables=(), criteria=()):
        """Return the monitors of any of those places that fit any of the criteria."""
        return [
            each
            for each in self.monitors.values()
            if (not criteria or each.criterion in criteria)
            and (not component_variables or any(_is_meant(each, one) for one in component_variables))
        ]

    def resume(self):
        """Look again from now on, as long as there are monitors."""
        if self.monitors and (self._task is None or self._task.done()):
            self._task = self._point.spawn(self._look_on())

    async def _look_on(self):
        while self.monitors:
            await self._point.clock.live(LOOK_SECONDS)
            self.look()

    def look(self):
        """Tell of what has happened since the last look, if there is anybody who wants to know."""
        settings = self._point.configuration
        level, is_enabled = settings.number(LEVEL), settings.is_true("MonitoringCtrlr.Enabled")
        variables = device_model.everything(self._point)
        for monitor in list(self.monitors.values()):
            found = self._find(monitor, variables)
            running = self._running(monitor)
            if found is None or (monitor.transaction and running is None):
                continue
            told = monitor.look(found.value, self._moment(monitor))
            if told and is_enabled and monitor.severity <= level:
                self._tell(monitor, found, running, *told)

    def _moment(self, monitor):
        return self._point.clock.now().timestamp() if monitor.kind == ALIGNED else self._point.clock.life()

    def _running(self, monitor):
        """Return the transaction at the monitor's EVSE, or any where it is of none; None without one."""
        number = monitor.component.get("evse", {}).get("id")
        chosen = [each for each in self._point.connectors.values() if number in (None, each.connector_id)]
        return next((each.transaction for each in chosen if each.transaction), None)

    def _tell(self, monitor, found, running, trigger, is_cleared):
        at = clock.text(self._point.clock.now())
        event = {
            "eventId": next(self._events),
            "timestamp": at,
            "trigger": trigger,
            "actualValue": found.value,
            "eventNotificationType": "CustomMonitor",
            "variableMonitoringId": monitor.id,
            "component": found.component,
            "variable": found.variable,
        }
        event |= {"cleared": True} if is_cleared else {}
        event |= {"transactionId": running.uid} if running and "evse" in found.component else {}
        self._point.tell_soon("NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]})


def _is_meant(monitor, wanted):
    place = device_model.Variable(monitor.component, monitor.variable, "", None)
    return place.matches(wanted["component"], wanted.get("variable"))
