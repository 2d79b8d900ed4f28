"""Who hears of what a charge point publishes."""

import logging

log = logging.getLogger(__name__)


class Subscribers:
    """Callbacks for each of `names`."""

    def __init__(self, names):
        self._callbacks = {name: [] for name in names}

    def add(self, name, callback):
        self._callbacks[name].append(callback)

    def tell(self, name, value):
        """Call them all; one that fails costs nothing but itself, since this may be the connection's task."""
        for callback in self._callbacks[name]:
            try:
                callback(value)
            except Exception as error:
                log.error("a subscriber of %s: %r", name, error, exc_info=error)
