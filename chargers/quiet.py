"""When a charger is quiet: no CALL came from it for a while, or it would not stop calling."""


class Quiet:
    """Tells once that a charger is quiet, after it was asked to (`wait`).

    `call_later(seconds, function)` is the loop's and `clock()` the time in which `called_at` is
    written with each CALL of the charger: one assignment a message. A timer runs only while somebody
    waits, and is set for when the charger would be quiet if it said nothing more.
    """

    def __init__(self, call_later, clock, then, *, after, at_the_latest):
        self.called_at = 0.0
        self._call_later, self._clock, self._then = call_later, clock, then
        self._after, self._at_the_latest = after, at_the_latest
        self._timer = None
        self._deadline = 0.0

    @property
    def is_awaited(self):
        """Whether somebody waits for it."""
        return self._timer is not None

    def wait(self):
        """Tell once the charger is quiet, at the latest so long after this; who waits already goes on."""
        if self._timer is None:
            self._deadline = self._clock() + self._at_the_latest
            self._set_timer()

    def wait_anew(self):
        """Forget the wait that is under way and begin one: the charger has just booted."""
        self.stop()
        # What it says now is the first of what a boot brings along.
        self.called_at = self._clock()
        self.wait()

    def stop(self):
        """Tell nothing, whatever was asked."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self):
        now = self._clock()
        # The clock may have been put back.
        self._deadline = min(self._deadline, now + self._at_the_latest)
        wait = min(self.called_at + self._after, self._deadline) - now
        self._timer = self._call_later(max(0.0, wait), self._look)

    def _look(self):
        self._timer = None
        now = self._clock()
        if now < min(self.called_at + self._after, self._deadline):
            self._set_timer()
        else:
            self._then()
