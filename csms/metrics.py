"""What Prometheus is told: counters that the engine increments and gauges that are read when asked.

No label names a charger or an owner. Counters are those of this process; gauges that count rows
hold for the whole installation and are the same from every process. The page is in csms/health.py.
"""

import logging
import time

from django.db import Error as DatabaseError
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily

logger = logging.getLogger(__name__)
registry = CollectorRegistry()

# Who increments them names only actions that exist, since a charger can make up any number.
messages = Counter(
    "csms_messages", "CALLs received from chargers.", ["protocol", "action"], registry=registry
)
connected = Gauge("csms_connected_sockets", "Charger sockets open in this process.", registry=registry)
lane_queue = Gauge("csms_lane_queue", "Works that wait for a commit in this process.", registry=registry)


class _Counted:
    """Gauges that cost a query: asked for at most every `KEEP_SECONDS`, whoever scrapes."""

    KEEP_SECONDS = 10

    def __init__(self):
        self._functions = {}
        self._values = {}
        self._asked_at = -self.KEEP_SECONDS

    def add(self, name, documentation, function):
        self._functions[name] = (documentation, function)

    def forget(self):
        self._asked_at = -self.KEEP_SECONDS

    def collect(self):
        now = time.monotonic()
        if now - self._asked_at >= self.KEEP_SECONDS:
            self._asked_at = now
            self._values = {name: self._ask(name) for name in self._functions}
        for name, value in self._values.items():
            if value is not None:
                yield GaugeMetricFamily(name, self._functions[name][0], value=value)

    def _ask(self, name):
        try:
            return self._functions[name][1]()
        except DatabaseError as error:
            logger.warning("%s cannot be counted: %s", name, error)
            return None


_counted = _Counted()
registry.register(_counted)
# `gauge(name, documentation, function)`: add a gauge whose `function` is called when it is scraped.
gauge = _counted.add
forget = _counted.forget


def page():
    """Return everything in Prometheus' text format."""
    return generate_latest(registry)
